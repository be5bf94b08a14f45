using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;
using Millrace.Testing;

namespace Millrace.SystemTests;

/// <summary>
/// What was written, read by programs that share no code with ours (PyArrow, Python's csv and json), against what the server says in
/// its own text form.
/// </summary>
public sealed class EqualityTests(PgServers servers)
{
    private const int EventRows = 100_000;

    private const string EventDigest =
        """
        SELECT count(*) || ' ' || sum(('x' || substr(md5(concat_ws('|', id, user_id, to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'),
            coalesce(status, '~'), amount, encode(float8send(score), 'hex'), is_test, session_id, coalesce(note, '~'))), 1, 8))::bit(32)::bigint) FROM events
        """;

    private const string Digest =
        """
        import csv, datetime, glob, hashlib, json, struct, sys, decimal
        import pyarrow.parquet as parquet
        def files(ending): return sorted(glob.glob(glob.escape(sys.argv[1]) + '/*' + ending))
        def rows():
            for path in files('.parquet'):
                columns = parquet.ParquetFile(path).read().to_pydict()
                for values in zip(*columns.values()): yield dict(zip(columns, values))
            for path in files('.csv'):
                for row in csv.DictReader(open(path, newline='', encoding='utf-8')): yield {k: (v if v != '' else None) for k, v in row.items()}
            for path in files('.ndjson'):
                for line in open(path, encoding='utf-8', newline='\n'): yield json.loads(line, parse_float=decimal.Decimal)
        def moment(value):
            if isinstance(value, str): value = datetime.datetime.fromisoformat(value)
            return value.astimezone(datetime.timezone.utc).strftime('%Y-%m-%d %H:%M:%S.%f')
        n = total = 0
        for r in rows():
            text = lambda name: '~' if r[name] is None else str(r[name])
            parts = [text('id'), text('user_id'), moment(r['created_at']), text('status'), str(decimal.Decimal(str(r['amount'])).quantize(decimal.Decimal('0.01'))),
                     struct.pack('>d', float(r['score'])).hex(), 't' if str(r['is_test']).lower() == 'true' else 'f', text('session_id'), text('note')]
            n += 1
            total += int(hashlib.md5('|'.join(parts).encode()).hexdigest()[:8], 16)
        print(n, total)
        """;

