using System.Collections.Immutable;
using Millrace.Commit;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Load;

/// <summary>
/// One kind of system that rows go to. Stateless; it opens the two halves of itself: <see cref="ITarget"/> in the coordinator,
/// <see cref="IUnitWriter"/> in each worker.
/// </summary>
public interface ITargetConnector
{
    /// <summary>The connector's name, such as <c>files</c>.</summary>
    string Name { get; }

    /// <summary>Whether this connector writes to addresses like this one; looks at the text only.</summary>
    bool Claims(string address);

    /// <summary>The coordinator's half. Does no I/O yet. A malformed address is a <see cref="Fault"/>.</summary>
    ITarget Open(TargetContext context);

    /// <summary>The worker's half. Does no I/O yet.</summary>
    IUnitWriter OpenWriter(TargetContext context);

    /// <summary>Reads what a run has published of a stream. Does no I/O yet. A target that can't be read again is a <see cref="Fault"/>.</summary>
    /// <param name="context">The target.</param>
    /// <param name="header">The stream as it was published.</param>
    /// <param name="mode">What became of the rows that were there before.</param>
    IPublishedReader OpenPublished(TargetContext context, StreamHeader header, WriteMode mode) =>
        throw new Fault(FaultKind.Refused, $"what is in a target of the kind {Name} can't be read again") { Side = FaultSide.Target, Where = context.Mark.ToString() };
}

/// <summary>What a target is opened with.</summary>
public sealed record TargetContext
{
    /// <summary>The address with its secrets resolved: never log it, never write it.</summary>
    public required string Address { get; init; }

    /// <summary>Where the user wrote it, for errors.</summary>
    public required Mark Mark { get; init; }

    /// <summary>The file format, for targets that are files.</summary>
    public required FileFormat Format { get; init; }

    /// <summary>Where relative paths start.</summary>
    public required string BaseDirectory { get; init; }

    /// <summary>The most connections to the target at once, for targets that are servers.</summary>
    public int Connections { get; init; } = Limits.TargetConnectionsDefault;

    /// <summary>The clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}

/// <summary>The coordinator's half of a target: stages, commits once, discards. Calls come one at a time for each stream.</summary>
public interface ITarget : IAsyncDisposable
{
    /// <summary>The address for people: no secrets.</summary>
    string Place { get; }

    /// <summary>What the writer can hold.</summary>
    TargetTraits Traits { get; }

    /// <summary>True when all of a stream becomes one file (or standard output), so that it must be one unit.</summary>
    bool OneFile { get; }

    /// <summary>True when rows become files, so that a job may say how these are laid out. Default: no.</summary>
    bool WritesFiles => false;

    /// <summary>
    /// Whether its writers take an array that no memory holds element by element (<see cref="IUnitOutput.ElementsStatement"/>). Default: no.
    /// </summary>
    /// <param name="stream">The stream.</param>
    bool TakesElements(StreamJob stream) => false;

    /// <summary>Checks that the target can be written: rights, free space. Says what is there, such as "folder ./lake, 41 GB free".</summary>
    ValueTask<string> CheckAsync(CancellationToken cancel);

    /// <summary>
    /// What tells a table from all others, without secrets: it is the same in every run that writes there. Null where nothing stays
    /// (standard output).
    /// </summary>
    /// <param name="to">The stream's name in the target.</param>
    string? IdentityOf(string to) => null;

    /// <summary>The table that is there now; null when there is none, or none that a run has left. Changes nothing.</summary>
    /// <param name="to">The stream's name in the target.</param>
    /// <param name="cancel">Stops the looking.</param>
    ValueTask<PublishedTable?> FindAsync(string to, CancellationToken cancel) => ValueTask.FromResult<PublishedTable?>(null);

    /// <summary>
    /// What a publication will do to the table that is there, in words for the plan. Changes nothing.
    /// </summary>
    /// <param name="plan">The stream's plan.</param>
    /// <param name="cancel">Stops the looking.</param>
    /// <exception cref="Fault">The rows can't go there.</exception>
    ValueTask<ImmutableArray<string>> ForeseeAsync(StreamPlan plan, CancellationToken cancel) => ValueTask.FromResult<ImmutableArray<string>>([]);

