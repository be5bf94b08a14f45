using System.Collections.Immutable;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Commit;

/// <summary>What a target needs to publish a stream.</summary>
public sealed record CommitRequest
{
    /// <summary>What happens to rows that the target already has.</summary>
    public required WriteMode Mode { get; init; }

    /// <summary>How rows find those that are there; null unless the mode is merge or incremental.</summary>
    public MergeRule? Merge { get; init; }

    /// <summary>What happens when the table's columns have changed since the stream was planned.</summary>
    public SchemaRule Schema { get; init; } = SchemaRule.Evolve;

    /// <summary>The fencing number of the coordinator that commits.</summary>
    public required int Epoch { get; init; }

    /// <summary>The results of all units in plan order; may be read more than once.</summary>
    public required Func<CancellationToken, IAsyncEnumerable<UnitResult>> Results { get; init; }

    /// <summary>Rows of all results together: what the published table must have gained.</summary>
    public required long Rows { get; init; }

    /// <summary>Bytes of all that the results name.</summary>
    public required long Bytes { get; init; }

    /// <summary>The rows that went to quarantine, one JSON object each, as they stand beside the run; may be read more than once. Default: none.</summary>
    public Func<CancellationToken, IAsyncEnumerable<string>> Rejects { get; init; } = static _ => AsyncEnumerable.Empty<string>();

    /// <summary>
    /// Asked right before the one step that makes rows visible: throws when this coordinator no longer holds the run, so that one that
    /// was paused and replaced publishes nothing.
    /// </summary>
    public required Action AssertHolder { get; init; }

    /// <summary>Told when the target finds that it has lost what was staged: what was read counts no more, and a resumed run reads it again.</summary>
    public Action StagingLost { get; init; } = static () => { };
}

/// <summary>How rows find those that are there. The names are the target's.</summary>
/// <param name="Key">The columns that a row is known by; empty: none, and the window that is read again is replaced.</param>
/// <param name="Cursor">The column by which the last of several rows with one key counts, and incremental loads go; null: none.</param>
/// <param name="Deletes">The BOOLEAN column that says that a row is to be removed; null: none.</param>
/// <param name="Window">What an incremental load has read again; null for other modes.</param>
public sealed record MergeRule(ImmutableArray<string> Key, string? Cursor, string? Deletes, CursorWindow? Window)
{
    /// <summary>The rule of a stream; null where it has none.</summary>
    public static MergeRule? Of(StreamJob stream, StreamHeader header)
    {
        if (stream.Mode is not (WriteMode.Merge or WriteMode.Incremental)) return null;
        return new MergeRule([.. stream.Key.Select(NameOf)], stream.Cursor is { } cursor ? NameOf(cursor) : null, stream.Deletes is { } deletes ? NameOf(deletes) : null, header.Window);

        string NameOf(string source) => header.Columns.First(column => string.Equals(column.SourceName, source, StringComparison.Ordinal)).Name;
    }
}

/// <summary>What a commit came to.</summary>
/// <param name="Rows">Rows that became visible.</param>
/// <param name="Files">Files that became visible.</param>
/// <param name="Bytes">Their size.</param>
/// <param name="AlreadyDone">True when the target already had this (run, stream): nothing was changed.</param>
/// <param name="Place">Where the rows are now, for people.</param>
public sealed record CommitReceipt(long Rows, long Files, long Bytes, bool AlreadyDone, string Place);
