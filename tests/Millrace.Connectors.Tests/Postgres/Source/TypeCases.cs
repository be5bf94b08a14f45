namespace Millrace.Connectors.Tests.Postgres.Source;

/// <summary>One line of the type table as a test: a PostgreSQL type, the DuckDB type that it becomes, and values at its edges.</summary>
/// <param name="Type">In PostgreSQL's SQL.</param>
/// <param name="Becomes">In DuckDB's SQL.</param>
/// <param name="Values">SQL expressions, and what DuckDB's text of them must be; null: PostgreSQL's own text.</param>
internal sealed record TypeCase(string Type, string Becomes, params (string Sql, string? Text)[] Values)
{
    /// <summary>The first major version that has it.</summary>
    public int Since { get; init; } = 12;
}

/// <summary>Every line of the type table.</summary>
internal static class TypeCases
{
    /// <summary>The types that the cases need, made anew.</summary>
    internal const string Setup =
        """
        DROP SCHEMA IF EXISTS types CASCADE; CREATE SCHEMA types; SET search_path = types;
        CREATE EXTENSION IF NOT EXISTS citext SCHEMA public; CREATE EXTENSION IF NOT EXISTS hstore SCHEMA public;
        CREATE TYPE mood AS ENUM ('sad', 'ok', 'sehr fröhlich');
        CREATE DOMAIN positive AS int4 CHECK (value > 0); CREATE DOMAIN price AS numeric(10,2); CREATE DOMAIN very_positive AS positive CHECK (value > 9);
        CREATE DOMAIN ints AS int4[];
        CREATE TYPE pair AS (a int4, "B b" text); CREATE TYPE nested AS (p pair, tags text[], at timestamptz);
        CREATE TYPE awkward AS (i int4, span interval);
        CREATE TYPE floats AS RANGE (subtype = float8);
        """;

    /// <summary>Every case.</summary>
    internal static IReadOnlyList<TypeCase> All => [.. Plain, .. Others];

