using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Runs;

namespace Millrace.Connectors.Tests.Postgres.Source;

/// <summary>
/// Rows that the target can't hold, off the wire of a real server: each is said with its columns and reasons, and every other row arrives as
/// if it had not been there. DEBUG builds have small buffers, so rows cross them all the time.
/// </summary>
public sealed class PgRejectTests
{
    private readonly PgServers _servers;

    public PgRejectTests(PgServers servers) => _servers = servers;

    [Theory]
    [InlineData("'NaN'::numeric(8,2)", "NaN", "found NaN, expected a number that a decimal can hold")]
    [InlineData("'infinity'::date", "infinity", "found infinity, which the target can't hold")]
    [InlineData("'-infinity'::date", "-infinity", "found -infinity, which the target can't hold")]
    [InlineData("'infinity'::timestamptz", "infinity", "found infinity, which the target can't hold")]
    [InlineData("'24:00:00'::time", "24:00:00", "found the time 24:00:00, which the target can't hold")]
    [InlineData("'NaN'::float8", "NaN", "found NaN, which the target can't hold")]
    [InlineData("'-Infinity'::float4", "-Infinity", "found -Infinity, which the target can't hold")]
    public async Task What_a_plain_target_can_not_hold_is_told_with_its_text(string value, string found, string reason)
    {
        var (rows, rejects) = await ReadAsync($"SELECT i AS id, (CASE WHEN i % 3 = 0 THEN {value} END)::{value.Split("::")[1]} AS v, 't' || i AS t FROM generate_series(0, 6) AS g(i)", PgRun.Plain);
        Assert.Equal(["1||t1", "2||t2", "4||t4", "5||t5"], rows);
        Assert.Equal([1, 4, 7], rejects.Select(static note => int.Parse(note.GetProperty("at").GetString()![4..], CultureInfo.InvariantCulture)).Order());
        Assert.All(rejects, note => Assert.Equal($$"""[{"column":"v","reason":"{{reason}}","value":"{{found}}"}]""", note.GetProperty("rejects").GetRawText()));
    }

    [Fact]
    public async Task A_number_that_is_too_long_is_told_whole()
    {
        var digits = new string('7', 300);
        var plan = PgRun.Stream("long") with { Query = $"SELECT '{digits}.25'::numeric AS n, 1 AS i", Types = ImmutableSortedDictionary<string, string>.Empty.Add("n", "decimal(18,2)") };
        var (rows, rejects) = await ReadAsync(plan, PgRun.Plain);
        Assert.Empty(rows);
        Assert.Equal(digits + ".25", Assert.Single(rejects).GetProperty("rejects")[0].GetProperty("value").GetString());
    }

    [Fact]
    public async Task Every_refused_column_of_a_row_is_told()
    {
        var (rows, rejects) = await ReadAsync(
            "SELECT 1 AS id, 'NaN'::numeric(4,1) AS n, 'text' AS t, 'infinity'::date AS d, '[2:3]={1,2}'::int[] AS a, 'NaN'::float8 AS f, '24:00'::time AS c", PgRun.Everything);
        Assert.Empty(rows);
        // NaN, an infinite date and 24:00 have a place in this target.
        Assert.Equal(["n", "a"], Assert.Single(rejects).GetProperty("rejects").EnumerateArray().Select(static one => one.GetProperty("column").GetString()));
    }

