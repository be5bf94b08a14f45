using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Transform;

namespace Millrace.Tests.Transform;

/// <summary>What SQL of a transform may be, statement by statement.</summary>
public sealed class SqlCheckTests(SqlCheckTests.Opened opened) : IClassFixture<SqlCheckTests.Opened>
{
    private static readonly Mark Place = new("streams.s.transform", "job.yaml", 7);

    private static readonly ImmutableArray<TableColumn> Input =
    [
        new("id", DuckDbType.BigInt), new("name", DuckDbType.Varchar), new("seen", DuckDbType.Timestamp), new("score", DuckDbType.Double),
        new("tags", DuckDbType.List(DuckDbType.Varchar)), new("s", DuckDbType.Struct(new DuckDbField("x", DuckDbType.Integer))),
    ];

    /// <summary>One database for all.</summary>
    public sealed class Opened : IDisposable
    {
        internal SqlCheck Check { get; } = new(new DateTimeOffset(2021, 2, 3, 4, 5, 6, 789, TimeSpan.Zero));

        /// <inheritdoc/>
        public void Dispose() => Check.Dispose();
    }

    [Theory]
    [InlineData("select * from input")]
    [InlineData("from input")]
    [InlineData("SELECT id, lower(name) AS n FROM Input WHERE score > 0.5 -- the end")]
    [InlineData("select id from input; -- the end; really")]
    [InlineData("select id from input ; ;")]
    [InlineData("select ';' as c, id from input;")]
    [InlineData("select * exclude (name) replace (id + 1 as id), now() as at_start, current_timestamp, age(seen) from input")]
    [InlineData("select id, unnest(tags) as tag from input")]
    [InlineData("select unnest(generate_series(1, id)) from input")]
    [InlineData("select [t || '!' for t in tags if t <> 'x'] as l, list_sum([1, 2]), list_aggregate(tags, 'min') from input")]
    [InlineData("select list_transform(tags, lambda t: upper(t)), list_reduce([1, 2], lambda a, b: a + b) from input")]
    [InlineData("select columns(c -> c like 'i%'), columns('sc.*') from input")]
    [InlineData("with a as (select * from input where id > 1), b as (select id from a) select * from b")]
    [InlineData("with input as (select * from input where id > 1) select * from input")]
    [InlineData("select i.id, k.v from input i join (values (1, 'a'), (2, 'b')) k(id, v) on k.id = i.id")]
    [InlineData("from (values (1, 'a')) k(id, v) right join input using (id)")]
    [InlineData("select * from input where name in (select * from (values ('a'), ('b')))")]
    [InlineData("with k as (values (1)) select * from input, k")]
    [InlineData("select id, (select 1) as one, exists (select 1) from input")]
    [InlineData("select case when score >= 0.8 then 'High' else 'Low' end, score between 0 and 1, try_cast(name as int), name collate nocase, id::decimal(10, 2) from input")]
    [InlineData("select {'a': id, 'b': [name]}, map {'k': id}, tags[1], tags[1:2], s.x, s['x'], struct_extract(s, 'x'), name->>'$.a' from input")]
    [InlineData("select row_random(id), row_random(id, name, null), row_random('a') from input where row_random(id) < 0.1")]
    [InlineData("select strptime(name, '%Y'), date_trunc('day', seen), seen at time zone 'Europe/Berlin', interval 3 day, date_part('year', seen) from input")]
    [InlineData("select id as \"current_schema\", 1 as user from input where true")]
    [InlineData("select * from (select *, id + 1 as next from input) where next > 3")]
    [InlineData("select main.lower(name), system.main.upper(name) from input")]
    [InlineData("select ago(interval 1 day), CURRENT_DATE, LOCALTIME, localtimestamp, current_time, today() from input")]
    public void Row_wise_sql_passes(string sql)
    {
        opened.Check.AssertRowWise(sql, Input, Place);
        var text = opened.Check.OneSelect(sql, Place);
        var relations = new Dictionary<string, ImmutableArray<TableColumn>> { ["input"] = Input };
        Assert.Equal(opened.Check.ColumnsOf(sql, relations, Place), opened.Check.ColumnsOf($"select * from ({text})", relations, Place));
    }

