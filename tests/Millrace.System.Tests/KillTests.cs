using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests;

/// <summary>
/// SIGKILL to real processes in the middle of a run that replaces a table: the old one stays whole, the run goes on or is resumed, and
/// the result is that of an undisturbed run.
/// </summary>
public sealed class KillTests(PgServers servers)
{
    [Fact]
    public async Task A_killed_worker_is_replaced_and_the_run_succeeds()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob(Workbench.FirstAndLast);
        MillraceExit exit;
        await using (var gate = await Gate.CloseAsync(bench))
        {
            await using var run = bench.Start("run");
            await Gate.WaitersAsync(bench, 2);
            var worker = Assert.Single(run.Workers());
            MillraceProcess.KillWorker(worker);
            await run.LineAsync("\"event\":\"worker_lost\"");
            await gate.DisposeAsync();
            exit = (await run.WaitAsync()).Expect(0);
        }

        bench.AssertNothingTemporary();

        // Two units stand at the gate; beside them, others may just be making their files durable.
        var retries = Workbench.Events(exit).Where(static line => line.GetProperty("event").GetString() == "retry").ToList();
        Assert.InRange(retries.Count, 2, 2 * (1 + Limits.FinishingPerLaneMax));
        Assert.Equal(retries.Count, retries.Select(static retry => retry.GetProperty("unit").GetInt64()).Distinct().Count());
        Assert.Equal(retries.Count, exit.LastJson().GetProperty("retries").GetInt64());
        Assert.All(retries, static retry => Assert.Contains("killed by signal 9", retry.GetProperty("message").GetString(), StringComparison.Ordinal));
        Assert.Equal(await bench.SourceAsync(), await bench.PublishedAsync());
        bench.AssertNothingLeft();
    }

    [Fact]
    public async Task A_worker_that_hangs_is_replaced_and_the_run_succeeds()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob(Workbench.FirstAndLast);
        MillraceExit exit;
        await using (var gate = await Gate.CloseAsync(bench))
        {
            await using var run = bench.Start("run");
            await Gate.WaitersAsync(bench, 2);
            MillraceProcess.PauseWorker(Assert.Single(run.Workers()));
            await run.LineAsync("\"event\":\"worker_lost\"");
            await gate.DisposeAsync();
            exit = (await run.WaitAsync()).Expect(0);
        }

        Assert.Contains("has said nothing", exit.Stdout, StringComparison.Ordinal);
        Assert.Equal(await bench.SourceAsync(), await bench.PublishedAsync());
        bench.AssertNothingLeft();
        bench.AssertNothingTemporary();
    }

    [Fact]
    public async Task A_row_that_kills_every_worker_is_named_and_the_rest_is_kept()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob("7777", "    consistency: unit");
        MillraceExit exit;
        await using (await Gate.CloseAsync(bench))
        {
            await using var run = bench.Start("run");
            var ended = run.WaitAsync();
            while (await Gate.WaitersOrEndAsync(bench, ended) is { Count: > 0 } waiters)
            {
                foreach (var worker in run.Workers()) MillraceProcess.KillWorker(worker);
                await Gate.TurnAwayAsync(bench, waiters);
            }

            exit = (await ended).Expect(1);
        }

        var events = Workbench.Events(exit);
        var lost = Assert.Single(events, static line => line.GetProperty("event").GetString() == "lost");
        var ctid = await bench.TextAsync("SELECT ctid::text FROM t WHERE id = 7777");
        var label = lost.GetProperty("label").GetString()!;
        Assert.Contains($"page {ctid[1..ctid.IndexOf(',', StringComparison.Ordinal)]} ", label, StringComparison.Ordinal);
        Assert.Contains($"row {ctid[(ctid.IndexOf(',', StringComparison.Ordinal) + 1)..^1]}", label, StringComparison.Ordinal);
        Assert.Contains(label, exit.Stderr + exit.Stdout, StringComparison.Ordinal);
        Assert.True(exit.LastJson().GetProperty("splits").GetInt64() > 3, exit.Stdout);
        bench.AssertNothingTemporary();

        // The row can be read now: nothing else is read again.
        var again = (await bench.RunAsync("resume")).Expect(0);
        Assert.Equal(1, Workbench.Events(again).Count(static line => line.GetProperty("event").GetString() == "unit"));
        Assert.Equal(await bench.SourceAsync(), await bench.PublishedAsync());
        bench.AssertNothingLeft();
    }

    [Fact]
    public async Task Workers_whose_coordinator_is_killed_go_away_and_resume_finishes()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.Program = MillraceProcess.Launcher;
        bench.WriteJob(Workbench.FirstAndLast);
        await using (await Gate.CloseAsync(bench))
        {
            await using var run = bench.Start("run");
            await Gate.WaitersAsync(bench, 2);
            var worker = Assert.Single(run.Workers());
            run.KillCoordinator();
            // The gate is still closed: they have to cancel their statements, not to finish them.
            await Eventually.TrueAsync("the worker is gone", () => !run.Workers().Contains(worker));
            await bench.NoCopyIsLeftAsync();
        }

        (await bench.RunAsync("resume")).Expect(0);
        bench.AssertNothingTemporary();
        Assert.Equal(await bench.SourceAsync(), await bench.PublishedAsync());
        bench.AssertNothingLeft();
    }

    [Fact]
    public async Task After_everything_is_killed_the_old_table_stays_until_resume_brings_the_new_one()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob(Workbench.FirstAndLast);
        (await bench.RunAsync()).Expect(0);
        var old = await bench.SourceAsync();
        await bench.FillAsync(2);
        await KillInTheMiddleAsync(bench);
        await bench.KillKeepersAsync();
        Assert.Equal(old, await bench.PublishedAsync());

        // The rows that change between kill and resume: the result is the new moment's, in every unit.
        await bench.ExecuteAsync("UPDATE t SET v = -v WHERE id % 3 = 0; DELETE FROM t WHERE id % 100 = 1; INSERT INTO t SELECT i, i, 'new' FROM generate_series(20001, 20100) AS i");
        var exit = (await bench.RunAsync("resume")).Expect(0);
        bench.AssertNothingTemporary();
        Assert.Equal("succeeded", exit.LastJson().GetProperty("status").GetString());
        var published = await bench.PublishedAsync();
        Assert.Equal(await bench.SourceAsync(), published);
        Assert.NotEqual(old, published);
        bench.AssertNothingLeft();
        (await bench.RunAsync("resume")).Expect(2);
    }

    [Fact]
    public async Task A_killed_run_is_resumed_at_its_own_moment_while_its_keeper_lives()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob(Workbench.FirstAndLast);
        var moment = await bench.SourceAsync();
        var done = await KillInTheMiddleAsync(bench);
        Assert.Single(bench.Keepers());
        await bench.ExecuteAsync("UPDATE t SET v = -v; DELETE FROM t WHERE id % 100 = 1; INSERT INTO t SELECT i, i, 'new' FROM generate_series(20001, 20100) AS i");
        await Assert.ThrowsAsync<Npgsql.PostgresException>(() => bench.ExecuteAsync("BEGIN; SET LOCAL lock_timeout = '100ms'; TRUNCATE t"));

        // Twice: the second coordinator takes over from the first, and the third from the second.
        await using (await Gate.CloseAsync(bench))
        await using (var second = bench.Start("resume"))
        {
            await Gate.WaitersAsync(bench, 1);
            second.KillGroup();
            await second.WaitAsync();
        }

        var exit = (await bench.RunAsync("resume")).Expect(0);
        var planned = Workbench.Events(exit).Single(static line => line.GetProperty("event").GetString() == "planned");
        Assert.True(planned.GetProperty("done_units").GetInt64() >= done, exit.Stdout);
        Assert.Equal(moment, await bench.PublishedAsync());
        await bench.KeepersAreGoneAsync();
        bench.AssertNothingLeft();
        bench.AssertNothingTemporary();
    }

    [Fact]
    public async Task A_cancelled_run_lets_its_moment_go()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob(Workbench.FirstAndLast);
        await KillInTheMiddleAsync(bench);
        Assert.Single(bench.Keepers());
        (await bench.RunAsync("cancel", Path.GetFileName(bench.RunFolder))).Expect(0);
        await bench.KeepersAreGoneAsync();
    }

    [Fact]
    public async Task A_moment_is_held_no_longer_than_the_job_allows()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob(Workbench.FirstAndLast, limits: ", snapshot_hold: 1s");
        await KillInTheMiddleAsync(bench);
        await bench.KeepersAreGoneAsync();
        (await bench.RunAsync("resume")).Expect(0);
        Assert.Equal(await bench.SourceAsync(), await bench.PublishedAsync());
    }

    [Fact]
    public async Task With_consistency_unit_finished_units_count_at_resume()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob(Workbench.FirstAndLast, "    consistency: unit");
        var done = await KillInTheMiddleAsync(bench);
        await bench.KillKeepersAsync();
        var exit = (await bench.RunAsync("resume")).Expect(0);
        var events = Workbench.Events(exit);
        var planned = events.Single(static line => line.GetProperty("event").GetString() == "planned").GetProperty("done_units").GetInt64();
        Assert.True(planned >= done, $"{planned} units counted, {done} had results");
        var read = events.Count(static line => line.GetProperty("event").GetString() == "unit");
        Assert.Equal(exit.LastJson().GetProperty("units").GetInt64(), planned + read);
        Assert.Equal(await bench.SourceAsync(), await bench.PublishedAsync());
        bench.AssertNothingLeft();
    }

    [Fact]
    public async Task By_default_no_unit_of_the_old_moment_counts_at_resume()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob(Workbench.FirstAndLast);
        Assert.True(await KillInTheMiddleAsync(bench) > 0);
        await bench.KillKeepersAsync();
        var exit = (await bench.RunAsync("resume")).Expect(0);
        var events = Workbench.Events(exit);
        Assert.Equal(0, events.Single(static line => line.GetProperty("event").GetString() == "planned").GetProperty("done_units").GetInt64());
        Assert.Equal(exit.LastJson().GetProperty("units").GetInt64(), events.Count(static line => line.GetProperty("event").GetString() == "unit"));
    }

    /// <summary>Starts a run and kills all of it when both lanes are held and others have results. Gives how many results there are.</summary>
    private static async Task<int> KillInTheMiddleAsync(Workbench bench)
    {
        bench.Program = MillraceProcess.Launcher;
        await using var gate = await Gate.CloseAsync(bench);
        await using var run = bench.Start("run");
        await Gate.WaitersAsync(bench, 2);
        await Eventually.TrueAsync("units have results", () => bench.Results > 0);
        run.KillGroup();
        await run.WaitAsync();
        bench.AssertNothingTemporary();
        return bench.Results;
    }
}