    // Each array begins at 0, which no list does; what the server itself prints stands beside it.
    [Fact]
    public async Task Refused_arrays_and_composites_are_told_as_the_server_prints_them()
    {
        var seed = Random.Shared.Next();
        string[] arrays =
        [
            "ARRAY[1, NULL, -32768]::int2[]", "ARRAY[2147483647]::int4[]", "ARRAY[4294967295]::oid[]", "ARRAY[-9223372036854775808]::int8[]", "ARRAY[true, false]",
            "ARRAY['', 'NULL', 'null', 'plain', 'a b', 'a,b', '{x}', 'q\"q', E'b\\\\b', E'l\\nl', 'ü', '(p)']::text[]", "ARRAY['{\"a\": [1, 2]}']::jsonb[]",
            "ARRAY['12345678-9abc-def0-1234-56789abcdef0']::uuid[]", "ARRAY['\\x00ff']::bytea[]",
            "ARRAY[0, -0.50, 3, 12345678.90, 'NaN', 0.05, -10000]::numeric(12,2)[]", "ARRAY[0.00001, 1e20, 123456789012345, 1e15, -0.1, 'NaN', '-Infinity', 1.5e-7, 0]::float8[]",
            "ARRAY[0.0001, 0.00001, 100000, 1000000, 123456.7, 1234567, '-0', 3e38, 1e-45, 'Infinity', 16777216]::float4[]", Floats(seed, 32), Floats(seed, 64),
            "ARRAY['2000-01-01', '0001-01-01', '0044-03-15 BC', '9999-12-31', '12345-02-28', '2024-02-29', '1900-03-01', 'infinity', '-infinity', '4713-01-01 BC']::date[]",
            "ARRAY['24:00', '00:00:00.000001', '12:34:56.7']::time[]", "ARRAY['1999-12-31 23:59:59.5', '0044-03-15 01:02:03 BC', '-infinity']::timestamp[]", "ARRAY['2020-01-01 00:00:00+05']::timestamptz[]",
        ];
        var columns = string.Join(", ", arrays.Select(static (array, i) => $"shifted({array})::{Type(array)} AS a{i}"));
        const string Before = """
            CREATE FUNCTION shifted(a anyarray) RETURNS anyarray LANGUAGE plpgsql IMMUTABLE AS $$ DECLARE b a%TYPE; BEGIN FOR i IN 1..cardinality(a) LOOP b[i - 1] := a[i]; END LOOP; RETURN b; END $$;
            CREATE TYPE r AS (k int, t text, u text, n numeric(8,1)[], d date)
            """;
        var query = $"""
            SELECT {columns}, ARRAY[[1,2],[3,4]]::int[] AS b, ROW(1, 'a "b" \ (c)', NULL, ARRAY[1, NULL, 'NaN'::numeric], '2020-01-02')::r AS c, ROW(NULL, '', 'x', ARRAY['NaN'::numeric], NULL)::r AS d
            """;
        var (rows, rejects) = await ReadAsync(query, PgRun.Everything, Before);
        Assert.Empty(rows);
        var told = Assert.Single(rejects).GetProperty("rejects").EnumerateArray().Select(static one => $"{one.GetProperty("column").GetString()} {one.GetProperty("value").GetString()}");
        var server = await _servers.GetAsync();
        var database = await server.CreateDatabaseAsync();
        await ExecuteAsync(server, database, Before);
        Assert.True((await PrintedAsync(server, database, query)).SequenceEqual(told), $"seed {seed}: {string.Join(Environment.NewLine, told)}");
    }

    /// <summary>Numbers of all sizes, as few as fit into what a reject tells.</summary>
    private static string Floats(int seed, int bits)
    {
        var random = new Random(seed);
        var numbers = Enumerable.Range(0, 35).Select(i => i % 2 == 0
            ? bits == 32 ? BitConverter.Int32BitsToSingle(random.Next(int.MaxValue & ~(1 << 23))) : BitConverter.Int64BitsToDouble(random.NextInt64(long.MaxValue & ~(1L << 52)))
            : Math.Round(random.NextDouble() * 1000, random.Next(8)));
        return $"ARRAY[{string.Join(", ", numbers.Where(double.IsFinite).Select(number => $"'{number.ToString("R", CultureInfo.InvariantCulture)}'"))}]::float{bits / 8}[]";
    }

    private static string Type(string array) => array.Contains("::", StringComparison.Ordinal) ? array[(array.LastIndexOf("::", StringComparison.Ordinal) + 2)..] : "bool[]";

    private static async Task<List<string>> PrintedAsync(PgServer server, string database, string query)
    {
        await using var connection = new Npgsql.NpgsqlConnection(server.ConnectionString(database));
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = "SET TimeZone = 'UTC'";
        await command.ExecuteNonQueryAsync();
        command.CommandText = query;
        command.AllResultTypesAreUnknown = true;
        await using var reader = await command.ExecuteReaderAsync();
        Assert.True(await reader.ReadAsync());
        return [.. Enumerable.Range(0, reader.FieldCount).Select(i => $"{reader.GetName(i)} {reader.GetString(i)}")];
    }

