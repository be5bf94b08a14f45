using System.Text.Json;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests;

/// <summary>
/// Rows that the target can't hold, under kills and floods: each of them is in the run directory exactly once, no other row is missing from
/// the target, and whoever runs it is told.
/// </summary>
public sealed class QuarantineTests(PgServers servers)
{
    private const string Bad = "id % 100 = 5";
    private const int BadRows = Workbench.Rows / 100;

    private const string Expected =
        "SELECT count(*) || ' ' || coalesce(sum(('x' || substr(md5(id || '|' || v || '|' || coalesce(note, '~')), 1, 8))::bit(32)::bigint), 0) FROM t WHERE NOT " + Bad;

    [Fact]
    public async Task A_killed_worker_leaves_every_rejected_row_once()
    {
        await using var bench = await CreateAsync(Workbench.FirstAndLast);
        MillraceExit exit;
        await using (var gate = await Gate.CloseAsync(bench))
        {
            await using var run = bench.Start("run");
            await Gate.WaitersAsync(bench, 2);
            MillraceProcess.KillWorker(Assert.Single(run.Workers()));
            await run.LineAsync("\"event\":\"worker_lost\"");
            await gate.DisposeAsync();
            exit = (await run.WaitAsync()).Expect(0);
        }

        await AssertCompleteAsync(bench, exit);
        bench.AssertNothingLeft();

        var committed = Workbench.Events(exit).Single(static line => line.GetProperty("event").GetString() == "committed");
        Assert.Equal(BadRows, committed.GetProperty("rows_rejected").GetInt64());
        Assert.Equal(Rejects(bench), committed.GetProperty("rejects").GetString());

        var shown = await MillraceProcess.RunAsync(["show", exit.LastJson().GetProperty("run").GetString()!, "--state", bench.State], bench.Begin());
        Assert.Contains($"rejected  {BadRows} rows in {Rejects(bench)}; the first:", shown.Expect(0).Stdout, StringComparison.Ordinal);
        Assert.Contains("\"reason\":\"found NaN, expected a number that a decimal can hold\"", shown.Stdout, StringComparison.Ordinal);
        (await bench.RunAsync("verify")).Expect(0);
    }

    [Fact]
    public async Task A_killed_coordinator_leaves_every_rejected_row_once()
    {
        await using var bench = await CreateAsync(Workbench.FirstAndLast);
        await using (var gate = await Gate.CloseAsync(bench))
        {
            await using var run = bench.Start("run");
            await Gate.WaitersAsync(bench, 2);
            await Eventually.TrueAsync("some units are done", () => bench.Results > 5);
            run.KillGroup();
            await run.WaitAsync();
        }

        var exit = (await bench.RunAsync("resume")).Expect(0);
        await AssertCompleteAsync(bench, exit);
        bench.AssertNothingLeft();
    }

    [Fact]
    public async Task A_flood_publishes_nothing_and_a_higher_limit_goes_on()
    {
        await using var bench = await CreateAsync("1", limits: ", rejects: 150");
        var flooded = (await bench.RunAsync()).Expect(5);
        Assert.Equal("failed", flooded.LastJson().GetProperty("status").GetString());
        Assert.Contains("and limits.rejects is 150", flooded.Stdout, StringComparison.Ordinal);
        Assert.False(Directory.Exists(bench.Table));

        var exit = (await bench.RunAsync("resume", "--set", "limits.rejects=1%")).Expect(0);
        await AssertCompleteAsync(bench, exit);
    }

    [Fact]
    public async Task People_are_told_at_the_end_and_in_the_plan()
    {
        await using var bench = await CreateAsync("1");
        var plan = await MillraceProcess.RunAsync(["plan", bench.Job], bench.Begin());
        Assert.Contains("rows that the target can't hold go to quarantine; the stream fails when they are more than 10000", plan.Expect(0).Stdout, StringComparison.Ordinal);

        var exit = await MillraceProcess.RunAsync(["run", bench.Job], bench.Begin());
        var last = exit.Expect(0).Stderr.TrimEnd().Split('\n')[^3..];
        Assert.StartsWith("done: 19,800 rows", last[0], StringComparison.Ordinal);
        Assert.Equal([$"in quarantine, not in the target: {BadRows} rows", $"  public.t: {BadRows} rows in {Rejects(bench)}"], last[1..]);
    }

    private async Task<Workbench> CreateAsync(string gated, string limits = "")
    {
        var bench = await Workbench.CreateAsync(servers);
        await bench.ExecuteAsync($"ALTER TABLE t ADD n numeric(10,2); UPDATE t SET n = CASE WHEN {Bad} THEN 'NaN'::numeric ELSE id END; CLUSTER t USING t_pkey; ANALYZE t");
        bench.WriteJob(gated, "    on_reject: quarantine", limits: limits);
        return bench;
    }

    private static string Rejects(Workbench bench) => Path.Combine(bench.RunFolder, "streams", "public.t", "rejects");

    private static async Task AssertCompleteAsync(Workbench bench, MillraceExit exit)
    {
        var finished = exit.LastJson();
        Assert.Equal(BadRows, finished.GetProperty("rows_rejected").GetInt64());
        Assert.Equal(Workbench.Rows, finished.GetProperty("rows_read").GetInt64());
        Assert.Equal(await bench.TextAsync(Expected), await bench.PublishedAsync());
        var ids = new List<long>();
        foreach (var line in Directory.GetFiles(Rejects(bench), "*", SearchOption.AllDirectories).SelectMany(File.ReadLines))
        {
            using var json = JsonDocument.Parse(line);
            ids.Add(json.RootElement.GetProperty("key").GetProperty("id").GetInt64());
            Assert.Equal("NaN", json.RootElement.GetProperty("row").GetProperty("n").GetString());
        }

        Assert.Equal(Enumerable.Range(0, BadRows).Select(static i => (i * 100L) + 5), ids.Order());
    }
}
