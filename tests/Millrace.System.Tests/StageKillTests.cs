using Millrace.DuckDb;
using Millrace.Testing;

namespace Millrace.SystemTests;

/// <summary>
/// Everything is killed in the middle of each stage of a stream with steps, and resumed: the result is that of an undisturbed run, stages that were
/// done are not done again, and nothing of them is left.
/// </summary>
public sealed class StageKillTests : IDisposable
{
    private const int Rows = 240_000;

    private readonly TempFolder _folder = new();

    [Theory]
    [InlineData("\"stage\":1,")]
    [InlineData("\"stage\":2,")]
    [InlineData("\"stage\":3,")]
    [InlineData("\"event\":\"planned\"")]
    public async Task A_run_that_is_killed_in_a_stage_resumes_there(string moment)
    {
        Write();
        await using (var run = MillraceProcess.Start(["run", _folder["job.yaml"], "--json", "--state", _folder["state"]]))
        {
            await run.LineAsync(moment);
            run.KillGroup();
            await run.WaitAsync();
        }

        var resumed = (await MillraceProcess.RunAsync(["resume", "--json", "--state", _folder["state"]])).Expect(0);

        AssertResult();
        Assert.Equal(2L * Rows, resumed.LastJson().GetProperty("rows_read").GetInt64());
        Assert.Empty(Directory.EnumerateDirectories(_folder["state/runs"], "stages", SearchOption.AllDirectories));
        Assert.Equal(["t"], Directory.EnumerateFileSystemEntries(_folder["lake"]).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Kills_at_any_moment_change_nothing_about_the_result()
    {
        Write();
        var seed = Random.Shared.Next();
        TestContext.Current.SendDiagnosticMessage("seed {0}", seed);
        var random = new Random(seed);
        string[] arguments = ["run", _folder["job.yaml"], "--json", "--state", _folder["state"]];
        var usual = (await MillraceProcess.RunAsync(arguments)).Expect(0).LastJson().GetProperty("seconds").GetDouble();
        for (var kill = 0; kill < 4; kill++)
        {
            await using var run = MillraceProcess.Start(arguments);
            // Not a wait for something to happen: the random moment is the test.
            await Task.Delay(TimeSpan.FromSeconds(random.NextDouble() * usual), TestContext.Current.CancellationToken);
            run.KillGroup();
            await run.WaitAsync();
            var runs = (await MillraceProcess.RunAsync(["runs", "--json", "--state", _folder["state"]])).Expect(0).Stdout;
            var unfinished = RandomKillTests.Unfinished(runs);
            Assert.True(unfinished <= 1, $"seed {seed}: {runs}");
            arguments = unfinished == 1 ? ["resume", "--json", "--state", _folder["state"]] : ["run", _folder["job.yaml"], "--json", "--state", _folder["state"]];
        }

        (await MillraceProcess.RunAsync(arguments)).Expect(0);
        AssertResult();
    }

    [Theory]
    [InlineData("\"stage\":3,")]
    [InlineData("\"event\":\"planned\"")]
    public async Task A_run_that_is_killed_while_rows_are_put_together_by_folder_resumes_there(string moment)
    {
        Write();
        File.WriteAllText(_folder["job.yaml"], Job("join: {with: '@/s.parquet', on: [id], how: full}", "    write: {partition_by: {part: 'id % 7'}, cluster_by: [id], max_rows_per_file: 9000}"));
        await using (var run = MillraceProcess.Start(["run", _folder["job.yaml"], "--json", "--state", _folder["state"]]))
        {
            await run.LineAsync(moment);
            run.KillGroup();
            await run.WaitAsync();
        }

        var resumed = (await MillraceProcess.RunAsync(["resume", "--json", "--state", _folder["state"]])).Expect(0);

        AssertResult($"SELECT k, id, v, score FROM '{_folder["t.parquet"]}' JOIN '{_folder["s.parquet"]}' USING (id)", "part");
        Assert.Equal(2L * Rows, resumed.LastJson().GetProperty("rows_read").GetInt64());
        Assert.Empty(Directory.EnumerateDirectories(_folder["state/runs"], "stages", SearchOption.AllDirectories));
        Assert.Equal(["t"], Directory.EnumerateFileSystemEntries(_folder["lake"]).Select(Path.GetFileName));
        Assert.InRange(Directory.EnumerateFiles(_folder["lake/t"], "*.parquet", SearchOption.AllDirectories).Count(), 7, (Rows / 9000) + (2 * 7));
    }

    public void Dispose() => _folder.Dispose();

    private void Write()
    {
        using var database = DuckDbDatabase.Open();
        using var connection = database.Connect();
        connection.Execute($"COPY (SELECT (i * 7919) % 60000 AS k, i AS id, 'v' || i % 100 AS v FROM range({Rows}) AS t(i)) TO '{_folder["t.parquet"]}' (FORMAT parquet, ROW_GROUP_SIZE 20480)");
        connection.Execute($"COPY (SELECT (i * 104729) % {Rows} AS id, i % 1000 AS score FROM range({Rows}) AS t(i)) TO '{_folder["s.parquet"]}' (FORMAT parquet, ROW_GROUP_SIZE 20480)");
        File.WriteAllText(_folder["job.yaml"], Job(
            """
            join: {with: '@/s.parquet', on: [id], how: full}
                  - nest: {by: [k], as: items}
                  - map: "select k, len(items) as n, items from input"
            """));
    }

    private string Job(string steps, string more = "") =>
        $$"""
        source: @/t.parquet
        target: @/lake
        engine: local
        limits: {memory: 256MB, workers: 2}
        streams:
          t:
            partition: {rows: 40960}
            transform:
              - {{steps}}
        {{more}}
        """.Replace("@", _folder.Path, StringComparison.Ordinal);

    private void AssertResult() => AssertResult(
        $"SELECT k, count(*) AS n, list({{'id': id, 'v': v, 'score': score}} ORDER BY id) AS items FROM '{_folder["t.parquet"]}' JOIN '{_folder["s.parquet"]}' USING (id) GROUP BY k");

    private void AssertResult(string expected, string? folder = null)
    {
        using var database = DuckDbDatabase.Open();
        using var connection = database.Connect();
        var actual = $"SELECT *{(folder is null ? "" : $" EXCLUDE ({folder})")} FROM read_parquet('{_folder["lake/t"]}/**/*.parquet')";
        using var differences = connection.Query($"SELECT count(*) FROM ((({actual}) EXCEPT ALL ({expected})) UNION ALL (({expected}) EXCEPT ALL ({actual})))");
        Assert.True(differences.Read());
        Assert.Equal(0, differences.GetInt64(0));
    }
}
