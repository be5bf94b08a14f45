using System.Text.Json;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests;

/// <summary>
/// Tables of a database that are joined by stages, and a run that is killed between them. What was read to the end counts when its moment is gone,
/// too, but tables of one source are never of two moments.
/// </summary>
public sealed class StageMomentTests(PgServers servers)
{
    private const string JoinU = "join: {with: public.u, on: [id], how: full}";

    // The same database, but for the job a source of its own, with a moment of its own.
    private const string JoinX = "join: {with: \"${PG_URL}\", stream: public.x, on: [id], how: full}";

    [Fact]
    public async Task A_source_that_is_read_to_the_end_is_not_read_again_when_its_moment_is_gone()
    {
        await using var bench = await CreateAsync(gated: "x", JoinU, JoinX, "map: select id, v + w + z as v, note from input");
        await bench.ExecuteAsync("CREATE TABLE before AS SELECT id, v + w AS v, note FROM t JOIN u_rows USING (id)");
        await KillAtTheGateAsync(bench, waiters: 1);
        await bench.KillKeepersAsync();
        await ChangeAsync(bench);

        var exit = (await bench.RunAsync("resume")).Expect(0);

        Assert.Equal([(1, true), (2, true), (3, true), (4, false)], DoneStages(exit));
        Assert.Equal(await DigestAsync(bench, "SELECT id, v + z AS v, note FROM before JOIN x_rows USING (id)"), await bench.PublishedAsync());
    }

    [Fact]
    public async Task Two_tables_of_one_source_are_both_read_again_when_only_one_was_read_to_the_end()
    {
        await using var bench = await CreateAsync(gated: "u", JoinU, "map: select id, v + w as v, note from input");
        await KillAtTheGateAsync(bench, waiters: 2);
        await bench.KillKeepersAsync();
        await ChangeAsync(bench);

        var exit = (await bench.RunAsync("resume")).Expect(0);

        Assert.Equal([(1, false), (2, false)], DoneStages(exit));
        Assert.Equal(await DigestAsync(bench, "SELECT id, v + w AS v, note FROM t JOIN u_rows USING (id)"), await bench.PublishedAsync());
    }

    [Fact]
    public async Task A_table_that_is_read_to_the_end_is_read_again_when_the_last_stage_reads_the_same_source()
    {
        // The small side is kept in memory: the other one is read by the stage that writes.
        await using var bench = await CreateAsync(gated: "t", "join: {with: public.u, on: [id], how: inner}", "map: select id, v + w as v, note from input");
        await KillAtTheGateAsync(bench, waiters: 1);
        await bench.KillKeepersAsync();
        await ChangeAsync(bench);

        var exit = (await bench.RunAsync("resume")).Expect(0);

        Assert.Equal([(1, false)], DoneStages(exit));
        Assert.Equal(await DigestAsync(bench, "SELECT id, v + w AS v, note FROM t JOIN u_rows USING (id)"), await bench.PublishedAsync());
    }

    [Fact]
    public async Task With_consistency_unit_what_is_read_to_the_end_counts_beside_another_moment()
    {
        await using var bench = await CreateAsync(gated: "u", JoinU, "map: select id, v + coalesce(w, 0) as v, note from input", "consistency: unit");
        await bench.ExecuteAsync("CREATE TABLE before AS SELECT * FROM t");
        await KillAtTheGateAsync(bench, waiters: 2);
        await bench.KillKeepersAsync();
        await ChangeAsync(bench);

        var exit = (await bench.RunAsync("resume")).Expect(0);

        Assert.Equal([(1, true), (2, false)], DoneStages(exit));
        Assert.Equal(await DigestAsync(bench, "SELECT id, before.v + coalesce(w, 0) AS v, note FROM before LEFT JOIN u_rows USING (id)"), await bench.PublishedAsync());
    }

