using Millrace.Connectors.Postgres.Types;
using Millrace.Connectors.Postgres.Writing;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Connectors.Tests.Postgres.Source;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Planning;

namespace Millrace.Connectors.Tests.Postgres.Writing;

/// <summary>Every DuckDB type into the PostgreSQL type that a new table gets, and into others that hold it, as Npgsql and the server then show it.</summary>
public sealed class PgWriteTypeTests(PgServers servers)
{
    /// <summary>A DuckDB type, what it becomes, and values: their text in DuckDB's SQL and, where another, the server's text of them.</summary>
    private sealed record Case(string From, string To, params (string Value, string? Text)[] Values);

    private static readonly Case[] s_cases =
    [
        new("BOOLEAN", "boolean", ("true", "true"), ("false", "false")),
        new("TINYINT", "smallint", ("-128", null), ("127", null)),
        new("UTINYINT", "smallint", ("255", null)),
        new("SMALLINT", "smallint", ("-32768", null), ("32767", null)),
        new("USMALLINT", "integer", ("65535", null)),
        new("INTEGER", "integer", ("-2147483648", null), ("2147483647", null)),
        new("UINTEGER", "bigint", ("4294967295", null)),
        new("BIGINT", "bigint", ("-9223372036854775808", null), ("9223372036854775807", null)),
        new("UBIGINT", "numeric(20,0)", ("18446744073709551615", null), ("0", null)),
        new("HUGEINT", "numeric(39,0)", ("-170141183460469231731687303715884105728", null), ("170141183460469231731687303715884105727", null), ("0", null), ("10000", null)),
        new("UHUGEINT", "numeric(39,0)", ("340282366920938463463374607431768211455", null)),
        new("FLOAT", "real", ("1.5", null), ("'nan'", "NaN"), ("'-inf'", "-Infinity"), ("3.4028235e38", "3.4028235e+38"), ("'-0'", "-0")),
        new("DOUBLE", "double precision", ("0.1", null), ("'inf'", "Infinity"), ("5e-324", "5e-324"), ("1.7976931348623157e308", "1.7976931348623157e+308")),
        new("DECIMAL(4,2)", "numeric(4,2)", ("99.99", null), ("-99.99", null), ("0", "0.00"), ("0.01", null)),
        new("DECIMAL(9,0)", "numeric(9,0)", ("999999999", null), ("-999999999", null), ("10000", null)),
        new("DECIMAL(12,2)", "numeric(12,2)", ("9999999999.99", null), ("-0.01", null), ("12345.60", null), ("100000000.00", null), ("0.00", null), ("-0.10", null)),
        new("DECIMAL(18,1)", "numeric(18,1)", ("99999999999999999.9", null), ("-0.1", null)),
        new("DECIMAL(18,3)", "numeric(18,3)", ("999999999999999.999", null), ("0.001", null)),
        new("DECIMAL(18,9)", "numeric(18,9)", ("999999999.999999999", null), ("0.000000001", null)),
        new("DECIMAL(18,17)", "numeric(18,17)", ("9.99999999999999999", null), ("-0.00000000000000001", null)),
        new("DECIMAL(18,18)", "numeric(18,18)", ("0.999999999999999999", "0.999999999999999999")),
        new("DECIMAL(38,0)", "numeric(38,0)", ("99999999999999999999999999999999999999", null), ("-99999999999999999999999999999999999999", null)),
        new("DECIMAL(38,37)", "numeric(38,37)", ("9.9999999999999999999999999999999999999", null), ("-0.0000000000000000000000000000000000001", null)),
        new("DECIMAL(38,10)", "numeric(38,10)", ("1234567890123456789012345678.0123456789", null), ("0.0000000001", null), ("10000.0000000000", null)),
        new("VARCHAR", "text", ("''", ""), ("'a''b \\ \"'", null), ("'ä€😀'", null), ("repeat('x', 3000)", null)),
        new("JSON", "json", ("'{\"a\":  [1, null]}'", null)),
        new("ENUM('sad', 'sehr fröhlich')", "text", ("'sehr fröhlich'", null)),
        new("BLOB", "bytea", (@"'\x00\xFF'::BLOB", @"\x00ff"), ("''::BLOB", @"\x")),
        new("DATE", "date", ("'2024-02-29'", null), ("'0001-01-01'", null), ("'4714-11-24 (BC)'", "4714-11-24 BC"), ("'5874897-12-31'", null), ("'infinity'", null), ("'-infinity'", null)),
        new("TIME", "time without time zone", ("'00:00:00'", null), ("'23:59:59.999999'", null), ("'24:00:00'", null)),
        new("TIME_NS", "time without time zone", ("'23:59:59.999999'", null)),
        new("TIMETZ", "time with time zone", ("'12:00:00+15:59:59'", null), ("'00:00:00.5-15:59:59'", null), ("'01:02:03+00'", null)),
        new(
            "TIMESTAMP", "timestamp without time zone",
            ("'1999-12-31 23:59:59.999999'", null), ("'4714-11-24 (BC) 00:00:00'", "4714-11-24 00:00:00 BC"), ("'294246-12-31 23:59:59.999999'", null),
            ("'infinity'", null), ("'-infinity'", null)),
        new("TIMESTAMP_S", "timestamp without time zone", ("'2024-02-29 12:34:56'", null), ("'infinity'", null), ("'-infinity'", null)),
        new("TIMESTAMP_MS", "timestamp without time zone", ("'1960-02-29 12:34:56.789'", null), ("'infinity'", null)),
        new("TIMESTAMP_NS", "timestamp without time zone", ("'1960-02-29 12:34:56.789123'", null), ("'infinity'", null), ("'-infinity'", null)),
        new("TIMESTAMPTZ", "timestamp with time zone", ("'2024-07-01 12:00:00.123456+02'", "2024-07-01 10:00:00.123456+00"), ("'infinity'", null), ("'-infinity'", null)),
        new(
            "INTERVAL", "interval",
            ("INTERVAL '14 months 3 days 4 microseconds'", "1 year 2 mons 3 days 00:00:00.000004"), ("INTERVAL '-1 month' + INTERVAL '1 day'", "-1 mons +1 day")),
        new("UUID", "uuid", ("'12345678-9abc-def0-0123-456789abcdef'", null), ("'f0000000-0000-0000-0000-000000000000'", null)),
        new("BIT", "bit varying", ("'1'", null), ("'10101010'", null), ("'1010101011'", null), ("repeat('110', 900)", null)),
        new("INTEGER[]", "integer[]", ("[1, NULL, 3]", "{1,NULL,3}"), ("[]", "{}")),
        new("VARCHAR[]", "text[]", ("['a,b', NULL, '\"', '']", "{\"a,b\",NULL,\"\\\"\",\"\"}"), ("[repeat('x', 2000), 'y']", $"{{{new string('x', 2000)},y}}")),
        new("INTEGER[][]", "integer[]", ("[[1, 2], [3, NULL]]", "{{1,2},{3,NULL}}"), ("[]", "{}")),
        new("INTEGER[2][]", "integer[]", ("[[1, 2], [3, 4], [5, 6]]", "{{1,2},{3,4},{5,6}}")),
        new("DECIMAL(5,2)[]", "numeric(5,2)[]", ("[1.5, -999.99]", "{1.50,-999.99}")),
        new("TIMESTAMP[3]", "timestamp without time zone[]", ("['2024-01-01', NULL, 'infinity']", "{\"2024-01-01 00:00:00\",NULL,infinity}")),
        new("STRUCT(a INTEGER, \"b c\" VARCHAR)", "jsonb", ("{'a': 1, 'b c': 'x\"\\\u0001'}", "{\"a\": 1, \"b c\": \"x\\\"\\\\\\u0001\"}"), ("{'a': NULL, 'b c': NULL}", "{\"a\": null, \"b c\": null}")),
        new("STRUCT(a INTEGER)[]", "jsonb[]", ("[{'a': 1}, NULL]", "{\"{\\\"a\\\": 1}\",NULL}")),
        new("MAP(VARCHAR, DECIMAL(38,2))", "jsonb", ("MAP {'k': 123456789012345678901234567890123456.78, 'l': -0.01}", "{\"k\": 123456789012345678901234567890123456.78, \"l\": -0.01}")),
        new("MAP(DATE, DOUBLE[])", "jsonb", ("MAP {DATE '2024-01-02': [0.1, NULL]}", "{\"2024-01-02\": [0.1, null]}")),
        new("UNION(n INTEGER, t VARCHAR)", "jsonb", ("union_value(t := 'x')", "{\"t\": \"x\"}"), ("union_value(n := 7)", "{\"n\": 7}")),
        new(
            "STRUCT(b BOOLEAN, h UHUGEINT, f FLOAT, u UUID, tm TIME, ts TIMESTAMP, tz TIMESTAMPTZ, i INTERVAL, e ENUM('x', 'y'), l INTEGER[2])", "jsonb",
            (
                "ROW(true, 340282366920938463463374607431768211455, 0.1, '12345678-9abc-def0-0123-456789abcdef', '01:02:03.5', '1969-12-31 23:59:59.999999', '2024-01-01 00:00:00+00', INTERVAL '1 month -2 days -3.5 seconds', 'y', [1, 2])",
                "{\"b\": true, \"e\": \"y\", \"f\": 0.1, \"h\": 340282366920938463463374607431768211455, \"i\": \"P1M-2DT-3.5S\", \"l\": [1, 2], \"u\": \"12345678-9abc-def0-0123-456789abcdef\", \"tm\": \"01:02:03.5\", \"ts\": \"1969-12-31T23:59:59.999999\", \"tz\": \"2024-01-01T00:00:00Z\"}")),
    ];

