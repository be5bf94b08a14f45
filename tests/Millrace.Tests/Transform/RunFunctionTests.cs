using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Transform;

namespace Millrace.Tests.Transform;

/// <summary>The run's start in every form that SQL has for the time, and numbers that look random.</summary>
public sealed class RunFunctionTests : IDisposable
{
    private static readonly DateTimeOffset Start = new DateTimeOffset(2021, 2, 3, 4, 5, 6, TimeSpan.Zero).AddMicroseconds(789_012);
    private static readonly Mark Place = new("streams.s.transform");
    private static readonly ImmutableArray<TableColumn> Input = [new("id", DuckDbType.BigInt), new("l", DuckDbType.List(DuckDbType.BigInt))];

    private readonly DuckDbDatabase _database = DuckDbDatabase.Open();
    private readonly DuckDbConnection _connection;

    /// <summary>Opens a database like a worker's.</summary>
    public RunFunctionTests()
    {
        _connection = _database.Connect();
        RunFunctions.Attach(_connection, Start);
        _connection.Execute("SET GLOBAL TimeZone = 'UTC'; SET GLOBAL lock_configuration = true");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
    }

    [Theory]
    [InlineData("now()", "2021-02-03 04:05:06.789012+00")]
    [InlineData("NOW()", "2021-02-03 04:05:06.789012+00")]
    [InlineData("\"now\"()", "2021-02-03 04:05:06.789012+00")]
    [InlineData("current_timestamp", "2021-02-03 04:05:06.789012+00")]
    [InlineData("CURRENT_TIMESTAMP", "2021-02-03 04:05:06.789012+00")]
    [InlineData("get_current_timestamp()", "2021-02-03 04:05:06.789012+00")]
    [InlineData("transaction_timestamp()", "2021-02-03 04:05:06.789012+00")]
    [InlineData("current_date", "2021-02-03")]
    [InlineData("CURRENT_DATE", "2021-02-03")]
    [InlineData("current_date()", "2021-02-03")]
    [InlineData("today()", "2021-02-03")]
    [InlineData("current_time", "04:05:06.789012+00")]
    [InlineData("get_current_time()", "04:05:06.789012+00")]
    [InlineData("localtime", "04:05:06.789012")]
    [InlineData("current_localtime()", "04:05:06.789012")]
    [InlineData("localtimestamp", "2021-02-03 04:05:06.789012")]
    [InlineData("current_localtimestamp()", "2021-02-03 04:05:06.789012")]
    [InlineData("ago(interval 1 day)", "2021-02-02 04:05:06.789012+00")]
    [InlineData("age(timestamp '2021-01-01')", "1 month 2 days")]
    [InlineData("age(timestamptz '2021-01-01')", "1 month 2 days")]
    [InlineData("age(timestamp '2021-03-01', timestamp '2021-01-01')", "2 months")]
    [InlineData("list_transform([1], lambda x: now())[1]", "2021-02-03 04:05:06.789012+00")]
    [InlineData("(select now())", "2021-02-03 04:05:06.789012+00")]
    [InlineData("date_trunc('month', now())", "2021-02-01 00:00:00+00")]
    public void Every_form_of_the_time_is_the_runs_start(string expression, string expected)
    {
        Assert.Equal(expected, Text(expression));
        using var another = _database.Connect();
        using var result = another.Query($"SELECT ({expression})::VARCHAR FROM range(1)");
        Assert.True(result.Read());
        Assert.Equal(expected, result.GetText(0));
        using var check = new SqlCheck(Start);
        check.AssertRowWise($"select {expression} as x from input", Input, Place);
    }

    [Theory]
    [InlineData("'now'::timestamp")]
    [InlineData("'today'::date")]
    [InlineData("cast('yesterday' as date)")]
    [InlineData("timestamptz 'now'")]
    public void No_text_is_the_time(string expression) => Assert.Throws<DuckDbException>(() => Text(expression));