    private static IReadOnlyList<TypeCase> Plain =>
    [
        new("bool", "BOOLEAN", ("true", "true"), ("false", "false")),
        new("int2", "SMALLINT", ("-32768", null), ("32767", null), ("0", null)),
        new("int4", "INTEGER", ("-2147483648", null), ("2147483647", null)),
        new("int8", "BIGINT", ("-9223372036854775808", null), ("9223372036854775807", null)),
        new("oid", "UINTEGER", ("0", null), ("4294967295", null)),
        new("float4", "FLOAT", ("1.5", "1.5"), ("'NaN'", "nan"), ("'-Infinity'", "-inf"), ("3.4028235e38", "3.4028235e+38"), ("'-0'", "-0.0")),
        new("float8", "DOUBLE", ("0.1", "0.1"), ("'NaN'", "nan"), ("'Infinity'", "inf"), ("1.7976931348623157e308", "1.7976931348623157e+308"), ("5e-324", "5e-324")),

        new("numeric(4,2)", "DECIMAL(4,2)", ("99.99", null), ("-99.99", null), ("0", null), ("0.01", null)),
        new("numeric(9,0)", "DECIMAL(9,0)", ("999999999", null), ("-999999999", null), ("10000", null)),
        new("numeric(12,2)", "DECIMAL(12,2)", ("9999999999.99", null), ("-0.01", null), ("12345.6", null), ("100000000", null)),
        new("numeric(18,9)", "DECIMAL(18,9)", ("999999999.999999999", null), ("0.000000001", null), ("-1", null)),
        new("numeric(18,18)", "DECIMAL(18,18)", ("0.999999999999999999", ".999999999999999999"), ("-0.000000000000000001", "-.000000000000000001")),
        new("numeric(38,0)", "DECIMAL(38,0)", ("99999999999999999999999999999999999999", null), ("-99999999999999999999999999999999999999", null), ("1", null)),
        new("numeric(38,37)", "DECIMAL(38,37)", ("9.9999999999999999999999999999999999999", null), ("-0.0000000000000000000000000000000000001", null)),
        new("numeric(38,10)", "DECIMAL(38,10)", ("1234567890123456789012345678.0123456789", null), ("0.0000000001", null)),
        new("numeric(5,-2)", "DECIMAL(7,0)", ("9999900", null), ("-100", null)) { Since = 15 },
        new("numeric(3,5)", "DECIMAL(5,5)", ("0.00999", ".00999"), ("-0.00001", "-.00001")) { Since = 15 },
        new("numeric(39,0)", "VARCHAR", ("999999999999999999999999999999999999999", null), ("'NaN'", null)),
        new("numeric(3,40)", "VARCHAR", ("0.0000000000000000000000000000000000000999", null)) { Since = 15 },
        new("numeric", "VARCHAR", ("1.10", null), ("'NaN'", null), ("1e100", null), ("-1e-50", null), ("0.00", null)),
        new("numeric", "VARCHAR", ("'Infinity'", null), ("'-Infinity'", null)) { Since = 14 },

        new("date", "DATE", ("'2024-02-29'", null), ("'0001-01-01'", null), ("'4713-01-01 BC'", "4713-01-01 (BC)"), ("'5874897-12-31'", null), ("'infinity'", null), ("'-infinity'", null)),
        new("time", "TIME", ("'00:00'", null), ("'23:59:59.999999'", null), ("'24:00:00'", null)),
        new("timestamp", "TIMESTAMP", ("'1999-12-31 23:59:59.999999'", null), ("'4713-01-01 00:00 BC'", "4713-01-01 (BC) 00:00:00"), ("'294246-12-31 23:59:59.999999'", null), ("'infinity'", null), ("'-infinity'", null)),
        new("timestamptz", "TIMESTAMP WITH TIME ZONE", ("'2024-07-01 12:00:00.123456+02'", null), ("'1970-01-01 00:00:00+00'", null), ("'infinity'", null), ("'-infinity'", null)),
        new("uuid", "UUID", ("'00000000-0000-0000-0000-000000000000'", null), ("'ffffffff-ffff-ffff-ffff-ffffffffffff'", null), ("'12345678-9abc-def0-8123-456789abcdef'", null)),

        new("text", "VARCHAR", ("''", null), ("'twelve bytes'", null), ("'thirteen byte'", null), ("'grüße 🚀 ' || chr(1)", null), ("repeat('long ', 100000)", null), ("E'line\\n\\ttab\\\\'", null)),
        new("varchar(10)", "VARCHAR", ("'ten chars!'", null)),
        new("char(5)", "VARCHAR", ("'ab'", "ab   ")),
        new("name", "VARCHAR", ("'pg_class'", null)),
        new("\"char\"", "VARCHAR", ("'x'", null), ("''", null)),
        new("public.citext", "VARCHAR", ("'MiXed'", null)),
        new("types.mood", "VARCHAR", ("'sad'", null), ("'sehr fröhlich'", null)),
        new("json", "VARCHAR", ("'{\"a\" :  1, \"a\": 2}'", null), ("'null'", null)),
        new("jsonb", "VARCHAR", ("'{\"b\" :  1, \"a\": [1.10, \"ü\"]}'", null), ("'\"text\"'", null)),
        new("xml", "VARCHAR", ("'<a b=\"c\">d</a>'", null)),
        new("bytea", "BLOB", ("'\\x00ff5c27'", @"\x00\xFF\x5C\x27"), ("''", "")),
    ];

