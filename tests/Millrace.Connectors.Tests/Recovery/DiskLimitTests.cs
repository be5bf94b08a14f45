using System.Collections.Concurrent;
using Millrace.Connectors.Tests.Files;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Testing;

namespace Millrace.Connectors.Tests.Recovery;

/// <summary>A sort that does not fit the memory, behind buckets: what they take on disk and what the sort spills are one sum under <c>limits.disk</c>.</summary>
public sealed class DiskLimitTests : IRunObserver, IDisposable
{
    private const string Rows = "SELECT i AS id, (i * 7919) % 1000000 AS place, i % 3 AS k FROM range(1000000) AS t(i)";

    // A third of it is left when it is packed; in memory it is more than DuckDB has.
    private const string Wide = "select *, repeat(md5(id::varchar) || md5((id + 1)::varchar) || md5((id + 2)::varchar), 3) as wide from input";

    private readonly TempFolder _folder = new();
    private readonly ConcurrentDictionary<string, bool> _spilled = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<RunEvent> _events = new();
    private long _mostSpilled;

    public DiskLimitTests()
    {
        using var database = DuckDbDatabase.Open();
        using var connection = database.Connect();
        connection.Execute($"COPY ({Rows}) TO '{_folder["rows.parquet"]}' (FORMAT parquet)");
        connection.Execute($"COPY (SELECT i AS k, 'name ' || i AS name FROM range(3) AS t(i)) TO '{_folder["few.parquet"]}' (FORMAT parquet)");
    }

