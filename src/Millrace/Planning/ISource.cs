using System.Collections.Immutable;
using Millrace.Extract;
using Millrace.Jobs;
using Millrace.Runs;

namespace Millrace.Planning;

/// <summary>
/// One kind of system that rows come from. Stateless; it opens the two halves of itself: <see cref="ISource"/> in the
/// coordinator, <see cref="IUnitReader"/> in each worker.
/// </summary>
public interface ISourceConnector
{
    /// <summary>The connector's name, such as <c>postgres</c>: written to run directories, so it never changes.</summary>
    string Name { get; }

    /// <summary>Whether this connector reads addresses like this one; looks at the text only.</summary>
    bool Claims(string address);

    /// <summary>Whether all that an address names can be read as one table: files. A database has tables, of which a stream names one.</summary>
    bool ReadsWhole => false;

    /// <summary>The coordinator's half. Does no I/O yet. A malformed address is a <see cref="Faults.Fault"/>.</summary>
    ISource Open(SourceContext context);

    /// <summary>The worker's half. Does no I/O yet.</summary>
    IUnitReader OpenReader(SourceContext context);

    /// <summary>What keeps a run's moment when its coordinator is gone; null where there are no moments. Does no I/O yet.</summary>
    IMomentKeeper? OpenKeeper(SourceContext context) => null;
}

/// <summary>What a source is opened with.</summary>
public sealed record SourceContext
{
    /// <summary>The address with its secrets resolved: never log it, never write it.</summary>
    public required string Address { get; init; }

    /// <summary>Where the user wrote it, for errors.</summary>
    public required Mark Mark { get; init; }

    /// <summary>Where relative paths start.</summary>
    public required string BaseDirectory { get; init; }

    /// <summary>Connections that this process may have open to the source at once.</summary>
    public required int Connections { get; init; }

    /// <summary>Where the coordinator's half may keep what it can't read twice: the job's state folder. Null: the system's temporary folder.</summary>
    public string? ScratchFolder { get; init; }

    /// <summary>The most bytes that may be kept there: <c>limits.disk</c>; null: what the disk has.</summary>
    public long? DiskBytes { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}

/// <summary>
/// The coordinator's half of a source: looks, holds one moment, cuts into units. Calls come one at a time. Every error is a
/// <see cref="Faults.Fault"/> that names the source (without secrets) and the stream.
/// </summary>
public interface ISource : IAsyncDisposable
{
    /// <summary>The address for people: no secrets.</summary>
    string Place { get; }

    /// <summary>Connects and says what is there, such as "PostgreSQL 18.4". Used by <c>check</c>.</summary>
    ValueTask<string> CheckAsync(CancellationToken cancel);

    /// <summary>Streams that match a pattern (<c>public.*</c>, a glob), as they are found.</summary>
    IAsyncEnumerable<Discovered> DiscoverAsync(string pattern, CancellationToken cancel);

    /// <summary>
    /// Replaces streams whose name is a wildcard by those that match; a stream that is also written out keeps its own settings.
    /// Nothing matches: a fault with the stream's mark. Gives them in the order in which they are to be read: the biggest first where the
    /// source knows their sizes without reading.
    /// </summary>
    ValueTask<ImmutableArray<StreamJob>> ExpandAsync(ImmutableArray<StreamJob> streams, CancellationToken cancel);

    /// <summary>
    /// Takes the moment that all these streams are read at, and keeps it until this source is disposed. Called once, before the
    /// first <see cref="PlanAsync"/>. Does nothing where there is no such moment (files).
    /// </summary>
    ValueTask HoldAsync(ImmutableArray<StreamJob> streams, CancellationToken cancel);

    /// <summary>
    /// Takes a moment that a killed coordinator has left to a keeper, instead of a new one. False when nobody holds it any more, or where
    /// there is no such thing.
    /// </summary>
    ValueTask<bool> RejoinAsync(string moment, ImmutableArray<StreamJob> streams, CancellationToken cancel) => ValueTask.FromResult(false);

    /// <summary>The moment that is held, for a keeper; null when there is none.</summary>
    HeldMoment? Held => null;

    /// <summary>Inspects a stream and plans it. A column that can't be read is refused here, by name.</summary>
    ValueTask<StreamPlan> PlanAsync(StreamJob stream, PlanRequest request, CancellationToken cancel);

    /// <summary>
    /// Where an incremental load of a planned stream will end, at the moment that it is read at; null: the stream has no row, and never had one.
    /// </summary>
    /// <param name="stream">The stream, with its cursor and lag; its condition reads what <paramref name="window"/> says.</param>
    /// <param name="window">What the load reads.</param>
    /// <param name="cancel">Stops the looking.</param>
    /// <exception cref="Faults.Fault">This source can't tell before it is read.</exception>
    ValueTask<CursorEnd?> EndAsync(StreamJob stream, CursorWindow window, CancellationToken cancel) =>
        throw new Faults.Fault(Faults.FaultKind.JobFile, $"found mode: incremental into files, and {Place} can't tell the greatest {Faults.Words.Quote(stream.Cursor ?? "")} before it is read")
        {
            Side = Faults.FaultSide.Job, Where = stream.MarkOf("mode").ToString(), Advice = "Read from a database, or write to one.",
        };

    /// <summary>
    /// The source's names of the columns by which a row of a planned stream is known: a unique key that the source itself guards, else the key
    /// that the job names. Empty: none is known.
    /// </summary>
    ValueTask<ImmutableArray<string>> KeyAsync(StreamJob stream, CancellationToken cancel) => ValueTask.FromResult(stream.Partition.Key);

    /// <summary>
    /// Cuts a unit into parts that together read exactly what it reads, at the same moment, each row in exactly one of them; two as a
    /// rule. Works from the stream's header and the unit alone, so that a resumed run can do it, and takes its own results. May look at
    /// the source; parts are complementary whatever it finds there.
    /// Empty: it is at its floor (one row, one key value, one file that can't be cut) or the stream has nothing to cut by.
    /// </summary>
    /// <param name="header">The unit's stream.</param>
    /// <param name="unit">The unit, planned or made by this method.</param>
    /// <param name="cancel">Stops the looking.</param>
    ValueTask<ImmutableArray<PlannedUnit>> SplitAsync(StreamHeader header, Unit unit, CancellationToken cancel) =>
        ValueTask.FromResult(ImmutableArray<PlannedUnit>.Empty);
}

/// <summary>A stream that <c>discover</c> found.</summary>
public sealed record Discovered
{
    /// <summary>The name to write in a job file.</summary>
    public required string Name { get; init; }

    /// <summary>What it is in the source's words: table, view, partitioned table, CSV file.</summary>
    public required string Kind { get; init; }

    /// <summary>Estimated rows; null when unknown.</summary>
    public long? EstimatedRows { get; init; }

    /// <summary>Estimated bytes; null when unknown.</summary>
    public long? EstimatedBytes { get; init; }

    /// <summary>The columns as they would arrive in a Parquet target.</summary>
    public ImmutableArray<Column> Columns { get; init; } = [];
}
