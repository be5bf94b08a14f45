using System.Collections.Immutable;
using Millrace.Faults;
using Millrace.Telemetry;

namespace Millrace.Verify;

/// <summary>What a verification came to.</summary>
public sealed record VerifySummary
{
    /// <summary>The run that was verified.</summary>
    public required string Run { get; init; }

    /// <summary>How it ended: <see cref="RunStatus.Succeeded"/> when every stream is equal, <see cref="RunStatus.Failed"/>, <see cref="RunStatus.Cancelled"/>.</summary>
    public required RunStatus Status { get; init; }

    /// <summary>Streams of the run.</summary>
    public required int StreamCount { get; init; }

    /// <summary>The streams that could be compared.</summary>
    public ImmutableArray<StreamVerdict> Streams { get; init; } = [];

    /// <summary>Wall time, in seconds.</summary>
    public double Seconds { get; init; }

    /// <summary>The most memory that was seen, in bytes.</summary>
    public long PeakMemoryBytes { get; init; }

    /// <summary>One fault of the kind <see cref="FaultKind.Data"/> for each stream that differs; others for streams that could not be compared.</summary>
    public ImmutableArray<Fault> Faults { get; init; } = [];
}

/// <summary>How a stream's source and target compare, read at one moment after the run.</summary>
public sealed record StreamVerdict
{
    /// <summary>The stream's name in the source.</summary>
    public required string Stream { get; init; }

    /// <summary>Where its rows are, for people.</summary>
    public required string Place { get; init; }

    /// <summary>True when source and target have the same rows, and the target has nothing beside them.</summary>
    public required bool IsEqual { get; init; }

    /// <summary>Units of the source that were read.</summary>
    public required long Units { get; init; }

    /// <summary>Rows in the source now.</summary>
    public required long RowsInSource { get; init; }

    /// <summary>Rows in the target now that the run has brought.</summary>
    public required long RowsInTarget { get; init; }

    /// <summary>Rows that the run has written.</summary>
    public required long RowsWritten { get; init; }

    /// <summary>The content hash of the source's compared columns now.</summary>
    public required string SourceHash { get; init; }

    /// <summary>The content hash of the target's compared columns now.</summary>
    public required string TargetHash { get; init; }

    /// <summary>The columns that rows are known by, by their names in the target; empty: none is known, whole rows are compared.</summary>
    public required ImmutableArray<string> Key { get; init; }

    /// <summary>Columns that can't be compared, since they do not come back from the target's files as they were written.</summary>
    public required ImmutableArray<string> LeftOut { get; init; }

    /// <summary>Bytes that were read from the source.</summary>
    public required long BytesRead { get; init; }

    /// <summary>What has changed since the run, on which side and where; at most <see cref="Limits.VerifyNamedMax"/>.</summary>
    public ImmutableArray<PlaceChange> Changes { get; init; } = [];

    /// <summary>How many such changes there are.</summary>
    public long ChangeCount { get; init; }

    /// <summary>What differs row by row; null when nothing does.</summary>
    public RowDifferences? Rows { get; init; }
}

/// <summary>A unit, a file or a whole stream that is not what it was when the run read or wrote it.</summary>
/// <param name="Side">The side that has changed; <see cref="FaultSide.Run"/> when that can't be said.</param>
/// <param name="Unit">The unit's number in the run's plan; null when it is about more or less than a unit.</param>
/// <param name="Where">The unit's range or the file, for people.</param>
/// <param name="Text">What was found, such as "rows 1000 → 1003".</param>
public sealed record PlaceChange(FaultSide Side, long? Unit, string Where, string Text);

/// <summary>Rows that are not the same on both sides.</summary>
public sealed record RowDifferences
{
    /// <summary>Keys that only the source has; without a key, rows.</summary>
    public required long OnlyInSource { get; init; }

    /// <summary>Keys that only the target has; without a key, rows.</summary>
    public required long OnlyInTarget { get; init; }

    /// <summary>Keys that both have, with other values or another number of rows.</summary>
    public required long Different { get; init; }

    /// <summary>True when more rows would have had to be compared than memory allows: there are more differences than were counted.</summary>
    public required bool IsAtLeast { get; init; }

    /// <summary>The first keys that differ, in their order; at most <see cref="Limits.VerifyNamedMax"/>; none without a key.</summary>
    public ImmutableArray<KeyDifference> Keys { get; init; } = [];

    /// <summary>Without a key: where the rows lie; at most <see cref="Limits.VerifyNamedMax"/>.</summary>
    public ImmutableArray<PlaceChange> Places { get; init; } = [];
}

/// <summary>A key whose rows are not the same on both sides.</summary>
/// <param name="Key">The key's values as text, in the order of its columns; null for NULL.</param>
/// <param name="InSource">Rows of that key in the source.</param>
/// <param name="InTarget">Rows of that key in the target.</param>
/// <param name="Columns">Columns whose values differ, where both sides have as many rows of the key. The values are not said.</param>
public sealed record KeyDifference(ImmutableArray<string?> Key, long InSource, long InTarget, ImmutableArray<string> Columns);