    [Fact]
    public void Every_function_that_is_not_stable_is_the_runs_start_or_refused()
    {
        using var check = new SqlCheck(Start);
        var unstable = Texts("SELECT DISTINCT function_name FROM duckdb_functions() WHERE stability <> 'CONSISTENT' AND database_name = 'system' ORDER BY 1");
        Assert.Contains("random", unstable);
        var ofTime = 0;
        foreach (var name in unstable)
        {
            foreach (var form in new[] { name, name.ToUpperInvariant(), SqlText.Name(name) })
            {
                if (!RunFunctions.OfTime.Contains(name))
                {
                    var fault = Assert.Throws<Fault>(() => check.AssertRowWise($"select {form}() from input", Input, Place));
                    Assert.Contains($"'{name}()' (line 1, column 8) may give something else", fault.Message, StringComparison.Ordinal);
                    continue;
                }

                check.AssertRowWise($"select {form}() from input", Input, Place);
                Assert.Matches("2021-02-03|04:05:06.789012", Text($"{form}()"));
                ofTime++;
            }

            foreach (var schema in new[] { "main", "system.main", "\"SYSTEM\".\"MAIN\"" })
                Assert.Throws<Fault>(() => check.AssertRowWise($"select {schema}.{SqlText.Name(name)}() from input", Input, Place));
        }

        Assert.True(ofTime >= 18, "now() and its kin are in DuckDB's list");
    }

    [Fact]
    public void No_macro_hides_what_is_not_stable()
    {
        using var check = new SqlCheck(Start);
        Are(FunctionNature.Unstable, "pg_sleep", "current_catalog", "get_block_size", "pg_get_viewdef", "current_query");
        Are(FunctionNature.Aggregate, "geomean", "wavg", "json_group_array");
        Are(FunctionNature.OfTime, "ago", "pg_conf_load_time");
        Are(FunctionNature.Stable, "list_sum", "split_part", "nullif", "row_random");
        Assert.All(
            Texts("SELECT DISTINCT function_name FROM duckdb_functions() WHERE function_type IN ('scalar', 'macro', 'aggregate')"),
            name => Assert.NotNull(check.Functions.NatureOf(name)));
        void Are(FunctionNature nature, params string[] names) => Assert.All(names, name => Assert.Equal(nature, check.Functions.NatureOf(name)));
    }