    [Fact]
    public async Task While_a_keeper_lives_stages_are_resumed_at_their_own_moment()
    {
        await using var bench = await CreateAsync(gated: "u", JoinU, "map: select id, v + w as v, note from input");
        var moment = await DigestAsync(bench, "SELECT id, v + w AS v, note FROM t JOIN u_rows USING (id)");
        await KillAtTheGateAsync(bench, waiters: 2);
        Assert.Single(bench.Keepers());
        await ChangeAsync(bench);

        var exit = (await bench.RunAsync("resume")).Expect(0);

        Assert.Equal([(1, true), (2, false)], DoneStages(exit));
        Assert.Equal(moment, await bench.PublishedAsync());
        await bench.KeepersAreGoneAsync();
    }

    /// <summary>The tables t, u and x, of which a row of one waits at the gate, and a job that joins them.</summary>
    private async Task<Workbench> CreateAsync(string gated, params string[] steps)
    {
        var bench = await Workbench.CreateAsync(servers);

        // More rows than go without stages.
        await bench.ExecuteAsync($"TRUNCATE t; INSERT INTO t SELECT i, i, 'note ' || i FROM generate_series(1, {Limits.WholeRowsMax + 1}) AS i; ANALYZE t");
        foreach (var (view, column) in new[] { ("u", "w"), ("x", "z") })
        {
            await bench.ExecuteAsync($"CREATE TABLE {view}_rows AS SELECT id, id * 3 AS {column} FROM t; ANALYZE {view}_rows; CREATE VIEW {view} AS SELECT * FROM {view}_rows WHERE {(gated == view ? Gate.Where("id = 19000") : "true")}");
        }

        var more = steps.Where(static step => !step.Contains(": {", StringComparison.Ordinal) && !step.StartsWith("map", StringComparison.Ordinal));
        bench.Write(
            "job.yaml",
            $$"""
            name: move
            source: ${PG_URL}
            target: {{bench.Lake}}
            state: {{bench.State}}
            engine: local
            limits: {workers: 2}
            streams:
              public.t:
                where: "{{(gated == "t" ? Gate.Where("id = 19000") : "true")}}"
                partition: {by: pages, rows: 20000}
            {{string.Concat(more.Select(static key => $"    {key}\n"))}}
                transform:
            {{string.Concat(steps.Except(more).Select(static step => $"      - {step}\n"))}}
              public.u: {}
            """);
        return bench;
    }

    /// <summary>Every table changes after the run's moment.</summary>
    private static Task ChangeAsync(Workbench bench) => bench.ExecuteAsync(
        "UPDATE t SET v = -v WHERE id % 3 = 0; UPDATE u_rows SET w = w + 5 WHERE id % 4 = 0; UPDATE x_rows SET z = z * 2; DELETE FROM t WHERE id % 100 = 1; DELETE FROM u_rows WHERE id % 100 = 1");

    /// <summary>
    /// Starts a run and kills all of it but its keeper when readers stand at the gate: what comes before is done. The stream u is moved itself, too, so
    /// that two of them read it.
    /// </summary>
    private static async Task KillAtTheGateAsync(Workbench bench, int waiters)
    {
        await using var gate = await Gate.CloseAsync(bench);
        await using var run = bench.Start("run");
        await Gate.WaitersAsync(bench, waiters);
        run.KillGroup();
        await run.WaitAsync();
    }

    /// <summary>The stages of the table t, and whether all units of each were done before.</summary>
    private static List<(int Stage, bool IsDone)> DoneStages(MillraceExit exit)
    {
        var stages = Workbench.Events(exit).Where(static line => line.GetProperty("event").GetString() == "stage").ToList();
        Assert.All(stages, static stage => Assert.Contains(Done(stage), (long[])[0, stage.GetProperty("units").GetInt64()]));
        return [.. stages.Select(static stage => (stage.GetProperty("stage").GetInt32(), Done(stage) > 0))];

        static long Done(JsonElement stage) => stage.GetProperty("done_units").GetInt64();
    }

    /// <summary>A table of id, v and note, as <see cref="Workbench.PublishedAsync"/> gives the published one.</summary>
    private static Task<string> DigestAsync(Workbench bench, string table) => bench.TextAsync(
        $"SELECT count(*) || ' ' || coalesce(sum(('x' || substr(md5(id || '|' || v || '|' || coalesce(note, '~')), 1, 8))::bit(32)::bigint), 0) FROM ({table}) AS rows");
}
