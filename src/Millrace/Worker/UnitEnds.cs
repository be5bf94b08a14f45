using System.Collections.Concurrent;
using Millrace.Extract;
using Millrace.Load;
using Millrace.Runs;
using Millrace.Transform;

namespace Millrace.Worker;

/// <summary>Where a worker's units come from and go to: the job's source and target, its joins' other sources, and the buckets between stages. Thread safe.</summary>
public sealed class UnitEnds : IAsyncDisposable
{
    private readonly IUnitReader _source;
    private readonly IUnitWriter _target;
    private readonly Func<int, IUnitReader> _openSide;
    private readonly ConcurrentDictionary<int, Lazy<IUnitReader>> _sides = new();
    private readonly BucketUnitReader _bucketReader;
    private readonly BucketUnitWriter _bucketWriter;

    /// <summary>The ends of a worker's units; it disposes them.</summary>
    /// <param name="buckets">Where the rows between stages lie.</param>
    /// <param name="source">The job's source.</param>
    /// <param name="target">The job's target.</param>
    /// <param name="openSide">Opens one of the job's other sources, by its number; does no I/O yet.</param>
    /// <param name="lookups">What its lookups ask.</param>
    internal UnitEnds(BucketPlace buckets, IUnitReader source, IUnitWriter target, Func<int, IUnitReader> openSide, LookupDesk lookups)
    {
        Lookups = lookups;
        _source = source;
        _target = target;
        _openSide = openSide;
        Buckets = new BucketStore(buckets);
        _bucketReader = new BucketUnitReader(Buckets);
        _bucketWriter = new BucketUnitWriter(Buckets);
    }

    /// <summary>The store that rows between stages lie on, which goes with these ends; null: the run directory.</summary>
    internal IShuffleStore? Shuffle { get; init; }

    /// <summary>What lookups ask.</summary>
    internal LookupDesk Lookups { get; }

    /// <summary>The buckets between stages.</summary>
    internal BucketStore Buckets { get; }

    /// <summary>Who reads a stage's units.</summary>
    public IUnitReader ReaderOf(StreamHeader header) => header.Stage switch
    {
        { Buckets.IsEmpty: false } => _bucketReader,
        { Source: { } side } => _sides.GetOrAdd(side, number => new Lazy<IUnitReader>(() => _openSide(number))).Value,
        _ => _source,
    };

    /// <summary>Who writes what they give.</summary>
    public IUnitWriter WriterOf(StreamHeader header) => header.Stage?.Output is null ? _target : _bucketWriter;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _source.DisposeAsync().ConfigureAwait(false);
        await _target.DisposeAsync().ConfigureAwait(false);
        await Lookups.DisposeAsync().ConfigureAwait(false);
        if (Shuffle is not null) await Shuffle.DisposeAsync().ConfigureAwait(false);
        foreach (var side in _sides.Values)
        {
            if (side.IsValueCreated) await side.Value.DisposeAsync().ConfigureAwait(false);
        }
    }
}