    [Fact]
    public async Task Without_a_quarantine_such_a_row_fails_its_unit_as_ever()
    {
        var server = await _servers.GetAsync();
        await using var run = PgRun.Open(server.Url(), connections: 1);
        var plan = await run.PlanAsync(PgRun.Stream("strict") with { Query = "SELECT 1 AS id, 'NaN'::numeric(4,1) AS n" });
        var fault = await Assert.ThrowsAsync<Fault>(() => run.ReadAsync(plan));
        Assert.Equal((FaultKind.Data, "found NaN, expected a number that a decimal can hold"), (fault.Kind, fault.Message));
        Assert.EndsWith("row 1, column n", fault.Where, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stream_of_nothing_but_rejects_has_no_rows()
    {
        var (rows, rejects) = await ReadAsync("SELECT i AS id, 'NaN'::numeric(4,1) AS n FROM generate_series(1, 5000) AS g(i)", PgRun.Everything);
        Assert.Empty(rows);
        Assert.Equal(5000, rejects.Count);
    }

    /// <summary>Invariant: wherever rejects stand, at the edges of chunks too, what arrives is what a query over the other rows gives.</summary>
    [Fact]
    public async Task The_others_arrive_as_if_rejects_had_not_been_there()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        for (var round = 0; round < 6; round++)
        {
            var bad = Bad(random, round);
            // Each kind of vector, NULLs everywhere, and bad values in any of four columns, nested ones among them.
            string Columns(string isBad) => $"""
                i AS id, CASE WHEN i % 3 = 0 THEN NULL ELSE 'a text of some length ' || i END AS t,
                CASE WHEN {isBad} AND i % 5 IN (0, 1) THEN 'NaN' WHEN i % 4 = 0 THEN NULL ELSE i / 4.0 END::numeric(12,2) AS n,
                CASE WHEN {isBad} AND i % 5 = 2 THEN ARRAY[1, NULL, 'NaN', 3::numeric] WHEN i % 7 = 0 THEN NULL WHEN i % 7 = 1 THEN ARRAY[]::numeric[]
                    ELSE ARRAY[i, NULL, i + 1]::numeric[] END::numeric(12,2)[] AS a,
                CASE WHEN i % 6 = 0 THEN NULL ELSE ARRAY['x' || i, NULL, 'a longer text than twelve bytes ' || i] END AS texts,
                CASE WHEN {isBad} AND i % 5 = 3 THEN ROW(i, ARRAY['NaN']::numeric(8,1)[])::r WHEN i % 9 = 0 THEN NULL ELSE ROW(i, ARRAY[i, NULL]::numeric(8,1)[])::r END AS r,
                CASE WHEN {isBad} AND i % 5 IN (0, 4) THEN array_fill(1, ARRAY[2], ARRAY[0]) WHEN i % 2 = 0 THEN NULL ELSE ARRAY[i] END AS z,
                i % 2 = 0 AS b
                """;
            var from = $"FROM generate_series(1, {6_500 + random.Next(500)}) AS g(i)";
            var text = $"seed {seed}, round {round}, {bad}";
            var (some, rejects) = await ReadAsync($"SELECT {Columns($"({bad})")} {from}", PgRun.Everything, "CREATE TYPE r AS (k int, l numeric(8,1)[])");
            var (good, none) = await ReadAsync($"SELECT {Columns("false")} {from} WHERE NOT ({bad})", PgRun.Everything, "CREATE TYPE r AS (k int, l numeric(8,1)[])");
            Assert.True(none.Count == 0, text);
            Assert.True(rejects.Count > 0, text);
            Assert.True(good.SequenceEqual(some), $"{text}: {good.Except(some).FirstOrDefault()} / {some.Except(good).FirstOrDefault()}");
            Assert.True(good.Hash == some.Hash, text);
        }
    }

    // DuckDB casts all elements that a chunk's list has, whichever row they belong to: 300, of a row that was begun, would fail here.
    [Fact]
    public async Task A_refused_row_leaves_no_elements_in_the_lists_of_others()
    {
        const string Begun = "ARRAY[300, 'NaN'::numeric]";
        var server = await _servers.GetAsync();
        var database = await server.CreateDatabaseAsync();
        await ExecuteAsync(server, database, "CREATE TYPE pair AS (k int, l numeric(8,1)[])");
        foreach (var (value, cast) in ((string, string)[])[($"CASE WHEN i = 5 THEN {Begun} ELSE ARRAY[i] END::numeric(8,1)[]", "v"), ($"ROW(i, CASE WHEN i = 5 THEN {Begun} ELSE ARRAY[i] END::numeric(8,1)[])::pair", "v.l")])
        {
            await using var run = PgRun.Open(server.Url(database: database), connections: 1);
            var plan = await run.PlanAsync(PgRun.Stream("begun") with { Query = $"SELECT i, {value} AS v FROM generate_series(1, 9) AS g(i)" });
            var header = PgRun.HeaderOf(plan) with { OnReject = OnReject.Quarantine };
            await using var input = await run.Reader.OpenAsync(header, Assert.Single(await PgRun.UnitsOf(plan)), CancellationToken.None);
            var taps = new RejectTaps("taken");
            taps.Attach(run.Duck);
            var rejected = new List<string>();
            using var tap = taps.Open((_, row) => rejected.Add(Encoding.UTF8.GetString(row)));
            var rows = run.Rows($"SELECT ({cast})::UTINYINT[]::VARCHAR FROM ({tap.Over(input.Select, input.RejectColumn!, $"i || ' ' || coalesce(({cast})::UTINYINT[]::VARCHAR, 'none')")})");
            Assert.Equal(["[1]", "[2]", "[3]", "[4]", "[6]", "[7]", "[8]", "[9]"], rows.Select(static row => row[0]));
            Assert.Equal(["5 none"], rejected);
            await input.CompleteAsync(input.RowsRead, CancellationToken.None);
        }
    }

    /// <summary>Which rows are bad: the first, the last, every other, runs of them, rows at a chunk's end.</summary>
    private static string Bad(Random random, int round) => round switch
    {
        0 => "i = 1",
        1 => "i IN (2047, 2048, 2049, 4096, 4097)",
        2 => "i % 2 = 1",
        3 => "i > 6400",
        4 => $"i BETWEEN {random.Next(1, 3000)} AND 3000",
        _ => $"(i * {random.Next(3, 1000)}) % {random.Next(7, 997)} < {random.Next(1, 5)}",
    };

    private Task<(Read Rows, List<JsonElement> Rejects)> ReadAsync(string query, Planning.TargetTraits traits, string? before = null) =>
        ReadAsync(PgRun.Stream("rejects") with { Query = query }, traits, before);

    /// <summary>Reads a stream as a worker with a quarantine does; checks that what was counted and hashed is what came.</summary>
    private async Task<(Read Rows, List<JsonElement> Rejects)> ReadAsync(StreamJob stream, Planning.TargetTraits traits, string? before = null)
    {
        var server = await _servers.GetAsync();
        var database = await server.CreateDatabaseAsync();
        await using var run = PgRun.Open(server.Url(database: database), connections: 1);
        if (before is not null) await ExecuteAsync(server, database, before);
        var plan = await run.PlanAsync(stream, traits);
        var header = PgRun.HeaderOf(plan) with { OnReject = OnReject.Quarantine, Proof = Proof.Hash };
        var read = new Read();
        var rejects = new List<JsonElement>();
        foreach (var unit in await PgRun.UnitsOf(plan))
        {
            await using var input = await run.Reader.OpenAsync(header, unit, CancellationToken.None);
            var taps = new RejectTaps($"taken{unit.Number}");
            taps.Attach(run.Duck);
            using var tap = taps.Open((note, _) =>
            {
                using var json = JsonDocument.Parse(Encoding.UTF8.GetString(note));
                lock (rejects) rejects.Add(json.RootElement.Clone());
            });
            var hashes = new HashTaps($"hashed{unit.Number}");
            hashes.Attach(run.Duck);
            using var hash = hashes.Open();
            var select = hash.Over(tap.Over(input.Select, input.RejectColumn!, row: null), header.Columns.Select(static column => column.Name));
            read.AddRange(run.Rows($"SELECT COLUMNS(*)::VARCHAR FROM ({select})").Select(static row => string.Join('|', row)));
            Assert.Equal(read.Count, hash.Hash.Rows);
            Assert.Equal(read.Count + rejects.Count, input.RowsRead);
            await input.CompleteAsync(input.RowsRead, CancellationToken.None);
            read.Hash += hash.Hash;
        }

        return (read, rejects);
    }

    private static async Task ExecuteAsync(PgServer server, string database, string sql)
    {
        await using var connection = new Npgsql.NpgsqlConnection(server.ConnectionString(database));
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    private sealed class Read : List<string>
    {
        public ContentHash Hash { get; set; }
    }
}