    private static IReadOnlyList<TypeCase> Others =>
    [
        new("timetz", "VARCHAR", ("'12:00:00.5+05:30'", null), ("'24:00:00-15:59'", null)),
        new("interval", "VARCHAR", ("'1 year 2 mons -3 days 04:05:06.000007'", null), ("'0'", null)),
        new("interval", "VARCHAR", ("'infinity'", null)) { Since = 17 },
        new("money", "VARCHAR", ("'-12.34'", null)),
        new("inet", "VARCHAR", ("'10.0.0.1'", null), ("'2001:db8::1/64'", null)),
        new("cidr", "VARCHAR", ("'10.0.0.0/8'", null)),
        new("macaddr", "VARCHAR", ("'08:00:2b:01:02:03'", null)),
        new("macaddr8", "VARCHAR", ("'08:00:2b:01:02:03:04:05'", null)),
        new("bit(5)", "VARCHAR", ("B'10101'", null)),
        new("varbit", "VARCHAR", ("B''", null), ("B'0000001'", null)),
        new("tsvector", "VARCHAR", ("'a fat cat'", null)),
        new("tsquery", "VARCHAR", ("'fat & cat'", null)),
        new("jsonpath", "VARCHAR", ("'$.a[*]'", null)),
        new("point", "VARCHAR", ("'(0.1,-1e300)'", null)),
        new("line", "VARCHAR", ("'{1,2,3}'", null)),
        new("lseg", "VARCHAR", ("'[(0,0),(1,1)]'", null)),
        new("box", "VARCHAR", ("'(1,1),(0,0)'", null)),
        new("path", "VARCHAR", ("'((0,0),(1,1))'", null)),
        new("polygon", "VARCHAR", ("'((0,0),(1,1),(2,0))'", null)),
        new("circle", "VARCHAR", ("'<(0,0),5>'", null)),
        new("pg_lsn", "VARCHAR", ("'16/B374D848'", null)),
        new("xid", "VARCHAR", ("'7'", null)),
        new("xid8", "VARCHAR", ("'18446744073709551615'", null)) { Since = 13 },
        new("cid", "VARCHAR", ("'7'", null)),
        new("tid", "VARCHAR", ("'(1,2)'", null)),
        new("txid_snapshot", "VARCHAR", ("'10:20:10,14,15'", null)),
        new("pg_snapshot", "VARCHAR", ("'10:20:10,14,15'", null)) { Since = 13 },
        new("int2vector", "VARCHAR", ("'1 2 3'", null)),
        new("oidvector", "VARCHAR", ("'1 2'", null)),
        new("regclass", "VARCHAR", ("'pg_catalog.pg_class'", "pg_class")),
        new("public.hstore", "VARCHAR", ("'a=>1, b=>NULL'", null)),
        new("int4range", "VARCHAR", ("'[1,5)'", null), ("'empty'", null)),
        new("tstzrange", "VARCHAR", ("'[2024-01-01 00:00+00,)'", null)),
        new("types.floats", "VARCHAR", ("'[0.1,0.2]'", null)),
        new("int4multirange", "VARCHAR", ("'{[1,2), [5,7)}'", null)) { Since = 14 },
        new("types.positive", "INTEGER", ("7", null)),
        new("types.very_positive", "INTEGER", ("77", null)),
        new("types.price", "DECIMAL(10,2)", ("12345678.90", null)),
        new("types.ints", "INTEGER[]", ("'{1,2}'", "[1, 2]")),

        new("int4[]", "INTEGER[]", ("'{1,NULL,3}'", "[1, NULL, 3]"), ("'{}'", "[]")),
        new("int4[][]", "INTEGER[][]", ("'{{1,2},{3,NULL}}'", "[[1, 2], [3, NULL]]"), ("'{}'", "[]")),
        new("text[][][]", "VARCHAR[][][]", ("'{{{a},{b}},{{c},{NULL}}}'", "[[[a], [b]], [[c], [NULL]]]")),
        new("numeric(10,2)[]", "DECIMAL(10,2)[]", ("'{1.5,-2}'", "[1.50, -2.00]")),
        new("interval[]", "VARCHAR[]", ("'{1 day,NULL,2 years}'", "[1 day, NULL, 2 years]")),
        new("jsonb[]", "VARCHAR[]", ("array['1', '[2]']::jsonb[]", "[1, '[2]']")),
        new("types.mood[]", "VARCHAR[]", ("'{sad,ok}'", "[sad, ok]")),
        new("types.price[]", "DECIMAL(10,2)[]", ("'{1,2.5}'", "[1.00, 2.50]")),
        new("bool[]", "BOOLEAN[]", ("'{t,f}'", "[true, false]")),
        new("types.pair", "STRUCT(a INTEGER, \"B b\" VARCHAR)", ("ROW(1, 'x')::types.pair", "{'a': 1, 'B b': x}"), ("ROW(NULL, NULL)::types.pair", "{'a': NULL, 'B b': NULL}")),
        new("types.pair[]", "STRUCT(a INTEGER, \"B b\" VARCHAR)[]", ("array[ROW(1, 'x'), NULL, ROW(2, NULL)]::types.pair[]", "[{'a': 1, 'B b': x}, NULL, {'a': 2, 'B b': NULL}]")),
        new(
            "types.nested",
            "STRUCT(p STRUCT(a INTEGER, \"B b\" VARCHAR), tags VARCHAR[], \"at\" TIMESTAMP WITH TIME ZONE)",
            ("ROW(ROW(1, 'x'), '{a,b}', '2024-01-01 00:00+00')::types.nested", "{'p': {'a': 1, 'B b': x}, 'tags': [a, b], 'at': '2024-01-01 00:00:00+00'}"),
            ("ROW(NULL, NULL, NULL)::types.nested", "{'p': NULL, 'tags': NULL, 'at': NULL}")),
        new("types.awkward", "VARCHAR", ("ROW(1, '1 day')::types.awkward", null)),
    ];
}
