using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests;

/// <summary>A run that nears its ceiling makes batches smaller and runs fewer units at once, says so, and ends well; so does one whose worker takes too much.</summary>
public sealed class MemoryStepTests(PgServers servers)
{
    private const int Lanes = 5;

    [Fact]
    public async Task A_run_that_nears_its_ceiling_takes_smaller_batches_then_fewer_units_and_loses_nothing()
    {
        await using var bench = await WithFullLanesAsync("inproc", Lanes);
        await using var gate = await Gate.CloseAsync(bench);
        await using var run = bench.Start("run");
        await Gate.WaitersAsync(bench, Lanes);
        await run.LineAsync("of limits.memory: units that begin from now on collect 1/2 of the usual bytes before they write");
        await run.LineAsync("from now on 4 units run at once");
        await run.LineAsync("collect 1/4 of the usual bytes");
        await gate.DisposeAsync();

        var said = (await run.WaitAsync()).Expect(0).Stdout;
        Assert.True(said.IndexOf("1/2 of the usual", StringComparison.Ordinal) < said.IndexOf("units run at once", StringComparison.Ordinal), said);
        Assert.Equal(await bench.SourceAsync(), await bench.PublishedAsync());
        bench.AssertNothingLeft();
    }

    // What the lanes of the one worker hold at the gate is more than its share; each alone it is not.
    [Fact]
    public async Task A_worker_above_its_share_is_replaced_and_the_run_succeeds()
    {
        await using var bench = await WithFullLanesAsync("local", 2 * Lanes);
        await using var gate = await Gate.CloseAsync(bench);
        await using var run = bench.Start("run");
        await run.LineAsync("\"event\":\"worker_lost\"");
        await gate.DisposeAsync();

        var exit = (await run.WaitAsync()).Expect(0);
        var lost = Workbench.Events(exit).Where(static line => line.GetProperty("event").GetString() == "worker_lost").ToList();
        Assert.All(lost, static line => Assert.Contains("its share of limits.memory is", line.GetProperty("message").GetString(), StringComparison.Ordinal));
        Assert.Equal(await bench.SourceAsync(), await bench.PublishedAsync());
        bench.AssertNothingLeft();
    }

    /// <summary>Each lane holds the rows before its gate: together more than the ceiling, and no one row that is large.</summary>
    private async Task<Workbench> WithFullLanesAsync(string engine, int lanes)
    {
        var bench = await Workbench.CreateAsync(servers);
        await bench.ExecuteAsync("TRUNCATE t; INSERT INTO t SELECT i, i, repeat(md5(i::text), 2048) FROM generate_series(1, 3600) AS i; ANALYZE t");
        bench.Write("job.yaml", $$"""
            name: move
            source: ${PG_URL}
            target: {{bench.Lake}}
            state: {{bench.State}}
            engine: {{engine}}
            limits: {memory: 128MB, workers: {{lanes}}, source_connections: {{lanes + 2}}}
            streams:
              public.t:
                where: "{{Gate.Where("id % 200 = 199")}}"
                partition: {by: id, key: id, rows: 200}
            """);
        return bench;
    }
}
