using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Jobs;
using Millrace.Transform;

namespace Millrace.Planning;

/// <summary>
/// How one stream will be moved: its columns, its estimates, the strategy that cuts it into units and why, and the units
/// themselves as a stream that is read once.
/// </summary>
public sealed record StreamPlan
{
    /// <summary>The <see cref="ReaderJson"/> of units that read no source.</summary>
    internal const string NoReader = "{}";

    /// <summary>What the user wrote, wildcards expanded.</summary>
    public required StreamJob Stream { get; init; }

    /// <summary>The columns in the target's order.</summary>
    public required ImmutableArray<Column> Columns { get; init; }

    /// <summary>The source's own estimate of the rows; null when it has none.</summary>
    public long? EstimatedRows { get; init; }

    /// <summary>The source's own estimate of the bytes to be read; null when it has none.</summary>
    public long? EstimatedBytes { get; init; }

    /// <summary>The strategy that was picked.</summary>
    public required PartitionBy Strategy { get; init; }

    /// <summary>Why that strategy, in one sentence.</summary>
    public required string Why { get; init; }

    /// <summary>How many units to expect; exact when the source knows.</summary>
    public required long EstimatedUnits { get; init; }

    /// <summary>Bytes that the source had to copy to disk for this plan and keeps until the run ends: they count under <c>limits.disk</c>.</summary>
    public long SpooledBytes { get; init; }

    /// <summary>
    /// The moment that the units are read at, such as a snapshot's name; null when each unit carries its own proof (a file's size and time).
    /// </summary>
    public string? Moment { get; init; }

    /// <summary>
    /// The form in which the source can hand rows over undecoded, as a text that is equal where a target takes the very same; null: it can't,
    /// or must not (rows are counted by the second, or may be rejected).
    /// </summary>
    public string? WireForm { get; init; }

    /// <summary>What an incremental load reads; null for other modes.</summary>
    public CursorWindow? Window { get; init; }

    /// <summary>The stream's steps; null: it has none.</summary>
    public StagedPlan? Steps { get; init; }

    /// <summary>What happens to rows between reader and writer; null: nothing, or it is not known before earlier stages are done.</summary>
    public StageHeader? Stage { get; init; }

    /// <summary>Folders of the target that expressions make.</summary>
    public ImmutableArray<FolderColumn> Folders { get; init; } = [];

    /// <summary>How many rows a folder has, on average; null: unknown.</summary>
    public long? RowsOfFolder { get; init; }

    /// <summary>What else the user should know before the run.</summary>
    public ImmutableArray<string> Remarks { get; init; } = [];

    /// <summary>In which ways the columns are not those of the table that is there, in words; empty when they are, and when there is no table.</summary>
    public ImmutableArray<string> SchemaChanges { get; init; } = [];

    /// <summary>What the connector's reader needs for every unit of the stream: JSON that only the connector reads. No secrets in it.</summary>
    public required string ReaderJson { get; init; }

    /// <summary>
    /// Produces the units, in an order that is the same every time for the same source. Read once, lazily: a million units are never in memory.
    /// </summary>
    public required Func<CancellationToken, IAsyncEnumerable<PlannedUnit>> Units { get; init; }
}

/// <summary>A value that becomes a <c>key=value</c> folder, and no column of the files.</summary>
/// <param name="Name">The key.</param>
/// <param name="Sql">An expression over the columns of the files.</param>
/// <param name="Type">Its type.</param>
public sealed record FolderColumn(string Name, string Sql, string Type)
{
    /// <summary>The expression in parentheses; a comment at its end ends before.</summary>
    internal string Value => $"({Sql}\n)";

    /// <summary>The type of what rows are put into folders or in order by, by its name; null: neither a folder nor a column has that.</summary>
    /// <param name="name">The name.</param>
    /// <param name="folders">The folders that expressions make.</param>
    /// <param name="columns">The columns.</param>
    public static string? TypeOf(string name, ImmutableArray<FolderColumn> folders, IReadOnlyList<Column> columns) =>
        folders.FirstOrDefault(folder => folder.Name == name)?.Type ?? columns.FirstOrDefault(column => string.Equals(column.Name, name, StringComparison.OrdinalIgnoreCase))?.Type;
}

