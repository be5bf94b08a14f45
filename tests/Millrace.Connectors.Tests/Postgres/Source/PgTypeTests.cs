using System.Collections.Immutable;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Connectors.Tests.Postgres.Source;

/// <summary>Each line of the type table against the oldest, Debian's and the newest server.</summary>
public sealed class PgTypeTests
{
    private readonly PgServers _servers;

    public PgTypeTests(PgServers servers) => _servers = servers;

    [Theory]
    [MemberData(nameof(PgServers.Versions), MemberType = typeof(PgServers))]
    public async Task Every_type_becomes_what_the_table_says_without_a_changed_value(int version)
    {
        var server = await _servers.GetAsync(version);
        var cases = TypeCases.All.Where(c => c.Since <= version).ToList();
        await CreateAsync(server, cases);
        await using var run = PgRun.Open(server.Url());
        var plan = await run.PlanAsync(PgRun.Stream("types.every"));
        var types = plan.Columns.Skip(1).Select(static c => c.Type).ToList();
        Assert.Equal(cases.Select(static c => DuckDbType.Parse(c.Becomes).ToSql()), types);
        Assert.All(plan.Columns.Skip(1).Zip(cases), static pair => Assert.True(pair.First.Remark is null || pair.First.Remark.Contains("text") || pair.First.Remark.Contains("exactly"), pair.First.Remark));

        var table = await run.ReadAsync(plan);
        var texts = await ServerTextsAsync(server, cases);
        var wrong = new List<string>();
        for (var i = 0; i < cases.Count; i++)
        {
            var sql = types[i].StartsWith("TIMESTAMP WITH", StringComparison.Ordinal) ? $"CASE WHEN isfinite(c{i}) THEN regexp_replace(c{i}::text, '(\\.\\d*?)0*\\+', '\\1+') ELSE c{i}::text END" : $"c{i}::text";
            var actual = run.Rows($"SELECT {sql} FROM {table} ORDER BY k").ConvertAll(static row => row[0]);
            for (var k = 0; k < actual.Count; k++)
            {
                var expected = k < cases[i].Values.Length ? cases[i].Values[k].Text ?? texts[k][i] : null;
                if (expected != actual[k]) wrong.Add($"{cases[i].Type}: {(k < cases[i].Values.Length ? cases[i].Values[k].Sql : "NULL")} became {actual[k]}, expected {expected}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public async Task A_plain_target_gets_text_where_it_holds_no_lists_structs_and_bytes()
    {
        var server = await _servers.GetAsync();
        string[] types = ["int4[]", "types.pair", "types.pair[]", "types.nested", "bytea", "bytea[]", "types.ints"];
        string[] values = ["'{1,NULL}'", "ROW(1, 'x y')", "array[ROW(1, 'x')::types.pair]", "ROW(NULL, '{a}', NULL)", @"'\x00ff'", @"array['\x00'::bytea]", "'{3}'"];
        await server.ExecuteAsync(TypeCases.Setup);
        await server.ExecuteAsync($"CREATE TABLE types.plain ({string.Join(", ", types.Select((t, i) => $"c{i} {t}"))}); INSERT INTO types.plain VALUES ({string.Join(", ", values)})");
        await using var run = PgRun.Open(server.Url());
        var plan = await run.PlanAsync(PgRun.Stream("types.plain"), PgRun.Plain);
        Assert.All(plan.Columns, static column => Assert.Equal("VARCHAR", column.Type));
        var table = await run.ReadAsync(plan);
        var expected = await PgCheck.TextsAsync(server, $"SELECT {string.Join(", ", types.Select((_, i) => $"c{i}::text"))} FROM types.plain");
        Assert.Equal(expected, run.Rows($"SELECT * FROM {table}"));
    }

    public static TheoryData<string, string, string> RefusedValues => new()
    {
        { "date", "'infinity'", "found infinity" },
        { "date", "'-infinity'", "found -infinity" },
        { "timestamp", "'infinity'", "found infinity" },
        { "timestamptz", "'-infinity'", "found -infinity" },
        { "timestamp", "'294276-12-31'", "after the year 294246" },
        { "time", "'24:00:00'", "24:00:00" },
        { "float4", "'NaN'", "found NaN" },
        { "float8", "'-Infinity'", "found -Infinity" },
        { "numeric(10,2)", "'NaN'", "found NaN" },
        { "numeric(38,2)", "'NaN'", "found NaN" },
    };

    [Theory]
    [MemberData(nameof(RefusedValues))]
    public async Task A_value_that_the_target_cannot_hold_fails_the_unit_with_row_and_column(string type, string value, string found)
    {
        var server = await _servers.GetAsync();
        await server.ExecuteAsync($"DROP TABLE IF EXISTS refused; CREATE TABLE refused (i int, v {type}); INSERT INTO refused SELECT i, CASE WHEN i = 3 THEN {value}::{type} END FROM generate_series(1, 5) AS i");
        await using var run = PgRun.Open(server.Url());
        var fault = await Assert.ThrowsAsync<Fault>(() => run.MoveAsync(PgRun.Stream("refused"), PgRun.Plain));
        Assert.Equal(FaultKind.Data, fault.Kind);
        Assert.False(fault.Retryable);
        Assert.Contains(found, fault.Message);
        Assert.Contains("row 3, column v", fault.Where);
        Assert.Contains("types: {v: text}", fault.Advice);

        // And as text it goes through.
        await using var second = PgRun.Open(server.Url());
        var table = await second.MoveAsync(PgRun.Stream("refused") with { Types = ImmutableSortedDictionary<string, string>.Empty.Add("v", "text") }, PgRun.Plain);
        Assert.NotNull(second.Value($"SELECT v FROM {table} WHERE i = 3"));
    }

    public static TheoryData<string, string, string> RefusedArrays => new()
    {
        { "int4[]", "'{{1},{2}}'", "found an array of 2 dimensions, expected 1" },
        { "int4[][]", "'{1}'", "found an array of 1 dimensions, expected 2" },
        { "int4[]", "'[0:1]={1,2}'", "begins at 0" },
    };

    [Theory]
    [MemberData(nameof(RefusedArrays))]
    public async Task An_array_that_a_list_cannot_hold_fails_the_unit(string type, string value, string found)
    {
        var server = await _servers.GetAsync();
        await server.ExecuteAsync($"DROP TABLE IF EXISTS refused_arrays; CREATE TABLE refused_arrays (v {type}); INSERT INTO refused_arrays VALUES ({value})");
        await using var run = PgRun.Open(server.Url());
        var fault = await Assert.ThrowsAsync<Fault>(() => run.MoveAsync(PgRun.Stream("refused_arrays")));
        Assert.Contains(found, fault.Message);
        Assert.Contains("row 1, column v", fault.Where);
    }

    public static TheoryData<string, string, string, string?, string?> Overrides => new()
    {
        { "int2", "32767", "bigint", "BIGINT", "32767" },
        { "int4", "-2147483648", "double", "DOUBLE", "-2147483648.0" },
        { "int8", "9007199254740993", "decimal(18,2)", "DECIMAL(18,2)", "9007199254740993.00" },
        { "numeric", "1.10", "decimal(18,2)", "DECIMAL(18,2)", "1.10" },
        { "numeric", "-9223372036854775808", "bigint", "BIGINT", "-9223372036854775808" },
        { "numeric", "0.1", "double", "DOUBLE", "0.1" },
        { "numeric(10,2)", "1.50", "decimal(4,1)", "DECIMAL(4,1)", "1.5" },
        { "float4", "0.1", "double", "DOUBLE", "0.10000000149011612" },
        { "date", "'2024-02-29'", "timestamp", "TIMESTAMP", "2024-02-29 00:00:00" },
        { "text", "'{\"a\": 1}'", "json", "JSON", "{\"a\": 1}" },
        { "jsonb", "'{\"a\": 1}'", "json", "JSON", "{\"a\": 1}" },
        { "text", "'ü'", "blob", "BLOB", @"\xC3\xBC" },
        { "timestamptz", "'2024-01-01 00:00+00'", "text", "VARCHAR", "2024-01-01 00:00:00+00" },
        { "int4[]", "'{{1},{2}}'", "integer[][]", "INTEGER[][]", "[[1], [2]]" },
        { "numeric[]", "'{1.5}'", "decimal(5,2)[]", "DECIMAL(5,2)[]", "[1.50]" },
        { "int8", "1", "integer", null, null },
        { "int8", "1", "double", null, null },
        { "float8", "1", "real", null, null },
        { "timestamp", "now()", "timestamptz", null, null },
        { "text", "'1'", "integer", null, null },
        { "text", "'1'", "nonsense", null, null },
    };

    [Theory]
    [MemberData(nameof(Overrides))]
    public async Task Types_may_ask_for_conversions_that_lose_nothing(string type, string value, string wanted, string? becomes, string? text)
    {
        var server = await _servers.GetAsync();
        await server.ExecuteAsync($"DROP TABLE IF EXISTS overrides; CREATE TABLE overrides AS SELECT ({value})::{type} AS v");
        var stream = PgRun.Stream("overrides") with
        {
            Types = ImmutableSortedDictionary<string, string>.Empty.Add("v", wanted),
            Marks = ImmutableSortedDictionary<string, Mark>.Empty.Add("types.v", new Mark("streams.overrides.types.v", "job.yaml", 9)),
        };
        await using var run = PgRun.Open(server.Url());
        if (becomes is null)
        {
            var fault = await Assert.ThrowsAsync<Fault>(() => run.PlanAsync(stream));
            Assert.Equal(FaultKind.JobFile, fault.Kind);
            Assert.Equal("job.yaml:9: streams.overrides.types.v", fault.Where);
            Assert.Contains("Allowed for", fault.Advice);
            return;
        }

        var plan = await run.PlanAsync(stream);
        Assert.Equal(becomes, plan.Columns[0].Type);
        Assert.Equal(text, run.Value($"SELECT v::text FROM {await run.ReadAsync(plan)}"));
    }

    public static TheoryData<string, string, string> InexactValues => new()
    {
        { "1.234", "decimal(10,2)", "found 1.234, which has more digits after the point" },
        { "123456789.5", "decimal(10,2)", "found 123456789.5, which has more digits" },
        { "0.00001", "decimal(38,2)", "found 0.00001" },
        { "100000000000000000000000000000000000000", "decimal(38,0)", "has more digits than the target" },
        { "9223372036854775808", "bigint", "found 9223372036854775808" },
        { "32768", "smallint", "found 32768" },
        { "1.5", "bigint", "found 1.5" },
        { "1e20", "decimal(18,0)", "found 100000000000000000000" },
    };

    [Theory]
    [MemberData(nameof(InexactValues))]
    public async Task A_numeric_is_never_rounded(string value, string wanted, string found)
    {
        var server = await _servers.GetAsync();
        await server.ExecuteAsync($"DROP TABLE IF EXISTS inexact; CREATE TABLE inexact AS SELECT ({value})::numeric AS v");
        await using var run = PgRun.Open(server.Url());
        var stream = PgRun.Stream("inexact") with { Types = ImmutableSortedDictionary<string, string>.Empty.Add("v", wanted) };
        var fault = await Assert.ThrowsAsync<Fault>(() => run.MoveAsync(stream));
        Assert.Contains(found, fault.Message);
        Assert.Contains("row 1, column v", fault.Where);
    }

    private static async Task CreateAsync(PgServer server, List<TypeCase> cases)
    {
        await server.ExecuteAsync(TypeCases.Setup);
        await server.ExecuteAsync($"SET search_path = pg_catalog; CREATE TABLE types.every (k int4, {string.Join(", ", cases.Select((c, i) => $"c{i} {c.Type}"))})");
        for (var k = 0; k <= cases.Max(static c => c.Values.Length); k++)
        {
            var values = cases.Select(c => k < c.Values.Length ? $"({c.Values[k].Sql})::{c.Type}" : "NULL");
            await server.ExecuteAsync($"SET search_path = pg_catalog; SET lc_monetary = 'C'; INSERT INTO types.every VALUES ({k}, {string.Join(", ", values)})");
        }
    }

    private static async Task<List<string?[]>> ServerTextsAsync(PgServer server, List<TypeCase> cases)
    {
        var columns = string.Join(", ", cases.Select((_, i) => $"c{i}::text"));
        return await PgCheck.TextsAsync(server, $"SELECT {columns} FROM types.every ORDER BY k");
    }
}
