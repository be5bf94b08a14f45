using System.Collections.Immutable;
using Millrace.Extract;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Keeper;
using Millrace.Load;
using Millrace.Planning;
using Millrace.Runs;
using Millrace.Transform;
using Millrace.Worker;

namespace Millrace;

/// <summary>The systems that this Millrace knows. The first that claims an address gets it.</summary>
/// <param name="Sources">Where rows can come from.</param>
/// <param name="Targets">Where rows can go.</param>
public sealed record KnownConnectors(ImmutableArray<ISourceConnector> Sources, ImmutableArray<ITargetConnector> Targets)
{
    /// <summary>The connector for a source's address.</summary>
    /// <exception cref="Fault">Nobody claims it.</exception>
    public ISourceConnector SourceFor(string address, Mark mark)
    {
        foreach (var connector in Sources)
        {
            if (connector.Claims(address)) return connector;
        }

        throw NobodyClaims(address, mark, "source", string.Join(", ", Sources.Select(connector => connector.Name)));
    }

    /// <summary>What lookups can ask.</summary>
    public ImmutableArray<ILookupConnector> Lookups { get; init; } = [];

    /// <summary>Where rows between stages can lie beside the run directory.</summary>
    public ImmutableArray<IShuffleConnector> Shuffles { get; init; } = [];

    /// <summary>The connector for a target's address.</summary>
    /// <exception cref="Fault">Nobody claims it.</exception>
    public ITargetConnector TargetFor(string address, Mark mark)
    {
        foreach (var connector in Targets)
        {
            if (connector.Claims(address)) return connector;
        }

        throw NobodyClaims(address, mark, "target", string.Join(", ", Targets.Select(connector => connector.Name)));
    }

    /// <summary>A store that lookups ask. Does no I/O yet.</summary>
    /// <exception cref="Fault">Nobody can ask it.</exception>
    public ILookupStore OpenLookup(SourceContext context)
    {
        foreach (var connector in Lookups)
        {
            if (connector.Claims(context.Address)) return connector.OpenLookup(context);
        }

        throw NobodyClaims(context.Address, context.Mark, "store of a lookup", string.Join(", ", Lookups.Select(connector => connector.Name)));
    }

    /// <summary>A store for rows between stages. Does no I/O yet.</summary>
    /// <exception cref="Fault">Nobody knows it, or its address is wrong.</exception>
    public IShuffleStore OpenShuffle(ShuffleContext context)
    {
        foreach (var connector in Shuffles)
        {
            if (connector.Claims(context.Address)) return connector.Open(context);
        }

        throw NobodyClaims(context.Address, context.Mark, "place for rows between stages", string.Join(", ", Shuffles.Select(connector => connector.Name)));
    }

    /// <summary>The worker's halves of source and target, as one runner.</summary>
    public UnitRunner OpenRunner(WorkerSettings settings, TimeProvider clock)
    {
        var target = TargetOf(settings, clock);
        var directory = RunDirectory.OpenPath(settings.RunDirectory);
        var lookups = new LookupDesk(
            store => OpenLookup(ContextOf(settings.Stores[store], settings.BaseDirectory, settings.Connections, clock)), Math.Min(settings.Lanes, settings.Connections));
        var shuffle = settings.Shuffle is { } address ? OpenShuffle(new ShuffleContext(address, new Mark("shuffle"))) : null;
        var ends = new UnitEnds(
            new BucketPlace(directory, shuffle, settings.ShuffleAheadBytes), OpenReader(settings, clock), TargetFor(target.Address, target.Mark).OpenWriter(target), side => OpenReader(settings with { Source = settings.Sides[side] }, clock), lookups) { Shuffle = shuffle };
        return new UnitRunner(settings, directory, ends, clock);
    }

    /// <summary>The worker's half of the source alone.</summary>
    public IUnitReader OpenReader(WorkerSettings settings, TimeProvider clock)
    {
        var source = ContextOf(settings.Source, settings.BaseDirectory, settings.Connections, clock);
        return SourceFor(source.Address, source.Mark).OpenReader(source);
    }

    /// <summary>What a run has published of a stream.</summary>
    /// <exception cref="Fault">A target of this kind can't be read again.</exception>
    public IPublishedReader OpenPublished(WorkerSettings settings, StreamHeader header, WriteMode mode, TimeProvider clock)
    {
        var target = TargetOf(settings, clock);
        return TargetFor(target.Address, target.Mark).OpenPublished(target, header, mode);
    }

    /// <summary>What keeps a moment of a source in a process of its own; null where the source has no moments.</summary>
    public IMomentKeeper? OpenKeeper(KeeperSettings settings, TimeProvider clock)
    {
        var source = ContextOf(settings.Source, settings.BaseDirectory, connections: 1, clock);
        return SourceFor(source.Address, source.Mark).OpenKeeper(source);
    }

    /// <summary>A source as a process beside the coordinator opens it.</summary>
    private static SourceContext ContextOf(string address, string baseDirectory, int connections, TimeProvider clock) =>
        new() { Address = address, Mark = new Mark("source"), BaseDirectory = baseDirectory, Connections = connections, Clock = clock };

    private static TargetContext TargetOf(WorkerSettings settings, TimeProvider clock) =>
        new()
        {
            Address = settings.Target,
            Mark = new Mark("target"),
            Format = settings.Format,
            BaseDirectory = settings.BaseDirectory,
            Connections = settings.TargetConnections,
            Clock = clock,
        };

    // The scheme is said, the rest is not: it may hold a password.
    private static Fault NobodyClaims(string address, Mark mark, string role, string known)
    {
        var colon = address.IndexOf("://", StringComparison.Ordinal);
        var found = colon < 0 ? "this address" : $"the scheme {address[..colon]}://";
        return new Fault(FaultKind.JobFile, $"no connector knows {found} as a {role}")
        {
            Side = FaultSide.Job,
            Where = mark.ToString(),
            Advice = $"Known as a {role}: {known}.",
        };
    }
}