    /// <summary>
    /// What an incremental load of a table has to read: after where the last one ended, less the lag. Changes nothing.
    /// </summary>
    /// <param name="stream">The stream, with its cursor.</param>
    /// <param name="cancel">Stops the looking.</param>
    /// <exception cref="Fault">This target keeps no watermarks, or the table has rows of an unknown origin.</exception>
    ValueTask<CursorWindow> WindowAsync(StreamJob stream, CancellationToken cancel) =>
        throw new Fault(FaultKind.JobFile, $"found mode: incremental, and {Place} keeps no watermark")
        {
            Side = FaultSide.Job, Where = stream.MarkOf("mode").ToString(), Advice = "Use append or overwrite, or write to a database.",
        };

    /// <summary>
    /// Whether an incremental load's rows are told apart while they are written, those that the next load may read again from those that are final:
    /// then the planner asks the source where the load will end (<see cref="CursorWindow.Next"/>). Default: no.
    /// </summary>
    bool PartsAtCursor => false;

    /// <summary>
    /// Makes the stream's staging place, empty or as an earlier coordinator left it, and gives the JSON that its writers need.
    /// Refuses what the target can't do (two streams into one file, a type that the format can't hold), with the stream's mark.
    /// </summary>
    ValueTask<string> StageAsync(StagingRequest request, CancellationToken cancel);

    /// <summary>The values that a staged stream's writers would refuse: where the stream has a quarantine, rows with them go there.</summary>
    /// <param name="columns">The stream's columns.</param>
    /// <param name="writerJson">What <see cref="StageAsync"/> has given.</param>
    ImmutableArray<Refusal> RefusalsOf(ImmutableArray<Column> columns, string writerJson) => [];

    /// <summary>Whether a stream was staged so that its rows pass in the source's own form (<see cref="StreamPlan.WireForm"/>).</summary>
    /// <param name="writerJson">What <see cref="StageAsync"/> has given.</param>
    bool IsPassed(string writerJson) => false;

    /// <summary>
    /// Publishes a stream in one step, with (run, stream) recorded in the target: doing it again changes nothing. The results are those
    /// of every unit of the plan, in plan order. Never shows a part. After it returns, the stream's staging place is gone.
    /// </summary>
    ValueTask<CommitReceipt> CommitAsync(StreamHeader header, CommitRequest request, CancellationToken cancel);

    /// <summary>
    /// How the table that a run has published can be read again, where it does not remember what each unit has brought. Null: it does, and
    /// <see cref="ITargetConnector.OpenPublished"/> reads it. Changes nothing.
    /// </summary>
    /// <param name="header">The stream as it was published.</param>
    /// <param name="mode">What became of the rows that were there before.</param>
    /// <param name="cancel">Stops the looking.</param>
    /// <exception cref="Fault">The table is gone, a later run has changed it, or the run's rows can't be told from others.</exception>
    ValueTask<PublishedStream?> ReadAgainAsync(StreamHeader header, WriteMode mode, CancellationToken cancel) => ValueTask.FromResult<PublishedStream?>(null);

    /// <summary>Removes all that is staged for a run, whatever state it is in. Does nothing when there is nothing.</summary>
    ValueTask DiscardAsync(string run, CancellationToken cancel);
}

/// <summary>A published table as a source at the target's own address reads it.</summary>
/// <param name="Stream">The table as a stream: all of it, its columns as they are.</param>
/// <param name="ComesBack">Whether a column that was written (the first) comes back with its values when it is read (the second).</param>
public sealed record PublishedStream(StreamJob Stream, Func<Column, Column, bool> ComesBack);

/// <summary>What staging a stream needs.</summary>
/// <param name="Run">The run's id.</param>
/// <param name="Fresh">True when nothing that is staged for the stream counts any more: it is removed first.</param>
/// <param name="To">The stream's name in the target.</param>
/// <param name="Plan">The stream's plan.</param>
public sealed record StagingRequest(string Run, bool Fresh, string To, StreamPlan Plan);

/// <summary>
/// The worker's half of a target: where a unit's rows go. One for a worker process; called from as many lanes at once as it has.
/// </summary>
public interface IUnitWriter : IAsyncDisposable
{
    /// <summary>Folders that DuckDB itself must be able to write.</summary>
    IReadOnlyList<string> WritablePaths(StreamHeader header);

    /// <summary>Called once for each DuckDB database that the worker opens, before it is locked: registers copy functions.</summary>
    void Attach(DuckDbConnection connection);