    [Fact]
    public async Task What_is_staged_and_what_is_spilled_are_one_sum_under_the_limit()
    {
        const long most = 160L << 20;
        var little = await RunAsync("160MB");
        var fault = Assert.Single(little.Faults);
        Assert.Equal((FaultKind.Limit, 5, RunStatus.Failed), (fault.Kind, fault.ExitCode, little.Status));
        Assert.Contains("limits.disk", fault.Describe(), StringComparison.Ordinal);
        Assert.Contains("spill", fault.Message, StringComparison.Ordinal);
        Assert.Contains("resume --set limits.disk", fault.Advice, StringComparison.Ordinal);

        // Its buckets and results are kept for whoever resumes, what was spilled is not.
        var run = RunList.LatestUnfinished(_folder["state"]);
        Assert.NotEmpty(Below(run.Path, "0*.json"));
        Assert.InRange(Below(run.Path, "*.buckets").Sum(static file => file.Length), 1, most);
        Assert.Empty(Below(run.Path, "duckdb_temp*"));
        var units = _events.OfType<UnitFinished>().Count();
        var enough = await new DataPath(Options).ResumeAsync(run, TheJob("400MB"), TestContext.Current.CancellationToken);
        Assert.Empty(enough.Faults);
        Assert.Equal(1_000_000, enough.RowsWritten);
        Assert.Equal(units + 1, _events.OfType<UnitFinished>().Count());
        Assert.InRange(StagedBytes, 1, most);
        Assert.True(StagedBytes + _mostSpilled > most, $"{_mostSpilled} bytes were spilled");
        AssertNoLitter("few.parquet", "out.parquet", "rows.parquet", "state");

        // No two databases share a folder.
        Assert.All(_spilled.Keys, static folder => Assert.Matches($"^{Environment.ProcessId}-[0-9]+$", folder));
        Assert.True(_spilled.Count > 1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_run_whose_spill_passes_the_limit_is_stopped_and_keeps_what_is_done_until_it_is_cancelled(bool isCancelled)
    {
        using var bench = new NumbersBench { Workers = "1", Clock = new Watchful() };
        var spilling = true;
        var source = new NumbersSource(100_000, perUnit: 10_000, static (_, _) => null, waits: async (from, _, cancel) =>
        {
            if (from < 50_000 || !spilling) return;
            Plant(bench, (64L << 20) - 1024);
            await Task.Delay(TimeSpan.FromSeconds(5), cancel);
        });
        var stopped = await bench.RunAsync(source, "limits.disk=64MB", "engine=inproc");
        var fault = Assert.Single(stopped.Faults);
        Assert.Equal((FaultKind.Limit, "limits.disk", RunStatus.Failed), (fault.Kind, fault.Where, stopped.Status));
        Assert.Matches(@"^the run has 671\d{5} bytes on disk, [\d.]+ KB staged and 64 MB spilled, and limits\.disk is 67108864$", fault.Message);
        Assert.False(bench.IsPublished);
        Assert.Empty(new DirectoryInfo(bench["state"]).EnumerateDirectories("spill", SearchOption.AllDirectories));

        if (isCancelled)
        {
            Assert.NotEmpty(Below(bench[""], "*.parquet"));
            await bench.CancelAsync(source);
            Assert.Empty(Below(bench[""], "*.parquet"));
            Assert.Equal(["state"], Directory.EnumerateFileSystemEntries(bench[""]).Select(Path.GetFileName));
            return;
        }

        spilling = false;
        var attempts = source.Attempts;
        Assert.Empty((await bench.ResumeAsync(source, "limits.disk=64MB", "engine=inproc")).Faults);

        // The fifth was perhaps not durable yet.
        Assert.InRange(source.Attempts - attempts, 5, 6);
        Assert.Equal(NumbersBench.Expected(100_000), bench.Published());
    }

    void IRunObserver.On(RunEvent happened)
    {
        _events.Enqueue(happened);
        if (happened is not ProgressSample || !Directory.Exists(_folder["state/runs"])) return;
        long now = 0;
        foreach (var file in new DirectoryInfo(_folder["state/runs"]).EnumerateFiles("duckdb_temp*", new EnumerationOptions { RecurseSubdirectories = true }))
        {
            _spilled[file.Directory!.Name] = true;
            try
            {
                now += file.Length;
            }
            catch (IOException)
            {
                // It has just gone.
            }
        }

        _mostSpilled = Math.Max(_mostSpilled, now);
    }

    public void Dispose() => _folder.Dispose();

    private long StagedBytes => _events.OfType<UnitFinished>().Sum(static unit => unit.BytesWritten);

    private static FileInfo[] Below(string path, string pattern) => new DirectoryInfo(path).GetFiles(pattern, SearchOption.AllDirectories);

    private static void Plant(NumbersBench bench, long bytes)
    {
        var run = Assert.Single(Directory.GetDirectories(bench["state/runs"]));
        var folder = Directory.CreateDirectory(Path.Combine(run, "spill", "1-1"));
        using var file = File.Create(Path.Combine(folder.FullName, "duckdb_temp_storage_DEFAULT-0.tmp"));
        file.SetLength(bytes);
    }

    /// <summary>Nothing beside these and the record of the runs: no staged file, no bucket, no spill.</summary>
    private void AssertNoLitter(params string[] kept)
    {
        Assert.Equal(kept, Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        Assert.All(Below(_folder["state"], "*"), static file => Assert.Contains(file.Extension, (string[])[".json", ".ndjson", ".lock", ".holder", ""]));
        Assert.Empty(new DirectoryInfo(_folder["state"]).EnumerateDirectories("spill", SearchOption.AllDirectories));
    }

    private RunOptions Options => FileRuns.Options(_folder) with { Observer = this, Clock = new Watchful() };

    private Task<RunSummary> RunAsync(string disk) => new DataPath(Options).RunAsync(TheJob(disk), TestContext.Current.CancellationToken);

    private Job TheJob(string disk)
    {
        var reading = JobReader.ReadText(
            "job.yaml",
            $$"""
            name: sort
            source: {{_folder.Path}}
            target: {{_folder["out.parquet"]}}
            engine: inproc
            limits: {memory: 128MB, workers: 1, disk: {{disk}}}
            streams:
              rows.parquet:
                proof: counts
                transform:
                  - map: "{{Wide}}"
                  - join: {with: '{{_folder["few.parquet"]}}', on: [k]}
                write: {cluster_by: [place]}
            """,
            new JobOverrides { State = _folder["state"] },
            _folder.Path);
        Assert.True(reading.Job is not null, string.Join('\n', reading.Faults.Select(static fault => fault.Describe())));
        return reading.Job;
    }

    /// <summary>Looks more often, since the runs are short.</summary>
    private sealed class Watchful : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime / 25, period == Timeout.InfiniteTimeSpan ? period : period / 25);
    }
}
