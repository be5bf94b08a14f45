using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Millrace.DuckDb;
using Millrace.Jobs;
using Millrace.Load;
using Millrace.Planning;
using Millrace.Transform;

namespace Millrace.Runs;

/// <summary>The smallest retried piece of a run, as it stands in the plan: what to read, and where in the plan it is.</summary>
public sealed record Unit
{
    /// <summary>The number in the stream's plan, from 0; parts of divided units have numbers from <see cref="Limits.UnitsMax"/> on.</summary>
    public required long Number { get; init; }

    /// <summary>The planned unit that this is a part of; null for a planned unit itself.</summary>
    public long? PartOf { get; init; }

    /// <summary>What to read: the connector's own JSON.</summary>
    public required string Slice { get; init; }

    /// <summary>What to read, for people.</summary>
    public required string Label { get; init; }

    /// <summary>About how many rows; null when unknown.</summary>
    public long? EstimatedRows { get; init; }

    /// <summary>About how many source bytes; null when unknown.</summary>
    public long? EstimatedBytes { get; init; }
}

/// <summary>What all units of a stream share: written once, before the first of them runs. No secrets in it.</summary>
public sealed record StreamHeader
{
    /// <summary>The run's id.</summary>
    public required string Run { get; init; }

    /// <summary>The stream's name in the source.</summary>
    public required string Stream { get; init; }

    /// <summary>The stream's name in the target.</summary>
    public required string To { get; init; }

    /// <summary>Which reading of the stream this is, from 1: a stream that is read again at another moment starts a new generation.</summary>
    public required int Generation { get; init; }

    /// <summary>The moment that units are read at; null when there is none.</summary>
    public string? Moment { get; init; }

    /// <summary>
    /// True when the stream is one unit, so that all of a worker's threads should work on it; false when units are the parallelism and
    /// each is one thread's work.
    /// </summary>
    public bool OneUnit { get; init; }

    /// <summary>How units prove what they have written.</summary>
    public Proof Proof { get; init; }

    /// <summary>What happens to rows with a value that the target can't hold.</summary>
    public OnReject OnReject { get; init; }

    /// <summary>How many rows may be rejected.</summary>
    public RejectLimit RejectLimit { get; init; } = RejectLimit.Default;

    /// <summary>Rejected rows from which the stream stops before all of it is read; null: only its end tells.</summary>
    public long? RejectsStopAt { get; init; }

    /// <summary>The source's names of the columns that a rejected row is known by; empty: none is known, or nothing is rejected.</summary>
    public ImmutableArray<string> Key { get; init; } = [];

    /// <summary>
    /// What the column is called in which a source says why it rejects a row: see <see cref="Extract.IUnitInput.RejectColumn"/>. Null: a value
    /// that the target can't hold fails its unit.
    /// </summary>
    [JsonIgnore]
    public string? RejectColumn
    {
        get
        {
            if (OnReject == OnReject.Fail) return null;
            return SqlText.Free("millrace_reject", Columns.Select(static column => column.Name));
        }
    }

    /// <summary>The columns in the target's order.</summary>
    public required ImmutableArray<Column> Columns { get; init; }

    /// <summary>What tells the table from all others, without secrets; null where nothing stays that could be compared with (standard output).</summary>
    public string? Table { get; init; }

    /// <summary>What an incremental load reads; null for other modes.</summary>
    public CursorWindow? Window { get; init; }

    /// <summary>True when rows pass from source to target in the form in which the source sends them: nobody decodes them in between.</summary>
    public bool IsPassed { get; init; }

    /// <summary>In which ways the columns were not those of the table that was there, in words.</summary>
    public ImmutableArray<string> SchemaChanges { get; init; } = [];

    /// <summary>What rows are rejected for that the source could give; empty unless the stream has a quarantine.</summary>
    public ImmutableArray<Refusal> Refusals { get; init; } = [];

    /// <summary>What happens to rows between reader and writer; null: nothing.</summary>
    public StageHeader? Stage { get; init; }

    /// <summary>What the source's reader needs: its own JSON.</summary>
    public required string ReaderJson { get; init; }

    /// <summary>What the target's writer needs: its own JSON.</summary>
    public required string WriterJson { get; init; }

