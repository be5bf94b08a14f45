using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Faults;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Verify;

namespace Millrace.Connectors.Tests.Postgres.Target;

/// <summary><c>verify</c> of tables in PostgreSQL: what is equal is equal, what somebody has changed at either end is named by its key.</summary>
public sealed class PgVerifyTests(PgServers servers)
{
    [Theory]
    [InlineData("streams.public.t.partition.rows=500", true)]
    [InlineData("limits.source_rows_per_second=1000000", false)]
    public async Task Exactly_the_keys_that_differ_are_named(string set, bool isPassed)
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TABLE t (id bigint PRIMARY KEY, name text, v numeric(10,2)); INSERT INTO t SELECT i, 'n' || i, i / 7.0 FROM generate_series(1, 20000) AS i");
        await bench.MoveAsync(set);
        Assert.Equal(isPassed, bench.IsPassed());

        var same = Equal(await bench.VerifyAsync());
        Assert.Equal((20000, 20000), (same.RowsInSource, same.RowsInTarget));
        Assert.Empty(same.LeftOut);

        await bench.SourceAsync("UPDATE t SET v = v + 1 WHERE id = 17; INSERT INTO t VALUES (20001, NULL, 1)");
        await bench.TargetAsync("UPDATE t SET name = '' WHERE id = 4711; DELETE FROM t WHERE id = 3; INSERT INTO t VALUES (0, NULL, 1)");
        var summary = await bench.VerifyAsync();
        Assert.Equal(4, Assert.Single(summary.Faults).ExitCode);
        var verdict = Assert.Single(summary.Streams);
        Assert.Equal(["id"], verdict.Key);
        Assert.Equal(
            ["0: 0/1 ", "3: 1/0 ", "17: 1/1 v", "4711: 1/1 name", "20001: 1/0 "],
            verdict.Rows!.Keys.Select(static key => $"{key.Key[0]}: {key.InSource}/{key.InTarget} {string.Join(',', key.Columns)}"));
    }

    [Theory]
    [InlineData("{unique: id}")]
    [InlineData("{row_count: 19000}")]
    public async Task Rows_that_a_rule_has_left_out_are_no_difference(string rule)
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TABLE t (id bigint PRIMARY KEY, name text, v numeric(10,2)); INSERT INTO t SELECT i, nullif('n' || i % 20, 'n0'), i / 7.0 FROM generate_series(1, 20000) AS i");
        var summary = await bench.MoveAsync($"streams.public.t.expect=[{{not_null: name, action: quarantine}}, {{between: {{v: [null, 2000.5]}}, action: warn}}, {rule}]");
        Assert.Equal((20_000, 1_000, 19_000), (summary.RowsRead, summary.RowsRejected, summary.RowsWritten));
        Assert.Equal(["1000", await bench.TargetTextAsync("SELECT count(*)::text FROM t WHERE v > 2000.5")], summary.Rules["public.t"].Take(2).Select(static outcome => $"{outcome.Rows}"));
        Assert.Equal("1000", await bench.TargetTextAsync("SELECT count(DISTINCT reject->'key'->>'id')::text FROM t_rejects WHERE reject->'rejects'->0->>'reason' = 'expected not_null'"));

        var verdict = Equal(await bench.VerifyAsync());
        Assert.Equal((19_000, 19_000), (verdict.RowsInSource, verdict.RowsInTarget));
    }

    [Fact]
    public async Task Rows_without_a_key_are_told_by_the_parts_that_they_lie_in()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TABLE t (id bigint, name text); INSERT INTO t SELECT i % 10, 'n' FROM generate_series(1, 20000) AS i");
        await bench.MoveAsync();
        Equal(await bench.VerifyAsync());

        await bench.TargetAsync("DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t)");
        var verdict = Assert.Single((await bench.VerifyAsync()).Streams);
        Assert.Equal((1, 0), (verdict.Rows!.OnlyInSource, verdict.Rows.OnlyInTarget));
    }

    [Fact]
    public async Task Types_that_PostgreSQL_has_not_are_compared_as_what_was_written()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await File.WriteAllTextAsync(
            bench.Folder["t.csv"],
            "k,tiny,u32,u64,huge,f,nanos,bits,j\n1,-128,4294967295,18446744073709551615,170141183460469231731687303715884105727,0.1,2024-02-29 12:34:56.123456,101,\"{\"\"b\"\": 1, \"\"a\"\": 2}\"\n2,,,,,,,,\n",
            TestContext.Current.CancellationToken);
        string[] sets =
        [
            "streams.t.types.tiny=tinyint", "streams.t.types.u32=uinteger", "streams.t.types.u64=ubigint", "streams.t.types.huge=hugeint", "streams.t.types.f=float",
            "streams.t.types.nanos=timestamp_ns", "streams.t.types.bits=bit", "streams.t.types.j=json",
        ];
        var moved = await bench.TryMoveFileAsync("t.csv", sets);
        Assert.True(moved.Status == RunStatus.Succeeded, string.Join('\n', moved.Faults.Select(static fault => fault.Describe())));

        var verdict = Equal(await bench.VerifyFileAsync("t.csv", sets));
        Assert.Empty(verdict.LeftOut);
        foreach (var change in (string[])["tiny = 300", "u64 = 1", "huge = huge - 1", "f = 0.2", "nanos = nanos + interval '1 microsecond'", "bits = B'1'", "j = '{}'"])
        {
            await bench.TargetAsync($"CREATE TABLE kept AS TABLE t; UPDATE t SET {change} WHERE k = 1");
            Assert.True(!Assert.Single((await bench.VerifyFileAsync("t.csv", sets)).Streams).IsEqual, change);
            await bench.TargetAsync("TRUNCATE t; INSERT INTO t TABLE kept; DROP TABLE kept");
        }
    }

    [Fact]
    public async Task What_is_not_this_runs_table_alone_is_refused()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TABLE t (id bigint); INSERT INTO t VALUES (1)");
        await bench.MoveAsync("streams.public.t.mode=append");
        await AssertRefusedAsync("the rows of mode: append lie among others");
        await bench.MoveAsync();
        await bench.TargetAsync("UPDATE _millrace_commits SET run = 'another' WHERE mode = 'overwrite'");
        await AssertRefusedAsync("was changed by run another");
        await bench.TargetAsync("DROP TABLE t");
        await AssertRefusedAsync("is gone");

        async Task AssertRefusedAsync(string expected)
        {
            var fault = Assert.Single((await bench.VerifyAsync()).Faults);
            Assert.Equal((FaultKind.Refused, 3), (fault.Kind, fault.ExitCode));
            Assert.Contains(expected, fault.Message, StringComparison.Ordinal);
        }
    }

    private static StreamVerdict Equal(VerifySummary summary)
    {
        Assert.True(summary.Status == RunStatus.Succeeded, string.Join('\n', summary.Faults.Select(static fault => fault.Describe())));
        var verdict = Assert.Single(summary.Streams);
        Assert.True(verdict.IsEqual);
        return verdict;
    }
}
