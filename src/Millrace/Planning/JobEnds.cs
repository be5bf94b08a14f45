using System.Collections.Immutable;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Load;
using Millrace.Runs;
using Millrace.Transform;
using Millrace.Worker;

namespace Millrace.Planning;

/// <summary>A job's two ends, open in the coordinator, with the addresses that workers will need.</summary>
internal sealed class JobEnds : IAsyncDisposable
{
    private readonly ImmutableArray<(ISource Source, string Address)> _sides;

    private JobEnds(ISource source, ITarget target, string sourceAddress, string targetAddress, JoinSides joinSides, ImmutableArray<(ISource Source, string Address)> sides, LookupStores lookups)
    {
        Lookups = lookups;
        JoinSides = joinSides;
        _sides = sides;
        Source = source;
        Target = target;
        SourceAddress = sourceAddress;
        TargetAddress = targetAddress;
    }

    /// <summary>Where rows come from.</summary>
    public ISource Source { get; }

    /// <summary>Where rows go.</summary>
    public ITarget Target { get; }

    /// <summary>What the job's joins read besides.</summary>
    public JoinSides JoinSides { get; }

    /// <summary>What its lookups ask.</summary>
    public LookupStores Lookups { get; }

    /// <summary>The other sources that they read, by their numbers.</summary>
    public ImmutableArray<ISource> Sides => [.. _sides.Select(static side => side.Source)];

    /// <summary>With its secrets: goes to workers over a pipe and nowhere else.</summary>
    public string SourceAddress { get; }

    /// <summary>With its secrets: goes to workers over a pipe and nowhere else.</summary>
    public string TargetAddress { get; }

    /// <summary>The store that rows between stages lie on; null: the run directory.</summary>
    public IShuffleStore? Shuffle { get; private init; }

    /// <summary>Its address.</summary>
    private string? ShuffleAddress { get; init; }

    /// <summary>Where a run's rows between stages lie.</summary>
    public BucketPlace BucketsOf(RunDirectory run) => new(run, Shuffle);

    /// <summary>Opens both. Does no I/O yet.</summary>
    public static JobEnds Open(Job job, RunOptions options)
    {
        var (source, sourceAddress) = OpenSource(job, job.Source, options);
        var targetAddress = options.Secrets.Resolve(job.Target).Reveal();
        var shuffle = ShuffleOf(job, options);
        var joinSides = new JoinSides(job.Streams);
        return new JobEnds(source, OpenTarget(job, options), sourceAddress, targetAddress, joinSides, [.. joinSides.Sources.Select((_, number) => OpenSide(job, joinSides, number, options))], LookupStores.Open(job, options))
        {
            Shuffle = shuffle is null ? null : options.Connectors.OpenShuffle(shuffle),
            ShuffleAddress = shuffle?.Address,
        };
    }

    /// <summary>
    /// Takes the moment that streams are read at, those that they join among them, and a moment of each other source; see <see cref="ISource.HoldAsync"/>.
    /// </summary>
    /// <param name="unread">The streams that are to be read.</param>
    /// <param name="isHeld">True: the job's own source already holds its moment.</param>
    /// <param name="cancel">Stops it.</param>
    public async ValueTask HoldAsync(ImmutableArray<StreamJob> unread, bool isHeld, CancellationToken cancel)
    {
        if (!isHeld) await Source.HoldAsync(WithJoined(unread), cancel).ConfigureAwait(false);
        for (var number = 0; number < _sides.Length; number++) await _sides[number].Source.HoldAsync(JoinSides.StreamsOf(number), cancel).ConfigureAwait(false);
    }

    /// <summary>Streams, and those that they join.</summary>
    public ImmutableArray<StreamJob> WithJoined(ImmutableArray<StreamJob> streams) =>
        [.. streams.Concat(streams.SelectMany(JoinSides.JoinedStreams)).DistinctBy(static stream => stream.Name)];

    /// <summary>Takes the streams in place of those with wildcards.</summary>
    public void Expanded(ImmutableArray<StreamJob> streams) => JoinSides.Take(streams);

    /// <summary>What kind of source a secret names is seen when it is resolved: a database without a table is a mistake of the job.</summary>
    private static (ISource Source, string Address) OpenSide(Job job, JoinSides sides, int number, RunOptions options)
    {
        var endpoint = sides.Sources[number];
        var opened = OpenSource(job, endpoint, options);
        var whole = sides.StreamsOf(number).FirstOrDefault(static stream => stream.IsWholeSource);
        if (whole is null || options.Connectors.SourceFor(opened.Address, endpoint.Mark).ReadsWhole) return opened;
        throw new Fault(FaultKind.JobFile, $"found {Words.Quote(endpoint.Text)}, which is a database, expected its table as well")
        {
            Side = FaultSide.Job, Where = whole.Mark.ToString(), Advice = "Add the table that is joined, such as stream: public.customers.",
        };
    }

    private static (ISource Source, string Address) OpenSource(Job job, Endpoint endpoint, RunOptions options)
    {
        var address = options.Secrets.Resolve(endpoint).Reveal();
        var source = options.Connectors.SourceFor(address, endpoint.Mark).Open(new SourceContext
        {
            Address = address,
            Mark = endpoint.Mark,
            BaseDirectory = job.BaseDirectory,
            Connections = 1,
            ScratchFolder = Path.GetFullPath(job.StatePath),
            DiskBytes = job.Limits.DiskBytes,
            Clock = options.Clock,
        });
        return (source, address);
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

    /// <summary>Opens the store that rows between stages lie on; null: the job names none. Does no I/O yet.</summary>
    public static IShuffleStore? OpenShuffle(Job job, RunOptions options) => ShuffleOf(job, options) is { } shuffle ? options.Connectors.OpenShuffle(shuffle) : null;

    private static ShuffleContext? ShuffleOf(Job job, RunOptions options) =>
        job.Shuffle is { } shuffle ? new ShuffleContext(options.Secrets.Resolve(shuffle).Reveal(), shuffle.Mark) : null;

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
        Sides = [.. _sides.Select(static side => side.Address)],
        Stores = Lookups.Addresses,
        Target = TargetAddress,
        Shuffle = ShuffleAddress,
        Format = job.Format,
        BaseDirectory = job.BaseDirectory,
        Lanes = budget.LanesPerProcess(engine),
        Connections = budget.ConnectionsPerProcess,
        TargetConnections = budget.TargetConnectionsPerProcess,
        RowsPerSecond = Share(job.Limits.SourceRowsPerSecond, budget.ProcessesOf(engine)),
        BytesPerSecond = Share(job.Limits.SourceBytesPerSecond, budget.ProcessesOf(engine)),
        DuckDbBytes = Lookups.Rest(budget, budget.DuckDbBytesOf(engine), Limits.DuckDbBytesMin),
        DuckDbBytesAlone = Lookups.Rest(budget, budget.DuckDbBytesAlone, Limits.DuckDbBytesAloneMin),
        SpillBytes = job.Limits.DiskBytes,
    };

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync().ConfigureAwait(false);
        foreach (var (side, _) in _sides) await side.DisposeAsync().ConfigureAwait(false);
        await Lookups.DisposeAsync().ConfigureAwait(false);
        await Target.DisposeAsync().ConfigureAwait(false);
        if (Shuffle is not null) await Shuffle.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>A process's share of what all together may read in a second; never nothing.</summary>
    private static long? Share(long? perSecond, int processes) => perSecond is { } all ? Math.Max(1, all / processes) : null;
}