    /// <summary>Whether units with these read and do the same, their moment apart.</summary>
    internal bool ReadsLike(string readerJson, ImmutableArray<Column> columns, StageHeader? stage) =>
        string.Equals(ReaderJson, readerJson, StringComparison.Ordinal) && Columns.SequenceEqual(columns) && StageHeader.AreEqual(Stage, stage);

    /// <summary>The same without rules that only look at rows: those that went to quarantine are refused.</summary>
    internal StreamHeader WithoutChecks() => Stage?.Checks is not { } checks ? this : this with
    {
        Stage = null,
        Refusals = Refusals.AddRange(checks.Refusals),
        OnReject = checks.Refusals.IsEmpty ? OnReject : OnReject.Quarantine,
    };

    /// <summary>What the reader sees of it: the columns that it gives, and none of what only the target refuses.</summary>
    internal StreamHeader AsItIsRead() => Stage is null ? this : this with { Columns = Stage.InputColumns, Refusals = [] };
}

/// <summary>What one unit came to: written once, only if absent. This object is the unit's commit.</summary>
public sealed record UnitResult
{
    /// <summary>The unit's number.</summary>
    public required long Number { get; init; }

    /// <summary>A hash of the unit's slice and moment: a result counts only for a unit that reads the same.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>Which attempt it was, from 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>The fencing number of the coordinator that ordered it.</summary>
    public required int Epoch { get; init; }

    /// <summary>Rows as they left the source, rejected ones among them.</summary>
    public required long RowsRead { get; init; }

    /// <summary>Rows that went to quarantine: <see cref="RowsRead"/> is <see cref="RowsWritten"/> and these.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Rejected { get; init; }

    /// <summary>The files that they are in, durable; null: none were rejected.</summary>
    public ImmutableArray<RejectFile>? Rejects { get; init; }

    /// <summary>The rules of <c>expect</c> that rows have broken, by their places in the job; null: none was.</summary>
    public ImmutableArray<RuleCount>? Rules { get; init; }

    /// <summary>Rows as they were handed to the writer.</summary>
    public required long RowsWritten { get; init; }

    /// <summary>
    /// The content hash of the rows as they left the source, after the stream's condition; null with <c>proof: counts</c>, and where steps lie between:
    /// their rows are counted as they come.
    /// </summary>
    public string? HashIn { get; init; }

    /// <summary>The content hash of the rows as they were handed to the writer; null with <c>proof: counts</c>, and for rows that go into buckets.</summary>
    public string? HashOut { get; init; }

    /// <summary>Bytes that were read from the source.</summary>
    public required long BytesRead { get; init; }

    /// <summary>What was looked up in stores; null: nothing.</summary>
    public LookupCounts? Lookups { get; init; }

    /// <summary>How many parts it was read in, when it was divided; their rows, hashes, bytes and files are summed up here.</summary>
    public int? Parts { get; init; }

    /// <summary>Staged files, durable.</summary>
    public required ImmutableArray<StagedFile> Files { get; init; }

    /// <summary>How long it took, in seconds.</summary>
    public required double Seconds { get; init; }
}

/// <summary>
/// A unit that is read in parts because it can't be read as a whole: written before the first part runs, so that a resumed run begins with
/// the parts and what they have brought counts.
/// </summary>
/// <param name="Fingerprint">What the unit reads.</param>
/// <param name="Unit">Its number.</param>
/// <param name="Why">What it failed with.</param>
/// <param name="Parts">The parts, which may be divided themselves.</param>
public sealed record Division(string Fingerprint, long Unit, string Why, ImmutableArray<Unit> Parts);

/// <summary>A file of rejected rows: one JSON object a line.</summary>
/// <param name="Path">Where it lies, relative to the stream's folder in the run directory, with <c>/</c>.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Bytes">Its size.</param>
public sealed record RejectFile(string Path, long Rows, long Bytes);

/// <summary>A file that a unit has staged.</summary>
/// <param name="Path">Where it lies, relative to the stream's staging folder, with <c>/</c>.</param>
/// <param name="PublishAs">
/// Its path in the published table, relative to the table's folder, with <c>/</c>: partition folders and a name that carries the run.
/// </param>
/// <param name="Bytes">Its size.</param>
/// <param name="Rows">Its rows.</param>
public sealed record StagedFile(string Path, string PublishAs, long Bytes, long Rows);
