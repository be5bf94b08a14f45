using System.Diagnostics;
using Millrace.Connectors.Tests.Postgres.Servers;
using Npgsql;

namespace Millrace.Connectors.Tests.Postgres.Target;

/// <summary>Readers that look again and again while a table is overwritten and merged into: each finds a whole version, and none an error.</summary>
public sealed class PgReaderTests(PgServers servers)
{
    private const int Loads = 5;
    private const int Rows = 2_000;

    [Theory]
    [InlineData("overwrite")]
    [InlineData("merge")]
    public async Task Whoever_reads_meanwhile_finds_one_whole_version(string mode)
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync($"CREATE TABLE t (id bigint, v bigint); INSERT INTO t SELECT i, 0 FROM generate_series(1, {Rows}) AS i");
        await bench.TargetAsync($"CREATE TABLE t (id bigint PRIMARY KEY, v bigint); CREATE VIEW seen AS SELECT * FROM t; INSERT INTO t SELECT i, 0 FROM generate_series(1, {Rows}) AS i");
        using var loaded = new CancellationTokenSource();
        Task<Seen>[] readers = [ReadAsync(bench, "t", isPrepared: false, loaded.Token), ReadAsync(bench, "t", isPrepared: true, loaded.Token), ReadAsync(bench, "seen", isPrepared: false, loaded.Token)];
        for (var load = 1; load <= Loads; load++)
        {
            await bench.SourceAsync($"UPDATE t SET v = {load}");
            await bench.MoveAsync(mode == "merge" ? ["streams.public.t.mode=merge", "streams.public.t.key=[id]"] : ["streams.public.t.mode=overwrite"]);
        }

        await loaded.CancelAsync();
        foreach (var seen in await Task.WhenAll(readers))
        {
            Assert.Equal(Loads, seen.Last);
            Assert.True(seen.Reads > Loads, $"{seen.Reads} reads");
            TestContext.Current.TestOutputHelper?.WriteLine($"{mode}: {seen.Reads} reads, the longest {seen.Longest.TotalMilliseconds:0.0} ms");
        }

        await bench.AssertNothingLeftAsync();
    }

    /// <summary>Reads until the loads are done, and once more: every row of one version, and never an older one than before.</summary>
    private static async Task<Seen> ReadAsync(PgTargetBench bench, string table, bool isPrepared, CancellationToken loaded)
    {
        await using var connection = await bench.Target.OpenConnectionAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand($"SELECT count(*), min(v), max(v) FROM {table}", connection);
        if (isPrepared) await command.PrepareAsync(TestContext.Current.CancellationToken);
        var seen = new Seen(0, 0, TimeSpan.Zero);
        for (var isLast = false; ; isLast = loaded.IsCancellationRequested)
        {
            var began = Stopwatch.GetTimestamp();
            await using (var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken))
            {
                Assert.True(await reader.ReadAsync(TestContext.Current.CancellationToken));
                Assert.Equal((Rows, reader.GetInt64(1)), (reader.GetInt64(0), reader.GetInt64(2)));
                Assert.InRange(reader.GetInt64(1), seen.Last, Loads);
                var took = Stopwatch.GetElapsedTime(began);
                seen = new Seen(seen.Reads + 1, reader.GetInt64(1), took > seen.Longest ? took : seen.Longest);
            }

            if (isLast) return seen;
        }
    }

    private sealed record Seen(int Reads, long Last, TimeSpan Longest);
}