    [Theory]
    [InlineData("select sum(score) from input", "'sum()' (line 1, column 8) is an aggregate", "`group`")]
    [InlineData("select\n  COUNT(*) as n\nfrom input", "'count_star()' (line 2, column 3)", "`group`")]
    [InlineData("select id, list(name) from input group by id", "'list()'", "`nest`")]
    [InlineData("select array_agg(name order by id) from input", "is an aggregate", "`nest`")]
    [InlineData("select id from input group by id", "GROUP BY", "`group`")]
    [InlineData("select id from input group by all", "GROUP BY", "`group`")]
    [InlineData("select 1 from input having true", "HAVING", "`group`")]
    [InlineData("select distinct id from input", "DISTINCT", "`dedupe`")]
    [InlineData("select distinct on (id) * from input", "DISTINCT", "`dedupe`")]
    [InlineData("select row_number() over (partition by id order by seen) from input", "window", "`dedupe`")]
    [InlineData("select sum(score) over () from input", "window", "`group`")]
    [InlineData("select * from input qualify row_number() over () = 1", "QUALIFY", "`dedupe`")]
    [InlineData("select * from input order by id", "ORDER BY", "`write.cluster_by`")]
    [InlineData("select * from (select * from input order by id)", "ORDER BY", "`write.cluster_by`")]
    [InlineData("select * from input limit 3", "LIMIT", "WHERE")]
    [InlineData("select * from input offset 3", "LIMIT or OFFSET", "WHERE")]
    [InlineData("select * from input limit 10%", "LIMIT", "WHERE")]
    [InlineData("select * from input using sample 10%", "SAMPLE", "row_random")]
    [InlineData("select * from input tablesample 10 rows", "SAMPLE", "row_random")]
    [InlineData("select id from input union all select id from input", "UNION", "one SELECT")]
    [InlineData("select id from input intersect select 1", "INTERSECT", "one SELECT")]
    [InlineData("select * from input a, input b", "joined with themselves", "`join`")]
    [InlineData("with a as (from input) select * from a join input using (id)", "joined with themselves", "`join`")]
    [InlineData("select * from input positional join (values (1))", "POSITIONAL", "`join`")]
    [InlineData("select * from input asof join (values (now()::timestamp)) v(t) on seen >= t", "ASOF", "`join`")]
    [InlineData("select * from input right join (values (1)) v(id) using (id)", "RIGHT join", "`join`")]
    [InlineData("select * from input full join (values (1)) v(id) using (id)", "join gives rows", "`join`")]
    [InlineData("select * from predictions", "it reads 'predictions' (line 1, column 15)", "`join`")]
    [InlineData("select * from main.input", "it reads 'input'", "`join`")]
    [InlineData("select * from input join predictions using (id)", "it reads 'predictions'", "`join`")]
    [InlineData("select * from 'a.csv'", "it reads 'a.csv'", "`join`")]
    [InlineData("select *, (select max(id) from input) from input", "a subquery (line 1, column 11) reads the rows", "`join`")]
    [InlineData("select * from input where id in (select id from input)", "reads the rows", "`join`")]
    [InlineData("select *, (select max(t) from unnest(tags) u(t)) from input", "'max()'", "`group`")]
    [InlineData("select *, (select t from unnest(tags) u(t)) from input", "looks at values of the row", "unnest()")]
    [InlineData("select * from input, unnest(tags)", "looks at values of the row", "unnest()")]
    [InlineData("with recursive r as (select 1 as x union all select x + 1 from r) select * from input, r", "refers to itself", "one SELECT")]
    [InlineData("with a as materialized (from input) from a", "MATERIALIZED", "Leave")]
    [InlineData("from (pivot input on name using sum(score))", "only a SELECT", "PIVOT")]
    [InlineData("from (unpivot input on id)", "PIVOT", "unnest")]
    [InlineData("pivot input on name using sum(score)", "only a SELECT", "one SELECT")]
    [InlineData("select * from input, read_csv('x.csv')", "'read_csv()'", "`join`")]
    [InlineData("select * from input, query('select 1')", "'query()'", "`join`")]
    [InlineData("from query_table('input')", "'query_table()'", "`join`")]
    [InlineData("from json_execute_serialized_sql('x')", "'json_execute_serialized_sql()'", "`join`")]
    [InlineData("from glob('*')", "'glob()'", "`join`")]
    [InlineData("from duckdb_settings()", "'duckdb_settings()'", "`join`")]
    [InlineData("from information_schema.tables", "it reads 'tables'", "`join`")]
    [InlineData("show tables", "is no table", "SELECT")]
    [InlineData("describe input", "is no table", "SELECT")]
    [InlineData("summarize input", "is no table", "SELECT")]
    [InlineData("select 1 as one", "does not read `input`", "FROM input")]
    [InlineData("values (1)", "does not read `input`", "FROM input")]
    [InlineData("select geomean(id) from input", "'geomean()'", "`group`")]
    [InlineData("select json_group_array(name) from input", "'json_group_array()'", "`nest`")]
    [InlineData("select nme from input", "Referenced column \"nme\" not found in FROM clause (line 1, column 8)", "Did you mean 'name'? The columns are id, name, seen")]
    [InlineData("select id,\n foo(id) from input", "foo does not exist (line 2, column 2)", "floor")]
    [InlineData("select rowid from input", "rowid", "The columns are")]
    [InlineData("select date_trunc(id) from input", "No function matches", "date_trunc(VARCHAR, DATE)")]
    [InlineData("select id from", "syntax error", null)]
    [InlineData("select 'ä', id from input where ) x", "syntax error at or near \")\" (line 1, column 33)", null)]
    [InlineData("", "there is no SQL", "SELECT")]
    [InlineData("-- nothing", "there is no SQL", "SELECT")]
    [InlineData("select 1 from input; drop table input", "only a SELECT", "SELECT")]
    [InlineData("select 1 from input; select 2 from input", "several statements", "SELECT")]
    [InlineData("copy input to 'x'", "only a SELECT", "SELECT")]
    [InlineData("set threads = 1", "only a SELECT", "SELECT")]
    [InlineData("select 1) from (select 2", "syntax error", null)]
    [InlineData("select $1 from input", "parameter", "${NAME}")]
    [InlineData("select ? from input", "parameter", "${NAME}")]
    [InlineData("select id, name as ID from input", "two columns have the name", "AS")]
    [InlineData("select #1 from input", "not known as row-wise", null)]
    public void Other_sql_is_refused_with_what_would_do_it(string sql, string found, string? advice)
    {
        var fault = Assert.Throws<Fault>(() => opened.Check.AssertRowWise(sql, Input, Place));
        Assert.Contains(found, fault.Message, StringComparison.Ordinal);
        if (advice is not null) Assert.Contains(advice, fault.Advice, StringComparison.Ordinal);
        Assert.Equal((FaultKind.JobFile, FaultSide.Job, "job.yaml:7: streams.s.transform"), (fault.Kind, fault.Side, fault.Where));
    }