    [Fact]
    public async Task Events_are_the_same_in_parquet_csv_and_ndjson()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        await bench.ExecuteAsync(EventsSql());
        var expected = await bench.TextAsync(EventDigest);
        Assert.StartsWith($"{EventRows} ", expected, StringComparison.Ordinal);
        foreach (var format in (string[])["parquet", "csv", "ndjson"])
        {
            var lake = bench["lake-" + format];
            string[] arguments = ["run", "--from", "${PG_URL}", "--to", lake, "--stream", "public.events", "--state", bench.State, "--set", $"format={format}", "--set", "streams.public.events.partition.rows=15000"];
            (await MillraceProcess.RunAsync(arguments, bench.Begin())).Expect(0);
            Assert.True(Directory.EnumerateFiles(Path.Combine(lake, "events"), "*." + format).Count() > 3, "several units wrote files");
            Assert.Equal(expected, await Python.RunAsync(Digest, Path.Combine(lake, "events")));
        }
    }

    // Each column: its type and three values, the first row's typical, the second NULL, the third at the edge.
    private static readonly (string Type, string Typical, string Edge)[] s_types =
    [
        ("boolean", "true", "false"), ("smallint", "7", "-32768"), ("integer", "7", "-2147483648"), ("bigint", "7", "9223372036854775807"),
        ("oid", "7", "4294967295"), ("real", "1.5", "-3.4028235e38"), ("double precision", "0.1", "1.7976931348623157e308"), ("date", "2024-02-29", "0044-03-15 BC"),
        ("time", "12:34:56.789012", "00:00:00"), ("timestamp", "2024-02-29 12:34:56.789012", "0044-03-15 12:00:00 BC"), ("timestamptz", "2024-02-29 12:34:56.789012+05:30", "9999-12-31 23:59:59.999999+00"),
        ("uuid", "0b8f0d3e-5a61-4d54-9c57-5bb1a9d3c1a2", "ffffffff-ffff-ffff-ffff-ffffffffffff"), ("bytea", "\\x00ff41", "\\x"), ("text", "grüße \n ,\"|", ""), ("varchar(9)", "abc", "ü€😀"),
        ("char(5)", "ab", ""), ("name", "a_name", "b"), ("\"char\"", "x", "y"), ("json", "{\"a\": [1, 2.50]}", "null"), ("jsonb", "{\"a\": [1, 2.50]}", "\"\""), ("xml", "<a>b</a>", "<c/>"),
        ("numeric", "123.4500", "NaN"), ("numeric(12,2)", "1234567890.12", "-0.01"), ("numeric(38,10)", "1.0000000001", "-9999999999999999999999999999.9999999999"),
        ("numeric(50,5)", "1.00000", "123456789012345678901234567890123456789012345.12345"), ("numeric(3,5)", "0.00123", "-0.00999"),
        ("timetz", "12:34:56+02", "00:00:00-15:59"), ("interval", "1 year 2 mons 3 days 04:05:06.789", "-1 days +02:03:00"), ("money", "12.34", "-99999999.99"), ("inet", "10.1.2.3/8", "::1"),
        ("cidr", "10.0.0.0/8", "::/0"), ("macaddr", "08:00:2b:01:02:03", "ff:ff:ff:ff:ff:ff"), ("macaddr8", "08:00:2b:01:02:03:04:05", "ff:ff:ff:ff:ff:ff:ff:ff"), ("bit(5)", "10101", "00000"), ("varbit", "101", ""),
        ("tsvector", "'a':1 'b':2", ""), ("tsquery", "'a' & 'b'", "'c'"), ("jsonpath", "$.\"a\"[*]", "$"), ("point", "(1,2)", "(-1.5,0)"), ("line", "{1,2,3}", "{0,1,0}"), ("lseg", "[(0,0),(1,1)]", "[(1,2),(3,4)]"),
        ("box", "(1,1),(0,0)", "(4,4),(2,2)"), ("path", "((0,0),(1,1))", "[(0,0),(1,1)]"), ("polygon", "((0,0),(1,1),(1,0))", "((0,0))"), ("circle", "<(0,0),1>", "<(1,1),0>"), ("pg_lsn", "0/16B3748", "FFFFFFFF/FFFFFFFF"),
        ("xid", "7", "4294967295"), ("cid", "7", "0"), ("tid", "(1,2)", "(0,0)"), ("int2vector", "1 2", ""), ("oidvector", "1 2", "4294967295"), ("int4range", "[1,5)", "empty"),
        ("tstzrange", "[\"2024-01-01 00:00:00+00\",)", "(,)"), ("regclass", "pg_class", "pg_type"), ("mood", "happy", "sad"), ("posint", "5", "2147483647"),
        ("integer[]", "{1,NULL,3}", "{}"), ("text[]", "{a,NULL,\"b,\\\"c\",NULL}", "{\"\"}"), ("integer[][]", "{{1,2},{3,4}}", "{{5}}"), ("mood[]", "{happy,sad}", "{}"), ("numeric(5,2)[]", "{1.25,NULL}", "{-999.99}"),
        ("pair", "(1,\"x, y\")", "(,)"), ("pair[]", "{\"(1,a)\",\"(2,b)\"}", "{}"),
    ];

    private const string CompareTypes =
        """
        import glob, json, struct, sys
        import pyarrow
        import pyarrow.parquet as parquet
        expected = json.load(open(sys.argv[2], encoding='utf-8'))
        tables = [parquet.ParquetFile(path).read() for path in glob.glob(glob.escape(sys.argv[1]) + '/*.parquet')]
        schema = tables[0].schema
        rows = {}
        def plain(value):
            if isinstance(value, dict): return {k: plain(v) for k, v in value.items()}
            if isinstance(value, list): return [plain(v) for v in value]
            return value if value is None or isinstance(value, (str, int)) and not isinstance(value, bool) else text(value)
        def text(value):
            if isinstance(value, bool): return 'true' if value else 'false'
            if isinstance(value, bytes): return '\\x' + value.hex()
            return str(value)
        for t in tables:
            columns = {}
            for field in t.schema:
                column = t.column(field.name)
                # Dates before the year 1 are outside of Python's own types: compared as days and microseconds since 1970.
                if pyarrow.types.is_date32(field.type): column = column.cast(pyarrow.int32())
                elif pyarrow.types.is_timestamp(field.type): column = column.cast(pyarrow.int64())
                columns[field.name] = column.to_pylist()
            for i, id in enumerate(columns['id']): rows[str(id)] = {name: values[i] for name, values in columns.items()}
        wrong = []
        for id, row in expected.items():
            for name, (sort, want) in row.items():
                got = rows[id][name]
                if want is None or got is None: ok = want is got
                elif sort == 'float': ok = float(want) == got
                elif sort == 'real': ok = struct.pack('>f', float(want)) == struct.pack('>f', got)
                elif sort == 'number': ok = int(want) == got
                elif sort == 'nested': ok = plain(got) == want
                else: ok = text(got) == want
                if not ok: wrong.append(f'{name} in row {id}: expected {want!r}, found {got!r} ({schema.field(name).type})')
        print('\n'.join(wrong) if wrong else f'{len(rows)} rows, {len(schema)} columns')
        """;

    [Fact]
    public async Task Every_type_is_the_same_in_parquet()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        await bench.ExecuteAsync("CREATE TYPE mood AS ENUM ('happy', 'sad'); CREATE DOMAIN posint AS integer CHECK (VALUE > 0); CREATE TYPE pair AS (a integer, b text)");
        await bench.ExecuteAsync($"CREATE TABLE every (id integer, {string.Join(", ", s_types.Select(static (type, i) => $"c{i} {type.Type}"))})");
        await bench.ExecuteAsync($"INSERT INTO every VALUES (1, {string.Join(", ", s_types.Select(static type => Literal(type.Typical)))}), (3, {string.Join(", ", s_types.Select(static type => Literal(type.Edge)))})");
        await bench.ExecuteAsync("INSERT INTO every (id) VALUES (2)");
        string[] arguments = ["run", "--from", "${PG_URL}", "--to", bench.Lake, "--stream", "public.every", "--state", bench.State];
        (await MillraceProcess.RunAsync(arguments, bench.Begin())).Expect(0);

        // One object a column: a function takes a hundred arguments at most.
        var columns = s_types.Select(static (type, i) => $"jsonb_build_object('c{i}', jsonb_build_array({Expected(type.Type, $"c{i}")}))");
        var said = await bench.TextAsync($"SET TimeZone = 'UTC'; SELECT jsonb_object_agg(id, {string.Join(" || ", columns)})::text FROM every");
        Assert.Equal([$"3 rows, {s_types.Length + 1} columns"], (await Python.RunAsync(CompareTypes, bench["lake/every"], bench.Write("expected.json", said))).Split('\n'));
    }

    private static string Literal(string value) => $"'{value.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>How the reader compares a column, and the server's own word for its value.</summary>
    private static string Expected(string type, string column) => type switch
    {
        "double precision" => $"'float', {column}::text",
        "real" => $"'real', {column}::text",
        "smallint" or "integer" or "bigint" or "oid" or "posint" => $"'number', {column}::text",
        "date" => $"'number', ({column} - date '1970-01-01')::text",
        "timestamp" => $"'number', (extract(epoch FROM {column}) * 1000000)::bigint::text",
        "timestamptz" => $"'number', (extract(epoch FROM {column}) * 1000000)::bigint::text",
        // Its text form has lost the padding.
        "char(5)" => $"'text', rpad({column}::text, 5)",
        "numeric(5,2)[]" => $"'nested', to_jsonb({column}::text[])",
        _ when type.EndsWith(']') || type == "pair" => $"'nested', to_jsonb({column})",
        _ => $"'text', {column}::text",
    };

    /// <summary>The benchmark's own table, with psql's commands resolved.</summary>
    private static string EventsSql() => string.Join(
            '\n', File.ReadLines(Path.Combine(Testbed.Repository, "bench", "events.sql")).Where(static line => !line.StartsWith('\\') && !line.StartsWith("  \\", StringComparison.Ordinal)))
        .Replace(":rows::", $"{EventRows}::", StringComparison.Ordinal).Replace("/ :rows)", $"/ {EventRows})", StringComparison.Ordinal);
}