/// <summary>A unit as the source's planner makes it.</summary>
/// <param name="Slice">What to read: JSON that only the connector reads. The same source content gives the same text. No secrets in it.</param>
/// <param name="Label">What to read, for people: <c>pages 0-8191</c>, <c>events.csv bytes 0-67108864</c>.</param>
/// <param name="EstimatedRows">About how many rows; null when unknown.</param>
/// <param name="EstimatedBytes">About how many source bytes; null when unknown.</param>
public sealed record PlannedUnit(string Slice, string Label, long? EstimatedRows = null, long? EstimatedBytes = null);

/// <summary>What a source must know to plan a stream.</summary>
public sealed record PlanRequest
{
    /// <summary>What the target's writer can hold.</summary>
    public required TargetTraits Target { get; init; }

    /// <summary>How many units run at once.</summary>
    public required int Workers { get; init; }

    /// <summary>Source bytes that a unit aims at.</summary>
    public long UnitBytes { get; init; } = Limits.UnitBytesTarget;

    /// <summary>True when the target is one single file: the stream must be one unit, however large.</summary>
    public bool OneUnit { get; init; }

    /// <summary>
    /// Source bytes that a unit aims at for a stream of this size: <see cref="UnitBytes"/>, or less so that each worker gets
    /// <see cref="Limits.UnitsPerWorkerMin"/> units, but never less than <see cref="Limits.UnitBytesMin"/>.
    /// </summary>
    public long UnitBytesFor(long streamBytes) =>
        Math.Max(Limits.UnitBytesMin, Math.Min(UnitBytes, streamBytes / ((long)Workers * Limits.UnitsPerWorkerMin)));
}

/// <summary>
/// What a target's writer can hold without changing a value. A source turns what its target can't hold into text in its own
/// notation, or refuses it at planning.
/// </summary>
public sealed record TargetTraits
{
    /// <summary>Lists and structs stay lists and structs.</summary>
    public required bool Nested { get; init; }

    /// <summary>Bytes stay bytes; otherwise a source gives text (PostgreSQL: <c>\x</c> and hex digits).</summary>
    public required bool Bytes { get; init; }

    /// <summary>Infinite dates and timestamps are kept; otherwise such a value fails its unit, naming row and column.</summary>
    public required bool InfiniteDates { get; init; }

    /// <summary>NaN and infinities in FLOAT and DOUBLE are kept; otherwise such a value fails its unit, naming row and column.</summary>
    public required bool NonFiniteFloats { get; init; }

    /// <summary>The time 24:00:00 is kept; otherwise such a value fails its unit, naming row and column.</summary>
    public required bool EndOfDay { get; init; }

    /// <summary>HUGEINT and UHUGEINT are kept.</summary>
    public required bool HugeIntegers { get; init; }

    /// <summary>INTERVAL with months, days and microseconds is kept.</summary>
    public required bool Intervals { get; init; }

    /// <summary>TIME WITH TIME ZONE keeps its offset.</summary>
    public required bool TimeOffsets { get; init; }

    /// <summary>
    /// Nested values and JSON come back as they were written when the target is read again; otherwise <c>proof: readback</c> compares the
    /// other columns. Default: true.
    /// </summary>
    public bool StructureReadsBack { get; init; } = true;

    /// <summary>
    /// The writer collects rows in memory before it writes them, and can collect fewer: what a run does first when memory runs low. Default:
    /// false.
    /// </summary>
    public bool Batches { get; init; }

    /// <summary>What lies between steps holds everything that DuckDB's vectors can hold.</summary>
    public static TargetTraits Vectors { get; } = new()
    {
        Nested = true,
        Bytes = true,
        InfiniteDates = true,
        NonFiniteFloats = true,
        EndOfDay = true,
        HugeIntegers = true,
        Intervals = true,
        TimeOffsets = true,
    };

    /// <summary>Whether values of a type come back as they were written.</summary>
    public bool ReadsBack(DuckDbType type) => StructureReadsBack || (!type.IsNested && !type.IsJson);
}
