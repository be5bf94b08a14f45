using Millrace.Connectors.Tests.S3.Servers;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests;

/// <summary>The real program with its rows between stages on a real S3 server: killed, resumed, cancelled; nothing is left there, and no secret anywhere.</summary>
public sealed class ShuffleKillTests : IDisposable
{
    private readonly StageBench _bench = new();

    private static MillraceStart Start { get; } = new() { Environment = S3Server.Environment, Limit = TimeSpan.FromSeconds(180) };

    [Theory]
    [InlineData("\"stage\":1,", false)]
    [InlineData("\"stage\":2,", true)]
    [InlineData("\"stage\":3,", false)]
    [InlineData("\"event\":\"planned\"", true)]
    public async Task A_run_that_is_killed_resumes_with_what_is_on_the_store_and_leaves_nothing_there(string moment, bool onlyCoordinator)
    {
        await using var server = await S3Server.StartAsync();
        _bench.Write(server.Shuffle());
        await using (var run = Run())
        {
            await run.LineAsync(moment);
            if (onlyCoordinator) run.KillCoordinator();
            else run.KillGroup();
            await run.WaitAsync();
        }

        var resumed = (await MillraceProcess.RunAsync(["resume", "--json", "--state", _bench.Folder["state"]], Start)).Expect(0);
        _bench.AssertResult();
        Assert.Equal(2L * StageBench.Rows, resumed.LastJson().GetProperty("rows_read").GetInt64());
        await server.AssertEmptyAsync();
        Assert.Empty(Directory.EnumerateDirectories(_bench.Folder["state/runs"], "stages", SearchOption.AllDirectories));
    }

    [Fact]
    public async Task A_worker_that_is_killed_is_replaced()
    {
        await using var server = await S3Server.StartAsync();
        _bench.Write(server.Shuffle());
        await using var run = Run();
        await run.LineAsync("\"event\":\"unit\"");
        MillraceProcess.KillWorker(run.Workers()[0]);
        (await run.WaitAsync()).Expect(0);
        _bench.AssertResult();
        await server.AssertEmptyAsync();
    }

    [Theory]
    [InlineData("cancel")]
    [InlineData("prune")]
    public async Task What_a_killed_run_has_on_the_store_stays_until_it_is_cancelled_or_pruned(string verb)
    {
        await using var server = await S3Server.StartAsync();
        _bench.Write(server.Shuffle());
        await using (var run = Run())
        {
            await run.LineAsync("\"stage\":2,");
            run.KillGroup();
            await run.WaitAsync();
        }

        Assert.NotEmpty(await server.KeysAsync());
        var id = Path.GetFileName(Assert.Single(Directory.GetDirectories(_bench.Folder["state/runs"])));
        string[] arguments = verb == "cancel" ? ["cancel", id] : ["runs", "prune", "--keep", "0", "--unfinished"];
        (await MillraceProcess.RunAsync([.. arguments, "--state", _bench.Folder["state"]], Start)).Expect(0);
        await server.AssertEmptyAsync();
    }

    [Fact]
    public async Task The_secret_stands_nowhere_and_the_place_is_said()
    {
        await using var server = await S3Server.StartAsync();
        _bench.Write(server.Shuffle());
        await using (var run = Run())
        {
            await run.LineAsync("\"stage\":2,");
            Assert.All(run.Workers().Append(run.Id), static id => Secret.AssertHidden(File.ReadAllText($"/proc/{id}/cmdline"), "a command line"));
            Secret.AssertHiddenBelow(_bench.Folder.Path);
            Secret.AssertHidden((await run.WaitAsync()).Expect(0));
        }

        var wrong = Start with { Environment = new Dictionary<string, string?>(S3Server.Environment) { ["AWS_SECRET_ACCESS_KEY"] = S3Server.SecretKey + "x" } };
        var refused = (await MillraceProcess.RunAsync(["run", _bench.Folder["job.yaml"], "--state", _bench.Folder["state"]], wrong)).Expect(3);
        Assert.Contains("the credentials are refused", refused.Stderr, StringComparison.Ordinal);
        Secret.AssertHidden(refused);
        var plan = (await MillraceProcess.RunAsync(["plan", _bench.Folder["job.yaml"], "--state", _bench.Folder["state"]], Start)).Expect(0);
        Assert.Contains($"shuffle   rows between stages lie in s3://{S3Server.Bucket}/some/prefix", plan.Stdout, StringComparison.Ordinal);
        var show = (await MillraceProcess.RunAsync(["show", Path.GetFileName(Assert.Single(Directory.GetDirectories(_bench.Folder["state/runs"]))), "--state", _bench.Folder["state"]], Start)).Expect(0);
        Assert.Contains($"shuffle   s3://{S3Server.Bucket}/some/prefix", show.Stdout, StringComparison.Ordinal);
        Secret.AssertHiddenBelow(_bench.Folder.Path);
    }

    [Fact]
    public async Task A_job_without_a_store_does_not_load_its_client()
    {
        _bench.Write();
        await using var run = Run();
        await run.LineAsync("\"stage\":2,");
        Assert.All(run.Workers().Append(run.Id), static id => Assert.DoesNotContain("AWSSDK", File.ReadAllText($"/proc/{id}/maps"), StringComparison.Ordinal));
        (await run.WaitAsync()).Expect(0);
    }

    public void Dispose() => _bench.Dispose();

    private MillraceProcess Run() => MillraceProcess.Start(["run", _bench.Folder["job.yaml"], "--json", "--state", _bench.Folder["state"]], Start);
}
