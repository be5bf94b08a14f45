using Millrace.Jobs;
using Millrace.Load;
using Millrace.Runs;
using Millrace.Worker;

namespace Millrace.Planning;

/// <summary>A job's two ends, open in the coordinator, with the addresses that workers will need.</summary>
internal sealed class JobEnds : IAsyncDisposable
{
    private JobEnds(ISource source, ITarget target, string sourceAddress, string targetAddress)
    {
        Source = source;
        Target = target;
        SourceAddress = sourceAddress;
        TargetAddress = targetAddress;
    }

    /// <summary>Where rows come from.</summary>
    public ISource Source { get; }

    /// <summary>Where rows go.</summary>
    public ITarget Target { get; }

    /// <summary>With its secrets: goes to workers over a pipe and nowhere else.</summary>
    public string SourceAddress { get; }

    /// <summary>With its secrets: goes to workers over a pipe and nowhere else.</summary>
    public string TargetAddress { get; }

    /// <summary>Opens both. Does no I/O yet.</summary>
    public static JobEnds Open(Job job, RunOptions options)
    {
        var sourceAddress = options.Secrets.Resolve(job.Source).Reveal();
        var targetAddress = options.Secrets.Resolve(job.Target).Reveal();
        var source = options.Connectors.SourceFor(sourceAddress, job.Source.Mark).Open(new SourceContext
        {
            Address = sourceAddress,
            Mark = job.Source.Mark,
            BaseDirectory = job.BaseDirectory,
            Connections = 1,
            ScratchFolder = Path.GetFullPath(job.StatePath),
            DiskBytes = job.Limits.DiskBytes,
            Clock = options.Clock,
        });
        return new JobEnds(source, OpenTarget(job, options), sourceAddress, targetAddress);
    }

    /// <summary>Opens the target alone. Does no I/O yet.</summary>
    public static ITarget OpenTarget(Job job, RunOptions options)
    {
        var address = options.Secrets.Resolve(job.Target).Reveal();
        return options.Connectors.TargetFor(address, job.Target.Mark).Open(new TargetContext
        {
            Address = address,
            Mark = job.Target.Mark,
            Format = job.Format,
            BaseDirectory = job.BaseDirectory,
            Connections = 1,
            Clock = options.Clock,
        });
    }

    /// <summary>What the source must know to plan a stream of a run with this budget.</summary>
    public PlanRequest RequestOf(Budget budget) => new() { Target = Target.Traits, Workers = budget.Lanes, OneUnit = Target.OneFile };

    /// <summary>What a process must know to read and write these ends.</summary>
    /// <param name="job">The job.</param>
    /// <param name="directory">Its run.</param>
    /// <param name="budget">The job's limits, divided.</param>
    /// <param name="epoch">The coordinator's fencing number; 0 where nothing is written.</param>
    /// <param name="engine">Who runs the units: its processes share lanes and pace.</param>
    public WorkerSettings SettingsOf(Job job, RunDirectory directory, Budget budget, int epoch, EngineChoice engine) => new()
    {
        RunDirectory = directory.Path,
        Epoch = epoch,
        Source = SourceAddress,
        Target = TargetAddress,
        Format = job.Format,
        BaseDirectory = job.BaseDirectory,
        Lanes = budget.LanesPerProcess(engine),
        Connections = budget.ConnectionsPerProcess,
        TargetConnections = budget.TargetConnectionsPerProcess,
        RowsPerSecond = Share(job.Limits.SourceRowsPerSecond, budget.ProcessesOf(engine)),
        BytesPerSecond = Share(job.Limits.SourceBytesPerSecond, budget.ProcessesOf(engine)),
        DuckDbBytes = budget.DuckDbBytes,
        SpillBytes = job.Limits.DiskBytes,
    };

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync().ConfigureAwait(false);
        await Target.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>A process's share of what all together may read in a second; never nothing.</summary>
    private static long? Share(long? perSecond, int processes) => perSecond is { } all ? Math.Max(1, all / processes) : null;
}
