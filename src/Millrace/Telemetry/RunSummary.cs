using System.Collections.Immutable;
using Millrace.Commit;
using Millrace.Faults;
using Millrace.Transform;

namespace Millrace.Telemetry;

/// <summary>How a run stands or ended.</summary>
public enum RunStatus
{
    /// <summary>Every stream is committed.</summary>
    Succeeded = 0,

    /// <summary>At least one stream is not committed.</summary>
    Failed = 1,

    /// <summary>Somebody stopped it.</summary>
    Cancelled = 2,

    /// <summary>A coordinator holds it.</summary>
    Running = 3,

    /// <summary>Its coordinator died: <c>resume</c> goes on, <c>cancel</c> cleans up.</summary>
    Interrupted = 4,
}

/// <summary>What a run came to.</summary>
public sealed record RunSummary
{
    /// <summary>The run's id.</summary>
    public required string Run { get; init; }

    /// <summary>How it ended.</summary>
    public required RunStatus Status { get; init; }

    /// <summary>Rows that left the source and that count: failed attempts do not.</summary>
    public long RowsRead { get; init; }

    /// <summary>Rows handed to the writer.</summary>
    public long RowsWritten { get; init; }

    /// <summary>Rows in quarantine.</summary>
    public long RowsRejected { get; init; }

    /// <summary>What was looked up in stores; null: nothing.</summary>
    public LookupCounts? Lookups { get; init; }

    /// <summary>Source bytes.</summary>
    public long BytesRead { get; init; }

    /// <summary>Bytes of the files that were written.</summary>
    public long BytesWritten { get; init; }

    /// <summary>Units with results.</summary>
    public long Units { get; init; }

    /// <summary>The content hash of each committed stream by its name in the source; none with <c>proof: counts</c>.</summary>
    public ImmutableSortedDictionary<string, string> Hashes { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>The rules of each committed stream that has any, by its name in the source.</summary>
    public ImmutableSortedDictionary<string, ImmutableArray<RuleOutcome>> Rules
    {
        get => field ?? ImmutableSortedDictionary<string, ImmutableArray<RuleOutcome>>.Empty;
        init;
    }

    /// <summary>Attempts beyond each unit's first.</summary>
    public long Retries { get; init; }

    /// <summary>Units that were cut in two.</summary>
    public long Splits { get; init; }

    /// <summary>Wall time of this coordinator, in seconds.</summary>
    public double Seconds { get; init; }

    /// <summary>The highest sample of <see cref="ProgressSample.MemoryBytes"/>.</summary>
    public long PeakMemoryBytes { get; init; }

    /// <summary>Why it failed: one fault a failed stream, or the run's own.</summary>
    public ImmutableArray<Fault> Faults { get; init; } = [];
}
