using System.Collections.Concurrent;
using System.Collections.Immutable;
using Millrace.Connectors.Files.Target;
using Millrace.DuckDb;
using Millrace.Engines;
using Millrace.Jobs;
using Millrace.Jobs.Secrets;
using Millrace.Planning;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Testing;

namespace Millrace.Connectors.Tests.Recovery;

/// <summary>Moves the numbers of a <see cref="NumbersSource"/> to Parquet files on the whole data path, in this process, and hears what happens.</summary>
internal sealed class NumbersBench : IDisposable
{
    private readonly TempFolder _folder = new();
    private readonly Heard _heard = new();

    /// <summary>The clock of the runs.</summary>
    public TimeProvider Clock { get; init; } = new Impatient();

    /// <summary>Units at once, as the job says it; null: as many as there are processors.</summary>
    public string? Workers { get; init; }

    /// <summary>The rules that they must keep.</summary>
    public ImmutableArray<ExpectRule> Expect { get; init; } = [];

    /// <summary>Where the numbers go: a folder of tables, or one file.</summary>
    public string Target { get; init; } = "out";

    /// <summary>What has happened so far.</summary>
    public ConcurrentQueue<RunEvent> Events => _heard.Events;

    /// <summary>Whether the table is there.</summary>
    public bool IsPublished => Directory.Exists(_folder["out/numbers"]);

    /// <summary>What <see cref="Published"/> gives when the numbers from 0 on have all arrived.</summary>
    public static string Expected(long rows) => $"{rows} {rows * (rows - 1) / 2}";

    /// <summary>How many numbers were published, and their sum.</summary>
    public string Published()
    {
        using var database = DuckDbDatabase.Open();
        using var connection = database.Connect();
        using var result = connection.Query($"SELECT count(*) || ' ' || sum(n) FROM read_parquet('{_folder["out/numbers"]}/*.parquet')");
        Assert.True(result.Read());
        return result.GetText(0)!;
    }

    /// <summary>The path of something below the bench's folder.</summary>
    public string this[string name] => _folder[name];

    /// <summary>Runs the job.</summary>
    /// <param name="source">Its source.</param>
    /// <param name="sets">What <c>--set</c> says.</param>
    public Task<RunSummary> RunAsync(NumbersSource source, params string[] sets) =>
        new DataPath(Options(source)).RunAsync(TheJob(sets), TestContext.Current.CancellationToken);

    /// <summary>Plans the job.</summary>
    public async Task<InspectedStream> PlanAsync(NumbersSource source, params string[] sets)
    {
        var plans = new List<InspectedStream>();
        await foreach (var plan in new JobInspection(Options(source)).PlanAsync(TheJob(sets), TestContext.Current.CancellationToken)) plans.Add(plan);
        return Assert.Single(plans);
    }

    /// <summary>Runs the job until somebody stops it.</summary>
    public Task<RunSummary> RunAsync(NumbersSource source, CancellationToken stop) => new DataPath(Options(source)).RunAsync(TheJob([]), stop);

    /// <summary>Goes on with the latest run.</summary>
    public Task<RunSummary> ResumeAsync(NumbersSource source, params string[] sets)
    {
        var run = RunList.LatestUnfinished(_folder["state"]);
        return new DataPath(Options(source)).ResumeAsync(run, TheJob(sets), TestContext.Current.CancellationToken);
    }

    /// <summary>Cancels the latest run for good.</summary>
    public Task CancelAsync(NumbersSource source) =>
        new RunCancellation(Options(source)).CancelAsync(RunList.LatestUnfinished(_folder["state"]), TheJob([]), TestContext.Current.CancellationToken);

    public void Dispose() => _folder.Dispose();

    private Job TheJob(string[] sets)
    {
        var job = JobReader.ReadShortForm(
            new JobOverrides { From = "numbers", To = Target, Streams = ["numbers"], State = _folder["state"], Workers = Workers, Sets = [.. sets] }, _folder.Path).Job!;
        return job with { Streams = [.. job.Streams.Select(stream => stream with { Expect = Expect })] };
    }

    private RunOptions Options(NumbersSource source) => new()
    {
        Connectors = new KnownConnectors([source], [new FileTargetConnector()]),
        Secrets = new SecretResolver(new Redactor(), _folder.Path),
        Observer = _heard,
        Worker = new WorkerCommand("none", [], ImmutableDictionary<string, string>.Empty),
        Clock = Clock,
    };

    private sealed class Heard : IRunObserver
    {
        public ConcurrentQueue<RunEvent> Events { get; } = new();

        public void On(RunEvent happened) => Events.Enqueue(happened);
    }

    /// <summary>Waits before another attempt are over at once; what is done again and again keeps its pace.</summary>
    private sealed class Impatient : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, period == Timeout.InfiniteTimeSpan ? TimeSpan.Zero : dueTime, period);
    }
}
