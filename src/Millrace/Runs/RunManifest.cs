using System.Collections.Immutable;
using Millrace.Commit;
using Millrace.Telemetry;
using Millrace.Transform;

namespace Millrace.Runs;

/// <summary>What a run is: <c>run.json</c>, written once.</summary>
public sealed record RunManifest
{
    /// <summary>The layout of the run directory; another number is refused.</summary>
    public required int Layout { get; init; }

    /// <summary>The Millrace version that began the run; another version's run is refused.</summary>
    public required string Version { get; init; }

    /// <summary>The run's id.</summary>
    public required string Run { get; init; }

    /// <summary>The job's name.</summary>
    public required string Job { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset Began { get; init; }
}

/// <summary>Who holds or held a run: <c>epochs/N.json</c>, written once by each coordinator; the highest N holds it.</summary>
public sealed record EpochRecord
{
    /// <summary>The fencing number, from 1.</summary>
    public required int Epoch { get; init; }

    /// <summary>The coordinator's machine.</summary>
    public required string Host { get; init; }

    /// <summary>The coordinator's process id on that machine.</summary>
    public required int Pid { get; init; }

    /// <summary>When it took the run.</summary>
    public required DateTimeOffset Began { get; init; }
}

/// <summary>The last line of a plan: without it the plan was cut off.</summary>
public sealed record PlanEnd
{
    /// <summary>How many units the plan has.</summary>
    public required long Units { get; init; }
}

/// <summary>A stream's commit as the run directory remembers it: <c>commit.json</c>, written after the target has it.</summary>
public sealed record CommitRecord
{
    /// <summary>The stream's name in the source.</summary>
    public required string Stream { get; init; }

    /// <summary>The fencing number of the coordinator that committed.</summary>
    public required int Epoch { get; init; }

    /// <summary>Rows that left the source, rejected ones among them.</summary>
    public required long RowsRead { get; init; }

    /// <summary>Rows that went to quarantine: they lie in the stream's folder, below <c>rejects</c>.</summary>
    public long Rejected { get; init; }

    /// <summary>The content hash of all rows; null with <c>proof: counts</c>.</summary>
    public string? Hash { get; init; }

    /// <summary>Source bytes.</summary>
    public required long BytesRead { get; init; }

    /// <summary>What was looked up in stores; null: nothing.</summary>
    public LookupCounts? Lookups { get; init; }

    /// <summary>Units of the plan.</summary>
    public required long Units { get; init; }

    /// <summary>What became visible, and where.</summary>
    public required CommitReceipt Receipt { get; init; }

    /// <summary>The stream's rules, kept ones too, in the job's order.</summary>
    public ImmutableArray<RuleOutcome> Rules { get => field.IsDefault ? [] : field; init; } = [];
}

/// <summary>How a run ended: <c>report.json</c>, replaced by each coordinator that ends.</summary>
public sealed record RunReport
{
    /// <summary>The fencing number of the coordinator that ended. Whether it was the last one is told by this, not by time: clocks are set.</summary>
    public required int Epoch { get; init; }

    /// <summary>What the run came to.</summary>
    public required RunSummary Summary { get; init; }

    /// <summary>When it ended.</summary>
    public required DateTimeOffset Ended { get; init; }

    /// <summary>The commits so far.</summary>
    public required ImmutableArray<CommitRecord> Commits { get; init; }
}

/// <summary>One line of <c>story.ndjson</c>: what happened beyond the units' results (retries, divisions, lost workers, failures).</summary>
public sealed record StoryLine
{
    /// <summary>When.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The fencing number of the coordinator that wrote it.</summary>
    public required int Epoch { get; init; }

    /// <summary>What: <c>started</c>, <c>resumed</c>, <c>planned</c>, <c>retried</c>, <c>divided</c>, <c>slow</c>, <c>lost</c>, <c>worker_lost</c>, <c>committed</c>,
    /// <c>failed</c>, <c>warned</c>.</summary>
    public required string What { get; init; }

    /// <summary>The stream, when it is about one.</summary>
    public string? Stream { get; init; }

    /// <summary>The unit, when it is about one.</summary>
    public long? Unit { get; init; }

    /// <summary>For people, without secrets.</summary>
    public required string Text { get; init; }
}
