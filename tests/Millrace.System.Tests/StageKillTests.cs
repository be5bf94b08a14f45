namespace Millrace.SystemTests;

/// <summary>
/// Everything is killed in the middle of each stage of a stream with steps, and resumed: the result is that of an undisturbed run, stages that were
/// done are not done again, and nothing of them is left.
/// </summary>
public sealed class StageKillTests : IDisposable
{
    private const int Rows = StageBench.Rows;

    private readonly StageBench _bench = new();

    [Theory]
    [InlineData("\"stage\":1,")]
    [InlineData("\"stage\":2,")]
    [InlineData("\"stage\":3,")]
    [InlineData("\"event\":\"planned\"")]
    public async Task A_run_that_is_killed_in_a_stage_resumes_there(string moment)
    {
        _bench.Write();
        await using (var run = MillraceProcess.Start(["run", _bench.Folder["job.yaml"], "--json", "--state", _bench.Folder["state"]]))
        {
            await run.LineAsync(moment);
            run.KillGroup();
            await run.WaitAsync();
        }

        var resumed = (await MillraceProcess.RunAsync(["resume", "--json", "--state", _bench.Folder["state"]])).Expect(0);

        _bench.AssertResult();
        Assert.Equal(2L * Rows, resumed.LastJson().GetProperty("rows_read").GetInt64());
        Assert.Empty(Directory.EnumerateDirectories(_bench.Folder["state/runs"], "stages", SearchOption.AllDirectories));
        Assert.Equal(["t"], Directory.EnumerateFileSystemEntries(_bench.Folder["lake"]).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Kills_at_any_moment_change_nothing_about_the_result()
    {
        _bench.Write();
        var seed = Random.Shared.Next();
        TestContext.Current.SendDiagnosticMessage("seed {0}", seed);
        var random = new Random(seed);
        string[] arguments = ["run", _bench.Folder["job.yaml"], "--json", "--state", _bench.Folder["state"]];
        var usual = (await MillraceProcess.RunAsync(arguments)).Expect(0).LastJson().GetProperty("seconds").GetDouble();
        for (var kill = 0; kill < 4; kill++)
        {
            await using var run = MillraceProcess.Start(arguments);
            // Not a wait for something to happen: the random moment is the test.
            await Task.Delay(TimeSpan.FromSeconds(random.NextDouble() * usual), TestContext.Current.CancellationToken);
            run.KillGroup();
            await run.WaitAsync();
            var runs = (await MillraceProcess.RunAsync(["runs", "--json", "--state", _bench.Folder["state"]])).Expect(0).Stdout;
            var unfinished = RandomKillTests.Unfinished(runs);
            Assert.True(unfinished <= 1, $"seed {seed}: {runs}");
            arguments = unfinished == 1 ? ["resume", "--json", "--state", _bench.Folder["state"]] : ["run", _bench.Folder["job.yaml"], "--json", "--state", _bench.Folder["state"]];
        }

        (await MillraceProcess.RunAsync(arguments)).Expect(0);
        _bench.AssertResult();
    }

    [Theory]
    [InlineData("\"stage\":3,")]
    [InlineData("\"event\":\"planned\"")]
    public async Task A_run_that_is_killed_while_rows_are_put_together_by_folder_resumes_there(string moment)
    {
        _bench.Write();
        _bench.WriteJob("join: {with: '@/s.parquet', on: [id], how: full}", "    write: {partition_by: {part: 'id % 7'}, cluster_by: [id], max_rows_per_file: 9000}");
        await using (var run = MillraceProcess.Start(["run", _bench.Folder["job.yaml"], "--json", "--state", _bench.Folder["state"]]))
        {
            await run.LineAsync(moment);
            run.KillGroup();
            await run.WaitAsync();
        }

        var resumed = (await MillraceProcess.RunAsync(["resume", "--json", "--state", _bench.Folder["state"]])).Expect(0);

        _bench.AssertResult($"SELECT k, id, v, score FROM '{_bench.Folder["t.parquet"]}' JOIN '{_bench.Folder["s.parquet"]}' USING (id)", "part");
        Assert.Equal(2L * Rows, resumed.LastJson().GetProperty("rows_read").GetInt64());
        Assert.Empty(Directory.EnumerateDirectories(_bench.Folder["state/runs"], "stages", SearchOption.AllDirectories));
        Assert.Equal(["t"], Directory.EnumerateFileSystemEntries(_bench.Folder["lake"]).Select(Path.GetFileName));
        Assert.InRange(Directory.EnumerateFiles(_bench.Folder["lake/t"], "*.parquet", SearchOption.AllDirectories).Count(), 7, (Rows / 9000) + (2 * 7));
    }

    public void Dispose() => _bench.Dispose();
}
