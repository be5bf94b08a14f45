using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests;

/// <summary>Stopping a run on purpose: from another process, from the keyboard, and after a kill.</summary>
public sealed class CancelTests(PgServers servers)
{
    private const int HangUp = 1;
    private const int Interrupt = 2;
    private const int Terminate = 15;

    [Fact]
    public async Task Cancel_from_another_process_ends_the_run_and_leaves_the_old_table_alone()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob(Workbench.FirstAndLast);
        (await bench.RunAsync()).Expect(0);
        var old = await bench.SourceAsync();
        await bench.FillAsync(2);
        await using (await Gate.CloseAsync(bench))
        {
            await using var run = bench.Start("run");
            await Gate.WaitersAsync(bench, 2);
            var id = Path.GetFileName(bench.RunFolder);
            Assert.Equal("running", await StatusAsync(bench, id));
            (await bench.RunAsync("cancel", id)).Expect(0);
            var finished = (await run.WaitAsync()).Expect(130).LastJson();
            Assert.Equal(("finished", "cancelled"), (finished.GetProperty("event").GetString(), finished.GetProperty("status").GetString()));
            Assert.Equal("cancelled", await StatusAsync(bench, id));
        }

        Assert.Equal(old, await bench.PublishedAsync());
        bench.AssertNothingLeft();
    }

    [Fact]
    public async Task An_interrupt_from_the_keyboard_leaves_a_run_that_resume_finishes()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob(Workbench.FirstAndLast);
        await using (await Gate.CloseAsync(bench))
        {
            await using var run = bench.Start("run");
            await Gate.WaitersAsync(bench, 2);
            run.Signal(Interrupt);
            var exit = (await run.WaitAsync()).Expect(130);
            Assert.Equal("cancelled", exit.LastJson().GetProperty("status").GetString());
            Assert.Empty(run.Workers());
        }

        Assert.False(Directory.Exists(bench.Table));
        (await bench.RunAsync("resume")).Expect(0);
        Assert.Equal(await bench.SourceAsync(), await bench.PublishedAsync());
        bench.AssertNothingLeft();
    }

    [Theory]
    [InlineData(Interrupt, true)]
    [InlineData(Terminate, false)]
    [InlineData(HangUp, true)]
    public async Task A_signal_ends_a_run_at_once_and_cancel_removes_what_it_has_staged(int signal, bool toAll)
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob(Workbench.FirstAndLast);
        (await bench.RunAsync()).Expect(0);
        var old = await bench.SourceAsync();
        await bench.FillAsync(2);
        await using (await Gate.CloseAsync(bench))
        {
            await using var run = bench.Start("run");
            await Gate.WaitersAsync(bench, 2);
            if (toAll) run.SignalGroup(signal);
            else run.Signal(signal);
            // The gate is still closed: the statements are cancelled, not finished.
            var exit = (await run.WaitAsync()).Expect(130);
            Assert.Equal("cancelled", exit.LastJson().GetProperty("status").GetString());
            Assert.DoesNotContain("worker_lost", exit.Stdout, StringComparison.Ordinal);
            Assert.Empty(run.Workers());
            await bench.NoCopyIsLeftAsync();
        }

        Assert.Equal(old, await bench.PublishedAsync());
        (await bench.RunAsync("cancel", Path.GetFileName(bench.RunFolder))).Expect(0);
        bench.AssertNothingLeft();
        Assert.Equal(old, await bench.PublishedAsync());
    }

    [Fact]
    public async Task Cancel_after_a_kill_cleans_up_and_prune_removes_what_has_ended()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob(Workbench.FirstAndLast);
        (await bench.RunAsync()).Expect(0);
        var published = await bench.PublishedAsync();
        await using (await Gate.CloseAsync(bench))
        {
            await using var run = bench.Start("run");
            await Gate.WaitersAsync(bench, 2);
            run.KillGroup();
            await run.WaitAsync();
        }

        var id = Path.GetFileName(bench.RunFolder);
        Assert.Equal("interrupted", await StatusAsync(bench, id));
        Assert.Single(await PruneAsync(bench));
        Assert.True(Directory.Exists(bench.RunFolder), "a run that can be resumed is not pruned");
        (await bench.RunAsync("cancel", id)).Expect(0);
        (await bench.RunAsync("cancel", id)).Expect(0);
        bench.AssertNothingLeft();
        Assert.Equal("cancelled", await StatusAsync(bench, id));
        Assert.Equal([id], await PruneAsync(bench));
        Assert.Empty(Directory.GetDirectories(bench["state/runs"]));
        Assert.Equal(published, await bench.PublishedAsync());
    }

    private static async Task<List<string?>> PruneAsync(Workbench bench)
    {
        var exit = (await MillraceProcess.RunAsync(["runs", "prune", "--keep", "0", "--json", "--state", bench.State], bench.Begin())).Expect(0);
        return [.. Workbench.Events(exit).Select(static line => line.GetProperty("run").GetString())];
    }

    /// <summary>How <c>show</c> and <c>runs</c> say a run stands; both must say the same.</summary>
    private static async Task<string?> StatusAsync(Workbench bench, string run)
    {
        var shown = (await bench.RunAsync("show", run)).Expect(0).LastJson();
        var listed = Workbench.Events((await bench.RunAsync("runs")).Expect(0)).Single(line => line.GetProperty("run").GetString() == run);
        Assert.Equal(shown.GetProperty("status").GetString(), listed.GetProperty("status").GetString());
        return shown.GetProperty("status").GetString();
    }
}