    [Theory]
    [InlineData("select random() from input", "'random()' (line 1, column 8)")]
    [InlineData("select \"RANDOM\"() from input", "'random()'")]
    [InlineData("select main.random() from input", "'random()'")]
    [InlineData("select system.main.random() from input", "'random()'")]
    [InlineData("select id.random() from input", "'random()'")]
    [InlineData("select [x || random() for x in tags] from input", "'random()'")]
    [InlineData("select list_transform(tags, lambda x: uuid()) from input", "'uuid()'")]
    [InlineData("select columns(c -> random() > 0.5) from input", "'random()'")]
    [InlineData("select id from input where random() < 0.5", "'random()'")]
    [InlineData("with r as (select random() as x) select * from input, r", "'random()'")]
    [InlineData("select * from input join (values (random())) v(x) on true", "'random()'")]
    [InlineData("select * from input, range(random()::int)", "'random()'")]
    [InlineData("select (select gen_random_uuid()) from input", "'gen_random_uuid()'")]
    [InlineData("select * replace (random() as id) from input", "'random()'")]
    [InlineData("select nextval('s') from input", "'nextval()'")]
    [InlineData("select setseed(0.5) from input", "'setseed()'")]
    [InlineData("select current_setting('TimeZone') from input", "'current_setting()'")]
    [InlineData("select getvariable('x') from input", "'getvariable()'")]
    [InlineData("select version() from input", "'version()'")]
    [InlineData("select getenv('HOME') from input", "'getenv()'")]
    [InlineData("select current_schema from input", "'current_schema'")]
    [InlineData("select current_catalog from input", "'current_catalog'")]
    [InlineData("select user from input", "'user'")]
    [InlineData("select current_database() from input", "'current_database()'")]
    [InlineData("select pg_sleep(1) from input", "'pg_sleep()'")]
    [InlineData("select get_block_size('x') from input", "'get_block_size()'")]
    [InlineData("select list_aggregate([1, 2], 'reservoir_quantile', 0.5) from input", "'reservoir_quantile'")]
    [InlineData("select list_aggregate([1, 2], 'reservoir_' || 'quantile', 0.5) from input", "plain text")]
    [InlineData("select system.main.now() from input", "named with its schema")]
    [InlineData("select system.main.age(seen) from input", "named with its schema")]
    [InlineData("select main.current_date() from input", "named with its schema")]
    [InlineData("select json_serialize_plan('select 1') from input", "'json_serialize_plan()'")]
    public void What_is_not_the_same_in_every_try_is_refused(string sql, string found)
    {
        var fault = Assert.Throws<Fault>(() => opened.Check.AssertRowWise(sql, Input, Place));
        Assert.Contains(found, fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void All_that_is_wrong_is_said_at_once()
    {
        var fault = Assert.Throws<Fault>(() => opened.Check.AssertRowWise("select distinct random(), sum(id) from input order by 1", Input, Place));
        Assert.All(["DISTINCT", "'random()'", "'sum()'", "ORDER BY"], part => Assert.Contains(part, fault.Message, StringComparison.Ordinal));
        Assert.All(["`dedupe`", "row_random", "`group`", "`write.cluster_by`"], part => Assert.Contains(part, fault.Advice, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("id", "BIGINT")]
    [InlineData("lower(name) -- in small letters", "VARCHAR")]
    [InlineData("score > 0.5 and name is not null", "BOOLEAN")]
    [InlineData("year(seen)", "BIGINT")]
    [InlineData("seen > now()::timestamp - interval 1 day", "BOOLEAN")]
    [InlineData("list_filter(tags, lambda t: t <> '')", "VARCHAR[]")]
    [InlineData("row_random(id) < 0.01", "BOOLEAN")]
    [InlineData("(id)", "BIGINT")]
    [InlineData("name in ('a', 'b')", "BOOLEAN")]
    public void Scalar_expressions_pass(string expression, string type) =>
        Assert.Equal(DuckDbType.Parse(type), opened.Check.AssertRowWiseExpression(expression, Input, Place));

    [Theory]
    [InlineData("sum(score)", "'sum()'")]
    [InlineData("random() < 0.5", "'random()' (line 1, column 1)")]
    [InlineData("id, name", "not one expression")]
    [InlineData("id as x", "not one expression")]
    [InlineData("id x", "not one expression")]
    [InlineData("id;", "syntax error")]
    [InlineData("false) or (true", "syntax error")]
    [InlineData("id) from input, (select 1", "syntax error")]
    [InlineData("id from input", "not one expression")]
    [InlineData("distinct id", "not one expression")]
    [InlineData("all id", "syntax error")]
    [InlineData("*", "one")]
    [InlineData("columns('i.*')", "COLUMNS()")]
    [InlineData("unnest(tags)", "unnest()")]
    [InlineData("regexp_split_to_table(name, ',')", "several rows of one")]
    [InlineData("(select 1)", "a subquery")]
    [InlineData("id in (select 1)", "a subquery")]
    [InlineData("row_number() over ()", "window")]
    [InlineData("nam = 'x'", "\"nam\" not found in FROM clause (line 1, column 1)")]
    [InlineData("", "SELECT clause without")]
    public void Other_expressions_are_refused(string expression, string found)
    {
        var fault = Assert.Throws<Fault>(() => opened.Check.AssertRowWiseExpression(expression, Input, Place));
        Assert.Contains(found, fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("count(*)", "BIGINT")]
    [InlineData("sum(score) / count(*) + 1", "DOUBLE")]
    [InlineData("max(seen) filter (where score > 0.5)", "TIMESTAMP")]
    [InlineData("count(distinct lower(name))", "BIGINT")]
    [InlineData("first(name order by seen, name)", "VARCHAR")]
    [InlineData("any_value(name order by NAME)", "VARCHAR")]
    [InlineData("string_agg(name, ', ' order by id desc, name)", "VARCHAR")]
    [InlineData("arg_max(name, seen order by seen, name)", "VARCHAR")]
    [InlineData("geomean(score)", "DOUBLE")]
    [InlineData("{'n': count(*), 'm': min(id)}", "STRUCT(n BIGINT, m BIGINT)")]
    [InlineData("max(seen) < now()::timestamp", "BOOLEAN")]
    [InlineData("list_transform([min(id), max(id)], lambda x: x + 1)", "BIGINT[]")]
    [InlineData("sum(case when row_random(id) < 0.5 then 1 else 0 end)", "HUGEINT")]
    public void Aggregates_pass(string expression, string type) =>
        Assert.Equal(DuckDbType.Parse(type), opened.Check.AssertAggregate(expression, Input, Place));

    [Theory]
    [InlineData("id", "outside of an aggregate", "min()")]
    [InlineData("sum(id) + id", "'id' (line 1, column 11) stands outside", "`by`")]
    [InlineData("1", "no aggregate", "count(*)")]
    [InlineData("list(name)", "'list()'", "`nest`")]
    [InlineData("list(name order by name)", "'list()'", "`nest`")]
    [InlineData("first(to_json(name))->'$.a'", "depends on the order", "ORDER BY")]
    [InlineData("first(name)", "depends on the order", "first(a ORDER BY b, a)")]
    [InlineData("first(name order by seen)", "depends on the order", "first(a ORDER BY b, a)")]
    [InlineData("any_value(name)", "depends on the order", "ORDER BY")]
    [InlineData("arg_max(name, seen)", "depends on the order", "ORDER BY")]
    [InlineData("string_agg(name, ',')", "depends on the order", "ORDER BY")]
    [InlineData("mode(name)", "depends on the order", "ORDER BY")]
    [InlineData("approx_quantile(score, 0.5)", "depends on the order", "ORDER BY")]
    [InlineData("reservoir_quantile(score, 0.5)", "'reservoir_quantile()'", "quantile_cont")]
    [InlineData("sum(random())", "'random()'", "row_random")]
    [InlineData("sum(id) filter (where random() < 0.5)", "'random()'", "row_random")]
    [InlineData("sum(sum(id))", "'sum()'", "`group`")]
    [InlineData("sum(id) over ()", "window", "aggregates")]
    [InlineData("sum((select 1))", "a subquery", "expression")]
    [InlineData("(select sum(id) from input)", "subquery", "aggregates")]
    [InlineData("count(*), sum(id)", "not one expression", "one expression")]
    [InlineData("min(columns(*))", "COLUMNS()", "expression")]
    public void Other_aggregates_are_refused(string expression, string found, string advice)
    {
        var fault = Assert.Throws<Fault>(() => opened.Check.AssertAggregate(expression, Input, Place));
        Assert.Contains(found, fault.Message, StringComparison.Ordinal);
        Assert.Contains(advice, fault.Advice, StringComparison.Ordinal);
    }

    [Fact]
    public void Columns_of_a_select_over_several_relations()
    {
        var relations = new Dictionary<string, ImmutableArray<TableColumn>>
        {
            ["left side"] = [new("Key", DuckDbType.Integer), new("e", DuckDbType.Enum("a", "b's"))],
            ["r"] = [new("key", DuckDbType.BigInt), new("d", DuckDbType.Decimal(10, 2)), new("j", DuckDbType.Json)],
        };
        const string Sql = "select l.Key, e, list({'d': d, 'j': j} order by d) as items from \"left side\" l left join r on l.Key = r.key group by all";
        var struc = DuckDbType.Struct(new DuckDbField("d", DuckDbType.Decimal(10, 2)), new DuckDbField("j", DuckDbType.Json));
        Assert.Equal(
            [new("Key", DuckDbType.Integer), new("e", DuckDbType.Enum("a", "b's")), new TableColumn("items", DuckDbType.List(struc))],
            opened.Check.ColumnsOf(Sql, relations, Place));
        Assert.Equal(2, opened.Check.ColumnsOf("select key from r union all select 1 union all select 2 order by key limit 3", relations, Place).Length + 1);

        var fault = Assert.Throws<Fault>(() => opened.Check.ColumnsOf("select x from l", relations, Place));
        Assert.Contains("it reads 'l'", fault.Message, StringComparison.Ordinal);
        Assert.Contains("`left side`, `r`", fault.Advice, StringComparison.Ordinal);
        fault = Assert.Throws<Fault>(() => opened.Check.ColumnsOf("select kye from r", relations, Place));
        Assert.Contains("Did you mean 'Key'?", fault.Advice, StringComparison.Ordinal);
        Assert.Throws<Fault>(() => opened.Check.ColumnsOf("select random() from r union select 1", relations, Place));
        Assert.Throws<Fault>(() => opened.Check.ColumnsOf("from read_text('x')", relations, Place));
    }

    [Fact]
    public void Deep_and_long_sql_is_checked_or_refused_but_ends_nothing()
    {
        foreach (var sql in new[] { "+1", "::int" })
        {
            opened.Check.AssertRowWise($"select id{string.Concat(Enumerable.Repeat(sql, 300))} from input", Input, Place);
            var deep = $"select id{string.Concat(Enumerable.Repeat(sql, 20_000))} from input";
            Assert.Throws<Fault>(() => opened.Check.AssertRowWise(deep, Input, Place));
        }

        opened.Check.AssertRowWise(Cases(300), Input, Place);
        var fault = Assert.Throws<Fault>(() => opened.Check.AssertRowWise(Cases(900), Input, Place));
        Assert.Contains("nested too deeply", fault.Message, StringComparison.Ordinal);
        var unions = "select id from input" + string.Concat(Enumerable.Repeat(" union all select 1", 2_000));
        var relations = new Dictionary<string, ImmutableArray<TableColumn>> { ["input"] = Input };
        Assert.Single(opened.Check.ColumnsOf(unions, relations, Place));
        Assert.Throws<Fault>(() => opened.Check.AssertRowWise($"select '{new string('x', Limits.SqlCharsMax)}' from input", Input, Place));
        Assert.Throws<Fault>(() => opened.Check.AssertRowWise("select 1\0 from input", Input, Place));
    }

    private static string Cases(int levels) =>
        $"select {string.Concat(Enumerable.Repeat("case when true then ", levels))}id{string.Concat(Enumerable.Repeat(" end", levels))} from input";
}
