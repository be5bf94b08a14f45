using Millrace.Connectors.Postgres.Target;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.DuckDb;
using Millrace.Telemetry;

namespace Millrace.Connectors.Tests.Postgres.Target;

/// <summary>Rows that go to quarantine on their way into PostgreSQL: they are beside the table, once.</summary>
public sealed class PgRejectTableTests(PgServers servers)
{
    [Fact]
    public async Task Rejected_rows_are_beside_the_table_once()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        bench.Folder.Write("t.csv", "id,n\n1,10\n2,\"a \\ \"\"b\"\"\"\n3,30\n4,x\n");
        string[] sets = ["streams.t.on_reject=quarantine", "streams.t.types={id: bigint, n: bigint}"];

        Assert.Equal(RunStatus.Succeeded, (await bench.TryMoveFileAsync("t.csv", sets)).Status);

        Assert.Equal(["(1,10)", "(3,30)"], await bench.TargetRowsAsync("SELECT * FROM t ORDER BY id"));
        Assert.Equal("2 2", await bench.TargetTextAsync("SELECT count(*) || ' ' || count(*) FILTER (WHERE reject::text LIKE '%a \\\\\\\\ %b%' OR reject::text LIKE '%\"x\"%') FROM t_rejects"));
        Assert.Equal(RunStatus.Succeeded, (await bench.TryMoveFileAsync("t.csv", sets)).Status);
        Assert.Equal("2 4", await bench.TargetTextAsync("SELECT count(DISTINCT run) || ' ' || count(*) FROM t_rejects"));
        await bench.AssertNothingLeftAsync();
    }

    [Theory]
    [InlineData("""{"v":"a"}""", """{"v":"a"}""")]
    [InlineData("""{"v":"\u0000a\u0000\u0000"}""", """{"v":"\\u0000a\\u0000\\u0000"}""")]
    [InlineData("""{"v":"\\u0000"}""", """{"v":"\\u0000"}""")]
    [InlineData("""{"v":"\\\u0000 \\\\u0000"}""", """{"v":"\\\\u0000 \\\\u0000"}""")]
    public void A_zero_character_becomes_what_stands_for_it(string line, string stored) => Assert.Equal(stored, PgRejectTable.WithoutZeroes(line));

    [Theory]
    [InlineData("streams.public.t.mode=merge", "{\"column\":\"id\",\"reason\":\"found NULL in the key, expected a value\",\"value\":null}")]
    [InlineData("streams.public.t.mode=incremental", "{\"column\":\"at\",\"reason\":\"found NULL in the cursor, expected a value\",\"value\":null}")]
    public async Task Rows_that_could_never_be_found_again_go_there(string mode, string reject)
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TABLE t (id int, at int, \"it's\" text); INSERT INTO t VALUES (1, 1, 'a'), (NULL, 2, 'b'), (3, NULL, 'c'), (NULL, NULL, 'd'), (4, 4, NULL)");
        await bench.TargetAsync("CREATE TABLE t (id int, at int, \"it's\" text)");
        string[] sets = [mode, "streams.public.t.key=[id]", "streams.public.t.cursor=at"];
        Assert.Contains("rows have NULL in 'id', the key", (await bench.TryMoveAsync(sets)).Faults[0].Message);

        var summary = await bench.MoveAsync([.. sets, "streams.public.t.on_reject=quarantine"]);

        var isMerge = mode.EndsWith("merge", StringComparison.Ordinal);
        Assert.Equal((5, isMerge ? 2 : 3), (summary.RowsRead, summary.RowsRejected));
        Assert.Equal(isMerge ? ["(1,1,a)", "(3,,c)", "(4,4,)"] : ["(1,1,a)", "(4,4,)"], await bench.TargetRowsAsync("SELECT * FROM t ORDER BY id"));
        Assert.Equal(isMerge ? "b d" : "b c d", await bench.TargetTextAsync("SELECT string_agg(reject->'row'->>'it''s', ' ' ORDER BY reject->'row'->>'it''s') FROM t_rejects"));
        Assert.Contains(await bench.TargetRowsAsync("SELECT reject->'rejects' FROM t_rejects"), row => row.Replace("\"\"", "\"", StringComparison.Ordinal).Contains(reject, StringComparison.Ordinal));

        if (isMerge) Assert.Equal(5, (await bench.TryMoveAsync([.. sets, "streams.public.t.on_reject=quarantine", "limits.rejects=1"])).Faults[0].ExitCode);
    }

    private static readonly (string Column, string Type, string Bad, string Reason, string[] Good)[] s_refused =
    [
        ("text", "VARCHAR", "'a' || chr(0) || 'b'", "a text with a zero byte, which PostgreSQL's texts can't hold", ["'ab'"]),
        ("varchar(3)", "VARCHAR", "'äöüß'", "a text that is longer than the column's 3 characters", ["'äöü'"]),
        ("timestamp(0)", "TIMESTAMP", "'2024-01-01 00:00:00.5'", TooFine, ["'2024-01-01 00:00:01'", "'infinity'", "'-infinity'"]),
        ("timestamptz(3)", "TIMESTAMPTZ", "'1969-12-31 00:00:00.0001+00'", TooFine, ["'1969-12-31 00:00:00.001+00'", "'infinity'"]),
        ("timestamp", "TIMESTAMP", "'4714-11-23 (BC) 23:59:59.999999'", "a timestamp outside of PostgreSQL's range, 4714-11-24 BC to 294276-12-31", ["'4714-11-24 (BC) 00:00:00'", "'294246-12-31 00:00:00'", "'-infinity'"]),
        ("timestamp(3)", "TIMESTAMP_NS", "'2024-01-01 00:00:00.000000001'", TooFine, ["'2024-01-01 00:00:00.001'"]),
        ("timestamp(0)", "TIMESTAMP_MS", "'2024-01-01 00:00:00.001'", TooFine, ["'2024-01-01 00:00:00'"]),
        ("time(0)", "TIME", "'12:00:00.000001'", TooFine, ["'23:59:59'"]),
        ("date", "DATE", "'5874898-01-01'", "a date outside of PostgreSQL's range, 4714-11-24 BC to 5874897-12-31", ["'5874897-12-31'", "'4714-11-24 (BC)'", "'infinity'", "'-infinity'"]),
        ("date", "DATE", "'4714-11-23 (BC)'", "a date outside of PostgreSQL's range, 4714-11-24 BC to 5874897-12-31", ["'2024-01-01'"]),
        ("timetz(0)", "TIMETZ", "'12:00:00.5+02'", TooFine, ["'12:00:01+02'"]),

        // Inside of arrays and composites, however deep.
        ("text[]", "VARCHAR[]", "['a', 'b' || chr(0)]", "a text with a zero byte, which PostgreSQL's texts can't hold", ["['a', NULL]", "[]"]),
        ("varchar(3)[]", "VARCHAR[]", "[NULL, 'äöüß']", "a text that is longer than the column's 3 characters", ["['äöü']"]),
        ("varchar(3)[]", "VARCHAR[][]", "[['a'], ['äöüß']]", "a text that is longer than the column's 3 characters", ["[['äöü'], [NULL]]"]),
        ("int[]", "INTEGER[][]", "[[1], [2, 3]]", "a list with lists of unequal lengths inside; those of a PostgreSQL array are all of one length", ["[[1], [2]]", "[]", "[[1, 2]]"]),
        ("int[]", "INTEGER[][]", "[[1], NULL]", "a list with NULL instead of a list inside, which a PostgreSQL array can't hold", ["[[1], [NULL]]"]),
        ("int[]", "INTEGER[][]", "[[], []]", "a list of empty lists, which a PostgreSQL array can't hold", ["[[NULL]]"]),
        ("int[]", "INTEGER[][][]", "[[[1, 2]], [[3]]]", "a list with lists of unequal lengths inside; those of a PostgreSQL array are all of one length", ["[[[1, 2]], [[3, 4]]]"]),
        ("timestamp(0)[]", "TIMESTAMP[]", "['2024-01-01', '2024-01-01 00:00:00.5']", TooFine, ["['2024-01-01 00:00:01', 'infinity', NULL]"]),
        ("pair", "STRUCT(a DATE, b VARCHAR[])", "{'a': NULL, 'b': ['abc']}", "a text that is longer than the column's 2 characters", ["{'a': '2024-01-01', 'b': ['ab']}"]),
        ("pair", "STRUCT(a DATE, b VARCHAR[])", "{'a': '5874898-01-01', 'b': NULL}", "a date outside of PostgreSQL's range, 4714-11-24 BC to 5874897-12-31", ["{'a': NULL, 'b': NULL}"]),
        ("pair[]", "STRUCT(a DATE, b VARCHAR[])[]", "[NULL, {'a': NULL, 'b': ['a', 'abc']}]", "a text that is longer than the column's 2 characters", ["[{'a': '2024-01-01', 'b': ['ab']}, NULL]"]),

        // Inside of what becomes JSON.
        ("jsonb", "STRUCT(x DOUBLE, y VARCHAR[])", "{'x': 'nan', 'y': NULL}", "NaN or an infinity inside of a value that becomes JSON, which has no such number", ["{'x': 1.5, 'y': ['a', NULL]}"]),
        ("json", "STRUCT(x DOUBLE, y VARCHAR[])", "{'x': NULL, 'y': ['a', chr(0)]}", "a text with a zero byte, which PostgreSQL's texts can't hold", ["{'x': NULL, 'y': []}"]),
        ("jsonb", "MAP(DOUBLE, DATE)", "MAP {1.5: DATE '10000-01-01'}", "a date before the year 1 or after 9999 inside of a value that becomes JSON", ["MAP {'nan'::DOUBLE: DATE '9999-12-31', 2.5: DATE 'infinity'}"]),
        ("jsonb", "MAP(VARCHAR, FLOAT)", "MAP {'a': 1, 'b': 'inf'::FLOAT}", "NaN or an infinity inside of a value that becomes JSON, which has no such number", ["MAP {'a': 1.5}"]),
        ("jsonb", "STRUCT(t TIMESTAMP)[]", "[{'t': TIMESTAMP '0044-03-15 (BC) 12:00:00'}]", "a date before the year 1 or after 9999 inside of a value that becomes JSON", ["[{'t': TIMESTAMP '0001-01-01 00:00:00'}, {'t': TIMESTAMP '9999-12-31 23:59:59.999999'}]"]),
        ("jsonb", "STRUCT(t TIMESTAMP_NS)", "{'t': '2024-01-01 00:00:00.000000001'}", TooFine, ["{'t': '2024-01-01 00:00:00.000001'}"]),
    ];

    private const string TooFine = "a time that is finer than the column's type, and is not rounded";

    /// <summary>Each of these values would fail its unit: what the encoder refuses, its conditions have found before.</summary>
    [Fact]
    public async Task Values_that_only_PostgreSQL_refuses_go_there()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        using var database = DuckDbDatabase.Open(new Dictionary<string, string> { ["threads"] = "1" });
        using var connection = database.Connect();
        connection.Execute("SET TimeZone = 'UTC'");
        await bench.TargetAsync("CREATE TYPE pair AS (b varchar(2)[], a date)");
        foreach (var (column, type, bad, reason, good) in s_refused)
        {
            var values = string.Join(", ", good.Select((value, i) => $"({i}, ({value})::{type})").Append($"(99, ({bad})::{type})").Append($"(100, NULL::{type})"));
            connection.Execute($"COPY (SELECT * FROM (VALUES {values}) v(id, v)) TO '{bench.Folder["t.parquet"]}'");
            await bench.TargetAsync($"DROP TABLE IF EXISTS t, t_rejects, _millrace_commits; CREATE TABLE t (id int, v {column})");

            var fault = (await bench.TryMoveFileAsync("t.parquet")).Faults[0];
            Assert.True(fault.ExitCode == 4, $"{type} into {column}: {fault.Describe()}");
            var summary = await bench.TryMoveFileAsync("t.parquet", "streams.t.on_reject=quarantine");

            Assert.True(summary.Status == RunStatus.Succeeded, $"{type} into {column}: {string.Join('\n', summary.Faults.Select(static fault => fault.Describe()))}");
            Assert.Equal(string.Join(' ', Enumerable.Range(0, good.Length)) + " 100", await bench.TargetTextAsync("SELECT string_agg(id::text, ' ' ORDER BY id) FROM t"));
            Assert.Equal(
                $"99: v: found {reason}",
                await bench.TargetTextAsync("SELECT string_agg((reject->'row'->>'id') || ': ' || (reject->'rejects'->0->>'column') || ': ' || (reject->'rejects'->0->>'reason'), ' ') FROM t_rejects"));
        }
    }

    [Fact]
    public async Task A_row_without_a_cursor_is_left_out_of_files_too()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        bench.Lake = bench.Folder["lake"];
        await bench.SourceAsync("CREATE TABLE t (id int, at int); INSERT INTO t VALUES (1, 1), (2, NULL)");
        string[] sets = ["streams.public.t.mode=incremental", "streams.public.t.cursor=at"];
        Assert.Equal("the cursor of an incremental stream is NULL in a row, in 'at'", (await bench.TryMoveAsync(sets)).Faults[0].Message);

        var summary = await bench.MoveAsync([.. sets, "streams.public.t.on_reject=quarantine"]);

        Assert.Equal((2, 1, 1), (summary.RowsRead, summary.RowsWritten, summary.RowsRejected));
        Assert.True(Assert.Single((await bench.VerifyAsync()).Streams).IsEqual);

        // Verified is what a load has read, and neither what was final before nor what is rejected.
        await bench.SourceAsync("INSERT INTO t VALUES (3, NULL), (4, 4)");
        Assert.Equal(2, (await bench.MoveAsync([.. sets, "streams.public.t.on_reject=quarantine"])).RowsWritten);
        Assert.True(Assert.Single((await bench.VerifyAsync()).Streams).IsEqual);
        await bench.MoveAsync([.. sets, "streams.public.t.on_reject=quarantine"]);
        await bench.SourceAsync("UPDATE t SET at = at + 1 WHERE at IS NOT NULL");
        var changed = Assert.Single((await bench.VerifyAsync()).Streams);
        Assert.Equal((1, 1), (changed.RowsInSource, changed.RowsInTarget));
        Assert.False(changed.IsEqual);
    }
}
