using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests;

/// <summary>A server that ends sessions, or itself, in the middle of a run.</summary>
public sealed class ServerLossTests(PgServers servers)
{
    private const string Ours = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    private const string Copies = $"{Ours} AND query LIKE '%pass_gate%' AND state = 'active'";

    [Fact]
    public async Task Sessions_that_are_ended_once_are_opened_again_and_the_run_succeeds()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob(Workbench.FirstAndLast);
        MillraceExit exit;
        await using (var gate = await Gate.CloseAsync(bench))
        {
            await using var run = bench.Start("run");
            await Gate.WaitersAsync(bench, 2);
            Assert.Equal(2, await bench.NumberAsync($"SELECT count(pg_terminate_backend(pid)) {Copies}"));
            await run.LineAsync("\"event\":\"retry\"");
            await gate.DisposeAsync();
            exit = (await run.WaitAsync()).Expect(0);
        }

        Assert.InRange(exit.LastJson().GetProperty("retries").GetInt64(), 2, 4);
        Assert.Equal(await bench.SourceAsync(), await bench.PublishedAsync());
        bench.AssertNothingLeft();
    }

    [Fact]
    public async Task Sessions_that_are_ended_again_and_again_fail_the_run_and_resume_works_later()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob(Workbench.FirstAndLast);
        await using (await Gate.CloseAsync(bench))
        {
            await using var run = bench.Start("run");
            var ended = run.WaitAsync();
            await Eventually.TrueAsync("the run has failed", async () =>
            {
                await bench.ExecuteAsync($"SELECT pg_terminate_backend(pid) {Copies}");
                return ended.IsCompleted;
            });
            var exit = (await ended).Expect(3);
            Assert.Equal("failed", exit.LastJson().GetProperty("status").GetString());
            Assert.Contains("terminat", exit.Stdout, StringComparison.Ordinal);
            Secret.AssertHidden(exit);
        }

        Assert.False(Directory.Exists(bench.Table));
        (await bench.RunAsync("resume")).Expect(0);
        Assert.Equal(await bench.SourceAsync(), await bench.PublishedAsync());
        bench.AssertNothingLeft();
    }

    [Fact]
    public async Task When_the_session_that_holds_the_moment_is_lost_too_the_run_fails_and_resume_reads_a_new_moment()
    {
        await using var bench = await Workbench.CreateAsync(servers);
        bench.WriteJob(Workbench.FirstAndLast);
        await using (var gate = await Gate.CloseAsync(bench))
        {
            await using var run = bench.Start("run");
            await Gate.WaitersAsync(bench, 2);
            Assert.True(await bench.NumberAsync($"SELECT count(pg_terminate_backend(pid)) {Ours} AND query NOT LIKE '%advisory_lock(7)%'") >= 3);
            await gate.DisposeAsync();
            var exit = (await run.WaitAsync()).Expect(3);
            Secret.AssertHidden(exit);
        }

        await bench.FillAsync(2);
        (await bench.RunAsync("resume")).Expect(0);
        Assert.Equal(await bench.SourceAsync(), await bench.PublishedAsync());
        bench.AssertNothingLeft();
    }

    [Fact]
    public async Task A_server_that_stops_is_said_to_be_out_of_reach()
    {
        var server = await servers.StartOwnAsync();
        await using var bench = await Workbench.CreateAsync(server);
        bench.WriteJob(Workbench.FirstAndLast);
        // It ends with the server.
        _ = await Gate.CloseAsync(bench);
        await using var run = bench.Start("run");
        await Gate.WaitersAsync(bench, 2);
        await server.DisposeAsync();
        var exit = (await run.WaitAsync()).Expect(3);
        Assert.Contains($"127.0.0.1:{server.Port}", exit.Stdout, StringComparison.Ordinal);
        Secret.AssertHidden(exit);
        (await bench.RunAsync("resume")).Expect(3);
    }
}
