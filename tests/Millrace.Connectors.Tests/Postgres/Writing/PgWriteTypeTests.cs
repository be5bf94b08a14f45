using Millrace.Connectors.Postgres.Types;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.DuckDb;
using Millrace.Faults;

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
}
