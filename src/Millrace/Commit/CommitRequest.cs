using Millrace.Jobs;
using Millrace.Runs;

namespace Millrace.Commit;

/// <summary>What a target needs to publish a stream.</summary>
public sealed record CommitRequest
{
    /// <summary>What happens to rows that the target already has.</summary>
    public required WriteMode Mode { get; init; }

    /// <summary>What happens when the table's columns have changed since the stream was planned.</summary>
    public SchemaRule Schema { get; init; } = SchemaRule.Evolve;

    /// <summary>The fencing number of the coordinator that commits.</summary>
    public required int Epoch { get; init; }

    /// <summary>The results of all units in plan order; may be read more than once.</summary>
    public required Func<CancellationToken, IAsyncEnumerable<UnitResult>> Results { get; init; }

    /// <summary>Rows of all results together: what the published table must have gained.</summary>
    public required long Rows { get; init; }

    /// <summary>
    /// Asked right before the one step that makes rows visible: throws when this coordinator no longer holds the run, so that one that
    /// was paused and replaced publishes nothing.
    /// </summary>
    public required Action AssertHolder { get; init; }
}

/// <summary>What a commit came to.</summary>
/// <param name="Rows">Rows that became visible.</param>
/// <param name="Files">Files that became visible.</param>
/// <param name="Bytes">Their size.</param>
/// <param name="AlreadyDone">True when the target already had this (run, stream): nothing was changed.</param>
/// <param name="Place">Where the rows are now, for people.</param>
public sealed record CommitReceipt(long Rows, long Files, long Bytes, bool AlreadyDone, string Place);