    [Theory]
    [MemberData(nameof(PgServers.Versions), MemberType = typeof(PgServers))]
    public async Task Every_type_arrives_as_it_is_in_the_type_that_a_new_table_gets(int version)
    {
        var server = await servers.GetAsync(version);
        await using var load = await PgLoad.OpenAsync(server, "write_types");
        var most = s_cases.Max(static c => c.Values.Length);
        var selects = Enumerable.Range(0, most + 1).Select(k => $"SELECT {k} AS k, {string.Join(", ", s_cases.Select((c, i) => $"{Sql(c, k)} AS c{i}"))}");
        var select = string.Join(" UNION ALL ", selects);
        await load.LoadAsync(select);
        var types = await load.ReadAsync($"SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = '{load.Stage}'::regclass AND attnum > 1 ORDER BY attnum");
        Assert.Equal(s_cases.Select(static c => c.To), types.Select(static row => row[0]));

        var columns = string.Join(", ", s_cases.Select(static (_, i) => $"c{i}::text"));
        var expected = load.Ask($"SELECT {columns} FROM ({select}) ORDER BY k");
        var found = await load.ReadAsync($"SELECT {columns} FROM {load.Stage} ORDER BY k");
        var wrong = new List<string>();
        for (var k = 0; k <= most; k++)
        {
            for (var i = 0; i < s_cases.Length; i++)
            {
                var text = k < s_cases[i].Values.Length ? s_cases[i].Values[k].Text ?? expected[k][i] : null;
                if (text != found[k][i]) wrong.Add($"{s_cases[i].From}: expected {text}, found {found[k][i]}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static string Sql(Case type, int k) => k < type.Values.Length ? $"({type.Values[k].Value})::{type.From}" : $"NULL::{type.From}";

    /// <summary>From, into a column of the type, the value, and the server's text of it.</summary>
    public static TheoryData<string, string, string, string> OtherTypes => new()
    {
        { "TINYINT", "int4", "-128", "-128" },
        { "USMALLINT", "int8", "65535", "65535" },
        { "UINTEGER", "oid", "4294967295", "4294967295" },
        { "BIGINT", "numeric", "-9223372036854775808", "-9223372036854775808" },
        { "INTEGER", "numeric(12,2)", "2147483647", "2147483647.00" },
        { "UBIGINT", "numeric", "18446744073709551615", "18446744073709551615" },
        { "DECIMAL(4,0)", "int2", "-9999", "-9999" },
        { "DECIMAL(4,0)", "int8", "-9999", "-9999" },
        { "DECIMAL(9,0)", "int4", "999999999", "999999999" },
        { "DECIMAL(18,0)", "int8", "-999999999999999999", "-999999999999999999" },
        { "DECIMAL(12,2)", "numeric", "1234567890.10", "1234567890.10" },
        { "DECIMAL(12,2)", "numeric(38,10)", "-0.01", "-0.0100000000" },
        { "FLOAT", "float8", "0.1", "0.10000000149011612" },
        { "VARCHAR", "varchar(3)", "'äöü'", "äöü" },
        { "VARCHAR", "varchar", "'x  '", "x  " },
        { "VARCHAR", "char(5)", "'ab'", "ab" },
        { "VARCHAR", "name", "'x'", "x" },
        { "VARCHAR", "jsonb", "'{\"b\": 1, \"a\":2}'", "{\"a\": 2, \"b\": 1}" },
        { "JSON", "jsonb", "'[1,2]'", "[1, 2]" },
        { "VARCHAR", "others.mood", "'sehr fröhlich'", "sehr fröhlich" },
        { "ENUM('sad')", "others.mood", "'sad'", "sad" },
        { "VARCHAR[]", "others.mood[]", "['sad', NULL]", "{sad,NULL}" },
        { "INTEGER", "others.positive", "7", "7" },
        { "INTEGER[]", "others.positive[]", "[7, 8]", "{7,8}" },
        { "INTEGER[]", "others.ints", "[7, 8]", "{7,8}" },
        { "INTEGER[][]", "int8[]", "[[7], [8]]", "{{7},{8}}" },
        { "VARCHAR[]", "varchar(2)[]", "['ab']", "{ab}" },
        { "INTEGER[]", "jsonb", "[1, NULL]", "[1, null]" },
        { "MAP(INTEGER, VARCHAR)", "json", "MAP {1: 'x'}", "{\"1\":\"x\"}" },
        { "STRUCT(\"B b\" VARCHAR, A INTEGER)", "others.pair", "{'B b': 'x,y', 'a': 1}", "(1,\"x,y\")" },
        { "STRUCT(a INTEGER, \"B b\" VARCHAR)[]", "others.pair[]", "[{'a': NULL, 'B b': 'x'}, NULL]", "{\"(,x)\",NULL}" },
        { "STRUCT(p STRUCT(a INTEGER, \"B b\" VARCHAR), tags VARCHAR[])", "others.nested", "{'p': {'a': 1, 'B b': NULL}, 'tags': ['x', 'y']}", "(\"(1,)\",\"{x,y}\")" },
        { "TIMESTAMP", "timestamp(3)", "'2024-01-01 00:00:00.123'", "2024-01-01 00:00:00.123" },
        { "TIMESTAMPTZ", "timestamptz(0)", "'infinity'", "infinity" },
        { "TIMESTAMP_MS", "timestamp(3)", "'1960-01-01 00:00:00.123'", "1960-01-01 00:00:00.123" },
        { "TIME", "time(1)", "'00:00:00.5'", "00:00:00.5" },
        { "BIT", "bit(3)", "'101'", "101" },
        { "BIT", "varbit(9)", "'101010101'", "101010101" },
        { "VARCHAR", "public.citext", "'MiXed'", "MiXed" },
    };

    [Theory]
    [MemberData(nameof(OtherTypes))]
    public async Task Other_types_take_what_they_hold_wholly(string from, string to, string value, string text)
    {
        await using var load = await PgLoad.OpenAsync(await servers.GetAsync(), "others");
        await load.ExecuteAsync(OthersSetup);
        var select = $"SELECT ({value})::{from} AS v UNION ALL SELECT NULL";
        await load.StageAsync(load.ColumnsOf(select), to);
        await load.WriteAsync(select);
        Assert.Equal([text, null], (await load.ReadAsync($"SELECT v::text FROM {load.Stage} ORDER BY v IS NULL")).Select(static row => row[0]));
    }

    private const string OthersSetup =
        """
        CREATE EXTENSION IF NOT EXISTS citext SCHEMA public; SET search_path = others;
        CREATE TYPE mood AS ENUM ('sad', 'sehr fröhlich'); CREATE DOMAIN positive AS int4 CHECK (value > 0); CREATE DOMAIN ints AS int4[];
        CREATE TYPE pair AS (a positive, "B b" text); CREATE TYPE nested AS (p pair, tags text[]); CREATE TYPE twins AS (a int4, "A" int4)
        """;

    /// <summary>Ways that would change, cut or lose some value.</summary>
    public static TheoryData<string, string> NoWays => new()
    {
        { "BIGINT", "int4" }, { "UINTEGER", "int4" }, { "INTEGER", "oid" }, { "UBIGINT", "int8" }, { "INTEGER", "float4" }, { "BIGINT", "float8" },
        { "DOUBLE", "float4" }, { "DOUBLE", "numeric" }, { "FLOAT", "numeric" }, { "INTEGER", "numeric(9,0)" }, { "BIGINT", "numeric(20,2)" },
        { "DECIMAL(12,2)", "numeric(12,1)" }, { "DECIMAL(12,2)", "numeric(11,2)" }, { "DECIMAL(12,2)", "int8" }, { "DECIMAL(10,0)", "int4" }, { "HUGEINT", "numeric(38,0)" },
        { "VARCHAR", "int4" }, { "VARCHAR", "bytea" }, { "VARCHAR", "uuid" }, { "VARCHAR", "xml" }, { "VARCHAR", "\"char\"" }, { "VARCHAR", "inet" }, { "VARCHAR", "text[]" },
        { "BLOB", "text" }, { "BOOLEAN", "int2" }, { "BOOLEAN", "text" }, { "INTEGER", "text" }, { "DATE", "timestamp" }, { "TIMESTAMP", "timestamptz" }, { "TIMESTAMPTZ", "timestamp" },
        { "TIMESTAMP", "date" }, { "INTERVAL", "interval(3)" }, { "INTERVAL", "interval day" }, { "TIMETZ", "time" }, { "UUID", "text" },
        { "INTEGER[]", "int4" }, { "INTEGER[]", "int2[]" }, { "INTEGER[][][][][][][]", "int4[]" }, { "BLOB[]", "jsonb" },
        { "STRUCT(a INTEGER)", "others.pair" }, { "STRUCT(a INTEGER, c VARCHAR)", "others.pair" }, { "STRUCT(a INTEGER, \"B b\" VARCHAR, c INTEGER)", "others.pair" },
        { "STRUCT(a BIGINT, \"B b\" VARCHAR)", "others.pair" }, { "STRUCT(a INTEGER, b INTEGER)", "others.twins" }, { "STRUCT(a INTEGER)", "text" },
    };

    [Fact]
    public async Task What_would_change_a_value_is_no_way()
    {
        await using var load = await PgLoad.OpenAsync(await servers.GetAsync(), "others_none");
        await load.ExecuteAsync(OthersSetup.Replace("others", "others_none", StringComparison.Ordinal));
        var wrong = new List<string>();
        foreach (var row in NoWays)
        {
            var (from, to) = row.Data;
            try
            {
                await load.StageAsync(load.ColumnsOf($"SELECT NULL::{from} AS v"), to.Replace("others", "others_none", StringComparison.Ordinal));
                wrong.Add($"{from} into {to}");
            }
            catch (NoWayException)
            {
                // As it must be.
            }
        }

        Assert.Empty(wrong);
    }

    /// <summary>From, the column's type, a value, and what is said of it.</summary>
    public static TheoryData<string, string, string, string> Refusals => new()
    {
        { "VARCHAR", "text", "'a' || chr(0)", "zero byte" },
        { "VARCHAR", "jsonb", "chr(0)", "zero byte" },
        { "VARCHAR", "varchar(3)", "'äöü '", "a text of 4 characters; the column takes 3" },
        { "STRUCT(t VARCHAR)", "jsonb", "{'t': chr(0)}", "zero byte" },
        { "STRUCT(d DOUBLE)", "jsonb", "{'d': 'nan'::DOUBLE}", "no such number" },
        { "STRUCT(d DATE)", "jsonb", "{'d': '10000-01-01'::DATE}", "after 9999" },
        { "DATE", "date", "'5874898-01-01'", "outside of PostgreSQL's range" },
        { "DATE", "date", "'4714-11-23 (BC)'", "outside of PostgreSQL's range" },
        { "TIMESTAMP", "timestamp", "'4714-11-23 (BC) 23:59:59.999999'", "outside of PostgreSQL's range" },
        { "TIMESTAMP", "timestamp(3)", "'2024-01-01 00:00:00.1234'", "finer than the column's type" },
        { "TIMESTAMP_NS", "timestamp", "'2024-01-01 00:00:00.000000001'", "finer than the column's type" },
        { "TIMESTAMP_S", "timestamp(0)", "'290309-12-22 (BC) 00:00:00'", "outside of PostgreSQL's range" },
        { "TIME", "time(0)", "'00:00:00.5'", "finer than the column's type" },
        { "TIME_NS", "time", "'00:00:00.000000001'", "finer than the column's type" },
        { "TIME_NS", "time(3)", "'00:00:00.0001'", "finer than the column's type" },
        { "TIMETZ", "timetz(0)", "'00:00:00.5-07'", "finer than the column's type" },
        { "TIMESTAMP_MS", "timestamp(0)", "'2024-01-01 00:00:00.001'", "finer than the column's type" },
        { "TIMESTAMP_MS", "timestamp", "'4714-11-23 (BC) 23:59:59.999'", "outside of PostgreSQL's range" },
        { "TIME_NS[2]", "time[]", "['00:00:00', '00:00:00.000000001']", "finer than the column's type" },
        { "VARCHAR[2][][]", "varchar(3)[]", "[[['a', NULL]], [['b', 'äöü ']]]", "a text of 4 characters; the column takes 3" },
        { "UNION(n DOUBLE, t TIME_NS)", "jsonb", "union_value(t := TIME_NS '12:00:00.000000001')", "finer than the column's type" },
        { "UNION(n DOUBLE, t TIME_NS)", "json", "union_value(n := 'inf'::DOUBLE)", "no such number" },
        { "MAP(VARCHAR, STRUCT(a VARCHAR[]))", "jsonb", "MAP {'k': {'a': ['b', chr(0)]}}", "zero byte" },
        { "MAP(VARCHAR, INTEGER)", "json", "MAP {'k' || chr(0): 1}", "zero byte" },
        { "STRUCT(t TIMESTAMPTZ)[]", "jsonb", "[{'t': '0001-01-01 (BC) 00:00:00+00'}]", "before the year 1" },
        { "INTEGER[2][]", "int4[]", "[[1, 2], NULL]", "NULL instead of a list" },
        { "INTEGER[][]", "int4[]", "[[1, 2], [3]]", "lists of 2 and of 1 elements" },
        { "INTEGER[][]", "int4[]", "[[1, 2], NULL]", "NULL instead of a list" },
        { "INTEGER[][]", "int4[]", "[[]]", "a list of empty lists" },
        { "INTEGER[][][]", "int4[]", "[[[1], [2]], [[3], [4, 5]]]", "lists of 1 and of 2 elements" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public async Task What_the_column_cannot_hold_is_refused_with_row_and_column(string from, string to, string value, string said)
    {
        await using var load = await PgLoad.OpenAsync(await servers.GetAsync(), "refusals");
        await load.StageAsync(load.ColumnsOf($"SELECT 1 AS i, NULL::{from} AS v"), null, to);
        await using var output = await load.OpenUnitAsync();
        var fault = await Assert.ThrowsAsync<Fault>(() => load.CopyAsync(output, $"SELECT 1 AS i, NULL::{from} AS v UNION ALL SELECT 2, ({value})::{from}"));
        Assert.Equal((FaultKind.Data, FaultSide.Target, "source, the unit, row 2, column v"), (fault.Kind, fault.Side, fault.Where));
        Assert.Contains(said, fault.Message, StringComparison.Ordinal);

        // What the encoder refuses, its conditions find, so that it can go to quarantine; and nothing else.
        var refusals = PgRefusals.Of(load.Header.Columns, PgWriting.Parse(load.Header.WriterJson));
        Assert.Single(refusals, refusal => load.IsTrue($"SELECT {refusal.When} FROM (SELECT CAST({value} AS {from}) AS v)"));
        Assert.DoesNotContain(refusals, refusal => load.IsTrue($"SELECT {refusal.When} FROM (SELECT CAST(NULL AS {from}) AS v)"));
    }

    [Theory]
    [MemberData(nameof(PgServers.Versions), MemberType = typeof(PgServers))]
    public async Task Between_two_PostgreSQLs_types_are_kept(int version)
    {
        var server = await servers.GetAsync(version);
        var database = await server.CreateDatabaseAsync();
        await using var load = await PgLoad.OpenAsync(server, "kept", database: database);
        var cases = TypeCases.All.Where(c => c.Since <= version).ToList();
        await load.ExecuteAsync(TypeCases.Setup + $"SET search_path = pg_catalog; CREATE TABLE types.every (k int4, {string.Join(", ", cases.Select((c, i) => $"c{i} {c.Type}"))})");
        for (var k = 0; k <= cases.Max(static c => c.Values.Length); k++)
        {
            var values = cases.Select(c => k < c.Values.Length ? $"({c.Values[k].Sql})::{c.Type}" : "NULL");
            await load.ExecuteAsync($"SET search_path = pg_catalog; SET lc_monetary = 'C'; INSERT INTO types.every VALUES ({k}, {string.Join(", ", values)})");
        }

        var texts = $"SELECT {string.Join(", ", cases.Select(static (_, i) => $"c{i}::text"))} FROM";
        var expected = await load.ReadAsync($"{texts} types.every ORDER BY k");
        var spelled = await load.ReadAsync("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'types.every'::regclass AND attnum > 1 ORDER BY attnum");
        StreamPlan plan;
        await using (var run = PgRun.Open(server.Url(database: database)))
        {
            plan = await run.PlanAsync(PgRun.Stream("types.every"), PostgresTraits.Target);
            await load.ReadIntoAsync(run, plan, "every");
        }

        // As if the target were another database: the types are made anew.
        await load.ExecuteAsync("DROP SCHEMA types CASCADE; CREATE SCHEMA types");
        foreach (var definition in plan.Columns.SelectMany(static column => column.Native?.Definitions ?? []).Distinct()) await load.ExecuteAsync(definition.Sql);
        var staged = new string?[plan.Columns.Length];
        var none = await Assert.ThrowsAsync<NoWayException>(() => load.StageAsync(plan.Columns));
        foreach (var i in none.Columns) staged[i] = PgEncodings.StagedAsText(DuckDbType.Parse(plan.Columns[i].Type))!.Value.Sql;
        await load.StageAsync(plan.Columns, staged);
        await load.WriteAsync("SELECT * FROM every");
        var types = plan.Columns.Select(PgTargetTypes.SqlFor).ToList();
        await load.ExecuteAsync($"CREATE TABLE kept.final ({string.Join(", ", plan.Columns.Select((c, i) => $"{c.Name} {types[i]}"))})");
        await load.ExecuteAsync($"INSERT INTO kept.final SELECT {string.Join(", ", plan.Columns.Select((c, i) => staged[i] is null ? c.Name : $"{c.Name}::{types[i]}"))} FROM {load.Stage}");
        var found = await load.ReadAsync($"{texts} kept.final ORDER BY k");
        for (var k = 0; k < expected.Count; k++) Assert.Equal(expected[k], found[k]);

        // What another database can't have, or has no values of its own for, is what its values are.
        var others = new Dictionary<string, string>
        {
            ["money"] = "text", ["hstore"] = "text", ["citext"] = "text", ["regclass"] = "text", ["types.floats"] = "text",
            ["numeric(5,-2)"] = "numeric(7,0)", ["numeric(3,5)"] = "numeric(5,5)", ["numeric(3,40)"] = "text",
        };
        for (var i = 0; i < cases.Count; i++)
        {
            // PostgreSQL's spelling says nothing of dimensions: those are as the case declares them.
            var dimensions = Enumerable.Repeat("[]", Math.Max(0, cases[i].Type.Split("[]").Length - 2));
            Assert.Equal(others.GetValueOrDefault(spelled[i][0]!, spelled[i][0]! + string.Concat(dimensions)), types[i + 1]);
        }
    }
}
