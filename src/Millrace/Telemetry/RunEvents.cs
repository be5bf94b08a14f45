using System.Collections.Immutable;
using Millrace.Commit;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Transform;

namespace Millrace.Telemetry;

/// <summary>Something that happened in a run.</summary>
public abstract record RunEvent;

/// <summary>The run directory exists and this coordinator holds it.</summary>
/// <param name="Run">The run's id.</param>
/// <param name="Directory">The run directory.</param>
/// <param name="Resumed">True when an earlier coordinator had begun it.</param>
public sealed record RunStarted(string Run, string Directory, bool Resumed) : RunEvent;

/// <summary>A stream's strategy is known; its units follow.</summary>
/// <param name="Plan">The plan.</param>
/// <param name="To">Its name in the target.</param>
/// <param name="Engine">The engine that runs it.</param>
/// <param name="DoneUnits">Units that an earlier coordinator finished and that count.</param>
public sealed record StreamPlanned(StreamPlan Plan, string To, EngineChoice Engine, long DoneUnits) : RunEvent;

/// <summary>One of a stream's stages begins.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Stage">Its number, from 1.</param>
/// <param name="Of">How many stages the stream has.</param>
/// <param name="Text">What it does, for people.</param>
/// <param name="Units">About how many units it has.</param>
/// <param name="DoneUnits">Units that an earlier coordinator finished and that count.</param>
public sealed record StageBegun(string Stream, int Stage, int Of, string Text, long Units, long DoneUnits) : RunEvent;

/// <summary>A unit has its result.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Unit">The unit's number.</param>
/// <param name="Label">What it read.</param>
/// <param name="Rows">Rows written.</param>
/// <param name="BytesRead">Source bytes read.</param>
/// <param name="BytesWritten">Staged bytes.</param>
/// <param name="Seconds">How long it took.</param>
/// <param name="Rejected">Rows that went to quarantine.</param>
public sealed record UnitFinished(string Stream, long Unit, string Label, long Rows, long BytesRead, long BytesWritten, double Seconds, long Rejected = 0) : RunEvent
{
    /// <summary>What was looked up in stores; null: nothing.</summary>
    public LookupCounts? Lookups { get; init; }
}

/// <summary>A unit failed in a way that can pass, or its worker died; it is tried again.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Unit">The unit's number.</param>
/// <param name="Label">What it reads.</param>
/// <param name="Attempt">The attempt that failed, from 1.</param>
/// <param name="Reason">Why, without secrets.</param>
public sealed record UnitRetried(string Stream, long Unit, string Label, int Attempt, Fault Reason) : RunEvent;

/// <summary>A unit can't be read as a whole; it is read in parts.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Unit">The unit's number.</param>
/// <param name="Label">What it reads.</param>
/// <param name="Parts">What the parts read.</param>
/// <param name="Reason">Why, without secrets.</param>
public sealed record UnitDivided(string Stream, long Unit, string Label, ImmutableArray<string> Parts, Fault Reason) : RunEvent;

/// <summary>A unit takes far longer than others while lanes are idle: it is read in parts as well, and what is complete first counts.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Unit">The unit's number.</param>
/// <param name="Label">What it reads.</param>
/// <param name="Parts">What its parts read.</param>
/// <param name="Taken">How long it has run.</param>
/// <param name="Usual">What others took: their median.</param>
public sealed record UnitSlow(string Stream, long Unit, string Label, ImmutableArray<string> Parts, TimeSpan Taken, TimeSpan Usual) : RunEvent;

/// <summary>A unit, or a part of one, that can't be read and can't be divided further. The rest of its stream goes on.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Unit">The unit's number.</param>
/// <param name="Label">What it reads.</param>
/// <param name="Reason">Why, without secrets.</param>
public sealed record RangeLost(string Stream, long Unit, string Label, Fault Reason) : RunEvent;

/// <summary>A worker process is gone and is being replaced.</summary>
/// <param name="Pid">Its process id.</param>
/// <param name="Reason">How it ended.</param>
public sealed record WorkerLost(int Pid, string Reason) : RunEvent;

/// <summary>Something that the user should know and that stops nothing.</summary>
/// <param name="Text">What, without secrets.</param>
public sealed record Warned(string Text) : RunEvent;

/// <summary>Where the run stands; about twice a second.</summary>
public sealed record ProgressSample : RunEvent
{
    /// <summary>Rows that have left the source.</summary>
    public required long RowsRead { get; init; }

    /// <summary>Bytes that have been read from the source.</summary>
    public required long BytesRead { get; init; }

    /// <summary>Units that have results.</summary>
    public required long UnitsDone { get; init; }

    /// <summary>Units in all, as far as is known.</summary>
    public required long UnitsTotal { get; init; }

    /// <summary>Done, from 0 to 1; null while nothing can be said.</summary>
    public double? Fraction { get; init; }

    /// <summary>Since this coordinator began.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Memory of all processes of the run together (sum of PSS where the system tells), in bytes.</summary>
    public required long MemoryBytes { get; init; }

    /// <summary>Units that run right now.</summary>
    public required int Running { get; init; }

    /// <summary>Units that were tried again.</summary>
    public required long Retries { get; init; }
}

/// <summary>A stream is visible in the target.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Receipt">What became visible, and where.</param>
/// <param name="Hash">The content hash of its rows; null with <c>proof: counts</c>.</param>
/// <param name="Rejected">Rows that went to quarantine.</param>
/// <param name="Rejects">The folder that they are in; null: none were rejected.</param>
public sealed record StreamCommitted(string Stream, CommitReceipt Receipt, string? Hash = null, long Rejected = 0, string? Rejects = null) : RunEvent
{
    /// <summary>What was looked up in stores; null: nothing.</summary>
    public LookupCounts? Lookups { get; init; }

    /// <summary>The stream's rules, kept ones too.</summary>
    public ImmutableArray<RuleOutcome> Rules { get; init; } = [];
}

/// <summary>A stream failed; others go on.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Fault">Why.</param>
public sealed record StreamFailed(string Stream, Fault Fault) : RunEvent;

/// <summary>The run is over. The last event.</summary>
/// <param name="Summary">What it came to.</param>
public sealed record RunFinished(RunSummary Summary) : RunEvent;