    /// <summary>The same for a database that writes one stream, with what that one needs. Default: no more.</summary>
    void Attach(DuckDbConnection connection, StreamHeader header) => Attach(connection);

    /// <summary>Whether the units of a stream are sorted as they are written.</summary>
    bool Sorts(StreamHeader header) => false;

    /// <summary>Opens the output of one attempt at a unit: a fresh place that no other attempt shares.</summary>
    /// <param name="header">The unit's stream.</param>
    /// <param name="unit">The unit.</param>
    /// <param name="attempt">A short name that no other attempt of this run has, fit for a file name: <c>e2-a1</c>.</param>
    /// <param name="cancel">Stops the opening.</param>
    ValueTask<IUnitOutput> OpenAsync(StreamHeader header, Unit unit, string attempt, CancellationToken cancel);
}

/// <summary>One attempt's output. Disposing it before <see cref="CompleteAsync"/> removes what it has written.</summary>
public interface IUnitOutput : IAsyncDisposable
{
    /// <summary>
    /// The statement that writes the rows of a SELECT; DuckDB answers it with what it wrote. Where the unit's input has several
    /// (<see cref="Extract.IUnitInput.Statements"/>) it is asked for each, after the answer to the one before.
    /// </summary>
    /// <param name="select">The rows.</param>
    /// <param name="batchDivisor">How many times fewer bytes than usual to collect before they are written, where <see cref="TargetTraits.Batches"/>.</param>
    string CopyStatement(string select, int batchDivisor);

    /// <summary>
    /// The statement that writes rows whose last column, an array, comes element by element: for a target that does (<see cref="ITarget.TakesElements"/>).
    /// </summary>
    /// <param name="select">The stream's columns, with arrays of one element, and behind them <paramref name="first"/>: a row's elements follow each other.</param>
    /// <param name="first">The BOOLEAN that is true where a row begins.</param>
    string ElementsStatement(string select, string first) => throw new InvalidOperationException("this target takes no elements");

    /// <summary>Takes DuckDB's answer to that statement, as <see cref="Answered"/> does to the other.</summary>
    /// <param name="answer">The answer.</param>
    /// <param name="rows">How many rows the elements were of.</param>
    /// <returns>Elements that DuckDB says it has written.</returns>
    long AnsweredElements(DuckDbResult answer, long rows) => throw new InvalidOperationException("this target takes no elements");

    /// <summary>Takes rows in the source's own form: for a stream that was staged so (<see cref="StreamHeader.IsPassed"/>).</summary>
    IRowTaker Taker => throw new InvalidOperationException("this target takes no rows but DuckDB's");

    /// <summary>
    /// Reads DuckDB's answer to the statement, makes what was written durable (files, then their folder) and says what it is.
    /// May run while the next unit already reads.
    /// </summary>
    ValueTask<WrittenOutput> CompleteAsync(CancellationToken cancel);

    /// <summary>Takes DuckDB's answer to the statement (called before <see cref="CompleteAsync"/>, while the connection is still the unit's).</summary>
    /// <returns>Rows that DuckDB says it has written, by all statements together.</returns>
    long Answered(DuckDbResult answer);

    /// <summary>
    /// The stream's columns whose values come back as they were written when the output is read again, in their order; none: readback
    /// compares the number of rows.
    /// </summary>
    ImmutableArray<string> ReadBackColumns { get; }

    /// <summary>After <see cref="Answered"/>, before <see cref="CompleteAsync"/>: opens what was written to be read again.</summary>
    ValueTask<IWrittenRows> ReadBackAsync(CancellationToken cancel);

    /// <summary>Turns DuckDB's error into a fault of the target's side (disk full, no right); null when it isn't the target's.</summary>
    Fault? Explain(DuckDbException error);
}

/// <summary>What an attempt has written, open to be read again; disposed after its query.</summary>
public interface IWrittenRows : IAsyncDisposable
{
    /// <summary>A complete SELECT of the stream's columns, by name and type; those that don't come back may be missing.</summary>
    string Select { get; }

    /// <summary>Where it lies, for errors: the file, or the first of them.</summary>
    string Place { get; }
}

/// <summary>What an attempt has written.</summary>
/// <param name="Rows">Rows in the files, as the writer counted them.</param>
/// <param name="Files">The files, durable.</param>
public sealed record WrittenOutput(long Rows, ImmutableArray<StagedFile> Files);
