using Millrace.Connectors.Tests.Files;
using Millrace.DuckDb;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Testing;
using Millrace.Transform;

namespace Millrace.Connectors.Tests.Transform;

/// <summary>Runs jobs with steps from Parquet files to Parquet, and compares what they give with DuckDB's own answer over the same files.</summary>
internal sealed class TransformBench : IDisposable, IRunObserver
{
    private readonly DuckDbDatabase _database = DuckDbDatabase.Open();
    private readonly DuckDbConnection _connection;

    public TransformBench() => _connection = _database.Connect();

    public TempFolder Folder { get; } = new();

    /// <summary>From which size on rows are cut.</summary>
    public StageBounds Bounds { get; set; } = new();

    /// <summary>What a test wants otherwise.</summary>
    public Func<RunOptions, RunOptions> Adjust { get; set; } = static options => options;

    /// <summary>What happened in all runs.</summary>
    public List<RunEvent> Events { get; } = [];

    /// <summary>Writes a file of a source.</summary>
    public void Write(string name, string select, int rowGroupRows = 2048) =>
        _connection.Execute($"COPY ({select}) TO '{Folder[name]}' (FORMAT parquet, ROW_GROUP_SIZE {rowGroupRows})");

    /// <summary>Runs a job file; the placeholders <c>@</c> in it are the folder.</summary>
    public Task<RunSummary> TryRunAsync(string yaml, params string[] sets) => TryRunAsync(yaml, TestContext.Current.CancellationToken, sets);

    /// <summary>Runs a job file until it is cancelled.</summary>
    public async Task<RunSummary> TryRunAsync(string yaml, CancellationToken cancel, params string[] sets)
    {
        return await new DataPath(Adjust(FileRuns.Options(Folder) with { Stages = Bounds, Observer = this })).RunAsync(Read(yaml, sets), cancel);
    }

    /// <summary>The plan of a job's first stream.</summary>
    public async Task<StreamPlan> PlanAsync(string yaml)
    {
        await foreach (var stream in new JobInspection(FileRuns.Options(Folder)).PlanAsync(Read(yaml), TestContext.Current.CancellationToken))
            return stream.Plan ?? throw stream.Fault!;
        throw new InvalidOperationException("the job has no stream");
    }

    /// <summary>Hears what happens while it does.</summary>
    public Action<RunEvent> Hears { get; set; } = static _ => { };

    /// <summary>Goes on with the only run that there is.</summary>
    public Task<RunSummary> ResumeAsync(string yaml) => new DataPath(Adjust(FileRuns.Options(Folder) with { Stages = Bounds, Observer = this })).ResumeAsync(
        RunDirectory.OpenPath(Assert.Single(Directory.GetDirectories(Folder["state/runs"]))), Read(yaml), TestContext.Current.CancellationToken);

    void IRunObserver.On(RunEvent happened)
    {
        Events.Add(happened);
        Hears(happened);
    }

    /// <summary>Runs a job file that must succeed.</summary>
    public async Task<RunSummary> RunAsync(string yaml, params string[] sets)
    {
        var summary = await TryRunAsync(yaml, sets);
        Assert.True(summary.Status == RunStatus.Succeeded, string.Join('\n', summary.Faults.Select(static fault => fault.Describe())));
        return summary;
    }

    private Job Read(string yaml, params string[] sets)
    {
        var reading = JobReader.ReadText("job.yaml", yaml.Replace("@", Folder.Path, StringComparison.Ordinal), new JobOverrides { State = Folder["state"], Sets = [.. sets] }, Folder.Path);
        Assert.True(reading.Job is not null, string.Join('\n', reading.Faults.Select(static fault => fault.Describe())));
        return reading.Job;
    }

    /// <summary>Asserts that a table has just the rows of a query; <c>@</c> in it is the folder.</summary>
    public void AssertRows(string table, string expected)
    {
        var actual = $"SELECT * FROM read_parquet('{Folder[table]}/**/*.parquet')";
        expected = expected.Replace("@", Folder.Path, StringComparison.Ordinal);
        Assert.Equal(Texts($"DESCRIBE {expected}"), Texts($"DESCRIBE {actual}"));
        Assert.Equal("0", Texts($"SELECT count(*) FROM (({expected}) EXCEPT ALL ({actual}))")[0]);
        Assert.Equal("0", Texts($"SELECT count(*) FROM (({actual}) EXCEPT ALL ({expected}))")[0]);
    }

    /// <summary>The first column of a query's rows.</summary>
    public List<string> Texts(string sql)
    {
        var texts = new List<string>();
        var select = sql.StartsWith("DESCRIBE", StringComparison.Ordinal) ? $"SELECT column_name || ' ' || column_type FROM ({sql})" : $"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ({sql})";
        using var result = _connection.Query(select.Replace("@", Folder.Path, StringComparison.Ordinal));
        while (result.Read()) texts.Add(result.GetText(0) ?? "NULL");
        return texts;
    }

    /// <summary>Does something in DuckDB; <c>@</c> is the folder.</summary>
    public void Execute(string sql) => _connection.Execute(sql.Replace("@", Folder.Path, StringComparison.Ordinal));

    public void Dispose()
    {
        _connection.Dispose();
        _database.Dispose();
        Folder.Dispose();
    }
}
