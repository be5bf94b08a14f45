using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Moves;
using Npgsql;

namespace Millrace.SystemTests;

/// <summary>
/// SIGKILL to real processes that move a table into PostgreSQL, and restarts and crashes of its server: readers have the old rows or the new
/// ones, and in the end every row is there exactly once.
/// </summary>
public sealed class PostgresTargetKillTests(PgServers servers, PostgresTargetKillTests.OwnServer own) : IClassFixture<PostgresTargetKillTests.OwnServer>
{
    private const string Waiting = "SELECT count(*) FROM pg_locks WHERE relation = 't'::regclass AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

    /// <summary>What happens to the target's server.</summary>
    public enum Loss
    {
        /// <summary>It is stopped in order and started.</summary>
        Restart,

        /// <summary>It stops at once and recovers: what is not logged is empty then.</summary>
        Crash,
    }

    public static TheoryData<string> Modes => ["overwrite", "append", "merge", "incremental"];

    [Theory]
    [InlineData("overwrite")]
    [InlineData("incremental")]
    public async Task A_killed_worker_is_replaced_and_the_run_succeeds(string mode)
    {
        await using var bench = await TargetBench.CreateAsync(servers, mode);
        await using (var gate = await Gate.CloseAsync(bench.Bench))
        {
            await using var run = bench.Bench.Start("run");
            await Gate.WaitersAsync(bench.Bench, 2);
            MillraceProcess.KillWorker(Assert.Single(run.Workers()));
            await run.LineAsync("\"event\":\"worker_lost\"");
            await gate.DisposeAsync();
            (await run.WaitAsync()).Expect(0);
        }

        await bench.AssertDoneAsync();
    }

    [Theory]
    [InlineData("append")]
    [InlineData("merge")]
    public async Task After_everything_is_killed_resume_finishes(string mode)
    {
        await using var bench = await TargetBench.CreateAsync(servers, mode);
        await KillInTheMiddleAsync(bench);
        Assert.Equal(await bench.OldAsync(), await bench.PublishedAsync());

        (await bench.Bench.RunAsync("resume")).Expect(0);

        await bench.AssertDoneAsync();
        (await bench.Bench.RunAsync("resume")).Expect(2);
    }

    [Theory]
    [InlineData("overwrite", Loss.Crash)]
    [InlineData("append", Loss.Crash)]
    [InlineData("incremental", Loss.Restart)]
    public async Task After_everything_is_killed_and_the_server_was_away_resume_finishes(string mode, Loss loss)
    {
        var server = await own.GetAsync();
        await using var bench = await TargetBench.CreateAsync(servers, mode, server);
        await KillInTheMiddleAsync(bench);
        await server.RestartAsync(loss == Loss.Crash);
        Assert.Equal(await bench.OldAsync(), await bench.PublishedAsync());

        await ResumeAsync(bench, mayHaveLost: loss == Loss.Crash);

        await bench.AssertDoneAsync();
    }

    [Theory]
    [MemberData(nameof(Modes))]
    public async Task A_coordinator_that_is_killed_while_its_publication_waits_has_published_nothing(string mode)
    {
        await using var bench = await TargetBench.CreateAsync(servers, mode);
        await using (var holder = await bench.OpenAsync())
        {
            await KillWhilePublishingAsync(
                bench,
                async () => await new NpgsqlCommand("BEGIN; LOCK TABLE t IN SHARE MODE", holder).ExecuteNonQueryAsync(TestContext.Current.CancellationToken));
            Assert.Equal(await bench.OldAsync(), await bench.PublishedAsync());

            // The dead coordinator's statement may wait yet; and so does the new one's, until the lock is free.
            await using var run = bench.Bench.Start("resume");
            await Eventually.TrueAsync("the publication waits again", async () => await bench.NumberAsync(Waiting) > 0);
            await new NpgsqlCommand("COMMIT", holder).ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
            (await run.WaitAsync()).Expect(0);
        }

        await bench.AssertDoneAsync();
    }

    [Theory]
    [InlineData("overwrite")]
    [InlineData("merge")]
    public async Task A_coordinator_that_is_killed_while_it_publishes_and_then_the_server_lose_nothing(string mode)
    {
        var server = await own.GetAsync();
        await using var bench = await TargetBench.CreateAsync(servers, mode, server);
        await using (var holder = await bench.OpenAsync())
        {
            await KillWhilePublishingAsync(
                bench,
                async () => await new NpgsqlCommand("BEGIN; LOCK TABLE t IN SHARE MODE", holder).ExecuteNonQueryAsync(TestContext.Current.CancellationToken));
            await server.RestartAsync(crash: true);
        }

        Assert.Equal(await bench.OldAsync(), await bench.PublishedAsync());
        await ResumeAsync(bench, mayHaveLost: true);

        await bench.AssertDoneAsync();
    }

    /// <summary>Starts a run and kills all of it when both lanes are held and others have results.</summary>
    private static async Task KillInTheMiddleAsync(TargetBench bench)
    {
        await using var gate = await Gate.CloseAsync(bench.Bench);
        await using var run = bench.Bench.Start("run");
        await Gate.WaitersAsync(bench.Bench, 2);
        await Eventually.TrueAsync("units have results", () => bench.Bench.Results > 0);
        run.KillGroup();
        await run.WaitAsync();
    }

    /// <summary>Starts a run, holds its publication with what <paramref name="hold"/> does once the staging is made, and kills the coordinator there.</summary>
    private static async Task KillWhilePublishingAsync(TargetBench bench, Func<Task> hold)
    {
        await using var gate = await Gate.CloseAsync(bench.Bench);
        await using var run = bench.Bench.Start("run");
        await Gate.WaitersAsync(bench.Bench, 2);
        await hold();
        await gate.DisposeAsync();

        await Eventually.TrueAsync("the publication waits", async () => await bench.NumberAsync(Waiting) > 0);
        run.KillCoordinator();
        (await run.WaitAsync()).Expect(137);
        await Eventually.TrueAsync("the workers are gone", () => run.Workers().Count == 0);
    }

    /// <summary>Resumes to the end: where the server has lost what was staged, the first time says so, and the next one reads it again.</summary>
    private static async Task ResumeAsync(TargetBench bench, bool mayHaveLost)
    {
        var exit = await bench.Bench.RunAsync("resume");
        if (mayHaveLost && exit.ExitCode != 0)
        {
            AssertLost(exit);
            Assert.Equal(await bench.OldAsync(), await bench.PublishedAsync());
            exit = await bench.Bench.RunAsync("resume");
        }

        exit.Expect(0);
    }

    private static void AssertLost(MillraceExit exit) => Assert.Contains("the server has lost what was staged", exit.Expect(3).Stdout, StringComparison.Ordinal);

    /// <summary>A server that this class's tests restart, one after the other.</summary>
    public sealed class OwnServer(PgServers servers) : IAsyncDisposable
    {
        private PgServer? _server;

        /// <summary>The server, started by the first that asks.</summary>
        public async Task<PgServer> GetAsync() => _server ??= await servers.StartOwnAsync();

        public async ValueTask DisposeAsync()
        {
            if (_server is not null) await _server.DisposeAsync();
        }
    }
}
