using Millrace.Jobs;
using Millrace.Load;

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
            ScratchFolder = Path.GetFullPath(Path.Combine(job.BaseDirectory, job.State)),
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
            Clock = options.Clock,
        });
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync().ConfigureAwait(false);
        await Target.DisposeAsync().ConfigureAwait(false);
    }
}