    [Theory]
    [InlineData("select sum(id) from input", "aggregate")]
    [InlineData("select distinct id from input", "distinct")]
    [InlineData("select id from input group by id", "aggregate")]
    [InlineData("select row_number() over () from input", "window")]
    [InlineData("select id from input order by id", "order by")]
    [InlineData("select id from input limit 1", "limit")]
    [InlineData("select id from input using sample 10%", "sample")]
    [InlineData("select id from input union all select 1", "union")]
    [InlineData("select id from input except select 1", "except")]
    [InlineData("select a.id from input a join input b using (id)", "themselves")]
    [InlineData("select (select max(id) from input) from input", "themselves")]
    [InlineData("select (select x from unnest(l) t(x)) from input", "values of the row")]
    [InlineData("with a as materialized (from input) from a", "MATERIALIZED")]
    [InlineData("select geomean(id) from input", "aggregate")]
    [InlineData("select * from input, duckdb_settings()", "'duckdb_settings'")]
    [InlineData("select random() from input", "'random()'")]
    [InlineData("select list_transform(l, lambda x: x + random()) from input", "'random()'")]
    [InlineData("select id from input where uuid() is null", "'uuid()'")]
    [InlineData("select * from input join (values (random())) v(x) on true", "'random()'")]
    [InlineData("select ago(interval 1 day), system.main.now() from input", "'now()'")]
    [InlineData("select system.main.age(now()) from input", "'age()'")]
    [InlineData("select pg_sleep(1) from input", "'sleep_ms()'")]
    [InlineData("select current_schema from input", "'current_schema()'")]
    [InlineData("select 1", "does not read")]
    public void The_second_wall_stands_by_itself(string sql, string found)
    {
        _connection.Execute("CREATE TABLE input (id BIGINT, l BIGINT[])");
        var source = new SqlSource(sql, Place);
        var parser = new SqlParser(_connection);
        var findings = new SqlFindings(source);
        const string Options = "skip_null := true, skip_empty := true, skip_default := true, optimize := false";
        using var result = _connection.Query($"SELECT json_serialize_plan({SqlText.Literal(sql)}, {Options})::VARCHAR");
        Assert.True(result.Read());
        var plan = source.Tree(result.GetText(0)!).GetProperty("plans")[0];
        var functions = FunctionList.Read(_connection, text => parser.Select(new SqlSource(text, Place)));
        new PlanCheck(functions, findings, PlanCheck.Unnest).Check(plan, rowWise: true);
        Assert.Contains(found, Assert.Throws<Fault>(() => findings.ThrowIfAny("no")).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("1", 0.8692625798896365)]
    [InlineData("1, 'a'", 0.5606165117399539)]
    [InlineData("NULL", 0.9075702777539779)]
    [InlineData("'a longer text than twelve bytes', DATE '2021-02-03', [1, NULL]", 0.09252790011598666)]
    public void Row_random_is_the_same_everywhere_and_always(string arguments, double expected) =>
        Assert.Equal(expected.ToString("R", CultureInfo.InvariantCulture), Text($"row_random({arguments})"));

    [Fact]
    public void Row_random_is_uniform_and_does_not_depend_on_order()
    {
        const string Numbers = "SELECT i, row_random(i) AS r, row_random('salt', i) AS s FROM range(200000) t(i)";
        Assert.Equal("true", Text($"(SELECT bool_and(r >= 0 AND r < 1) FROM ({Numbers}))"));
        foreach (var column in new[] { "r", "s", "(r + s) % 1", "(r * 1000) % 1" })
        {
            // 99 degrees of freedom: less than one in a thousand is above 149 or below 60.
            var counts = $"SELECT count(*) AS n FROM ({Numbers}) GROUP BY floor(({column}) * 100)";
            Assert.InRange(double.Parse(Text($"(SELECT sum((n - 2000) ** 2 / 2000) FROM ({counts}))"), CultureInfo.InvariantCulture), 60, 149);
        }

        Assert.Equal("200000", Text($"(SELECT count(DISTINCT r) FROM ({Numbers}))"));
        Assert.InRange(double.Parse(Text($"(SELECT abs(corr(r, s)) FROM ({Numbers}))"), CultureInfo.InvariantCulture), 0, 0.01);
        var again = $"SELECT i, row_random(i) AS again FROM ({Numbers} ORDER BY s LIMIT 200000)";
        Assert.Equal("200000", Text($"(SELECT count(*) FROM ({Numbers}) JOIN ({again}) USING (i) WHERE r = again)"));
    }

    [Fact]
    public void Row_random_takes_any_values_and_at_least_one()
    {
        Assert.Equal("true", Text("row_random(7::TINYINT) = row_random(7::BIGINT)"));
        Assert.Equal("true", Text("row_random(1, NULL) <> row_random(NULL, 1)"));
        Assert.Equal("true", Text("row_random(NULL::VARCHAR) = row_random(NULL::BIGINT)"));
        Assert.Equal("true", Text("row_random({'a': 1, 'b': [2]}) BETWEEN 0 AND 1"));
        Assert.Equal("3", Text("(SELECT count(DISTINCT row_random(x)) FROM (VALUES (1), (NULL), (2)) t(x))"));
        Assert.Contains("row_random", Assert.Throws<DuckDbException>(() => Text("row_random()")).Message, StringComparison.Ordinal);
        Assert.Equal("1", Text("(SELECT count(*) FROM duckdb_functions() WHERE function_name = 'row_random' AND stability = 'CONSISTENT')"));
    }

    private string Text(string expression)
    {
        using var result = _connection.Query($"SELECT ({expression})::VARCHAR");
        Assert.True(result.Read());
        return result.GetText(0)!;
    }

    private List<string> Texts(string sql)
    {
        var texts = new List<string>();
        using var result = _connection.Query(sql);
        while (result.Read()) texts.Add(result.GetText(0)!);
        return texts;
    }
}
