using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Millrace.DuckDb;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Transform;

/// <summary>
/// What happens to a unit's rows between its reader and its writer, where that is not nothing: the stage's SQL, what it reads besides, and whether
/// its ends are buckets. Part of a <see cref="Runs.StreamHeader"/>; immutable, no secrets.
/// </summary>
public sealed record StageHeader
{
    /// <summary>The name of a unit's rows in <see cref="Sql"/>.</summary>
    public const string Input = "input";

    /// <summary>Which stage of the stream it is: 0 for the one that writes to the target, earlier ones from 1.</summary>
    public required int Number { get; init; }

    /// <summary>The columns as they leave the reader.</summary>
    public required ImmutableArray<Column> InputColumns { get; init; }

    /// <summary>A complete SELECT over <see cref="Input"/> and <see cref="Sides"/>; null: rows stay as they are.</summary>
    public string? Sql { get; init; }

    /// <summary>The rules that rows are checked against behind it; null: there are none.</summary>
    public StageChecks? Checks { get; init; }

    /// <summary>A complete SELECT over <see cref="Input"/> behind the rules; null: rows stay as they are. What comes last has the header's columns.</summary>
    public string? After { get; init; }

    /// <summary>Buckets that every unit reads whole: the small sides of joins.</summary>
    public ImmutableArray<BucketRelation> Sides { get; init; } = [];

    /// <summary>What is looked up in stores: a function of <see cref="Sql"/> for each, by its place.</summary>
    public ImmutableArray<LookupHeader> Lookups { get; init; } = [];

    /// <summary>Buckets of which each unit reads some; empty: units are read from a source. The first is the one whose rows are counted.</summary>
    public ImmutableArray<BucketRelation> Buckets { get; init; } = [];

    /// <summary>A complete SELECT over <see cref="Buckets"/> whose columns are <see cref="InputColumns"/>; null unless there are any.</summary>
    public string? BucketSql { get; init; }

    /// <summary>SQL expressions over <see cref="InputColumns"/> by which each unit's rows are ordered; empty: in no order.</summary>
    public ImmutableArray<string> BucketOrder { get; init; } = [];

    /// <summary>
    /// Rows of one partition that are handed over by one statement, a file each, the next statement going on behind them; null: a unit has one statement.
    /// </summary>
    public long? PortionRows { get; init; }

    /// <summary>DuckDB's ceiling in each process while the stage's units run, in bytes; null: the job's.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>How a key is found that alone is too large; null: nobody asks.</summary>
    public KeyQuestion? Largest { get; init; }

    /// <summary>How a unit with such a key is written element by element; null: it can't be.</summary>
    public ElementStream? Elements { get; init; }

    /// <summary>The stage that was given up, whose work this one does; null: there is none.</summary>
    public int? InsteadOf { get; init; }

    /// <summary>Which of the job's other sources units are read from (<see cref="Worker.WorkerSettings.Sides"/>); null: its own, or buckets.</summary>
    public int? Source { get; init; }

    /// <summary>How rows are spread into buckets; null: they go to the target.</summary>
    public BucketOutput? Output { get; init; }

    /// <summary>What <c>now()</c> and its kin are: when the run began.</summary>
    public required DateTimeOffset RunStart { get; init; }

    /// <summary>How many rows of a unit each of its statements hands over; null: it has one statement, as its rows are of several partitions or few.</summary>
    public long? PortionOf(Unit unit) => PortionRows is null || BucketUnitReader.SliceOf(unit).HasManyKeys ? null : PortionRows;

    /// <summary>Whether rows are read from the stream's source and reach its target as they are, those that break a rule apart.</summary>
    internal bool OnlyChecks => Sql is null && After is null && Buckets.IsEmpty && Output is null;

    /// <summary>Whether two stages do the same with the same files.</summary>
    internal static bool AreEqual(StageHeader? one, StageHeader? other) =>
        one is null || other is null ? one == other
            : JsonSerializer.SerializeToUtf8Bytes(one, TransformJson.Default.StageHeader).AsSpan().SequenceEqual(JsonSerializer.SerializeToUtf8Bytes(other, TransformJson.Default.StageHeader));
}

/// <summary>How a stage spreads its rows into buckets.</summary>
/// <param name="Buckets">How many.</param>
/// <param name="Keys">SQL expressions over the stage's columns; rows with equal values go into one bucket. Empty: all rows are in bucket 0.</param>
/// <param name="BlockBytes">Bytes of one bucket's rows that are collected before they are written.</param>
/// <param name="ByValue">True: each key has a bucket of its own as far as that goes, and so many of them collect rows at once.</param>
public sealed record BucketOutput(int Buckets, ImmutableArray<string> Keys, int BlockBytes, bool ByValue = false)
{
    /// <summary>Where few keys share the memory of all: bytes that are collected of one at most.</summary>
    public int ValueBlockBytes { get; init; } = BucketSettings.ValueBlockBytesMax;

    /// <summary>A column that the writer adds: where in the stage's source the row comes from (<see cref="SourcePlace"/>); null: none.</summary>
    public string? Place { get; init; }

    /// <summary>Where rows have such a column already: bytes that blocks take at most in memory of which they are put in order again.</summary>
    public long MergeBytes { get; init; }
}

/// <summary>How rows of several buckets and files are put in the order of their source again.</summary>
/// <param name="Column">The column that says where in there they come from (<see cref="SourcePlace"/>).</param>
/// <param name="BytesMax">Bytes that blocks take at most in memory.</param>
/// <param name="By">What is put together: files, or buckets, may follow each other.</param>
public sealed record BucketMerge(string Column, long BytesMax, MergeBy By = MergeBy.All);

/// <summary>The rows of an earlier stage, as a relation of a later stage's SQL.</summary>
/// <param name="Name">Its name in SQL, unquoted.</param>
/// <param name="Columns">Its columns.</param>
/// <param name="Keys">SQL expressions over its columns: by their values a bucket is read in parts.</param>
/// <param name="Files">The bucket files in plan order, relative to the run directory, with <c>/</c>.</param>
/// <param name="Buckets">How many buckets each file has.</param>
/// <param name="ByValue">True: a bucket has one key, and its rows need not be read together.</param>
public sealed record BucketRelation(
    string Name, ImmutableArray<Column> Columns, ImmutableArray<string> Keys, ImmutableArray<string> Files, int Buckets, bool ByValue = false)
{
    /// <summary>How its rows are put in the order of their source again; null: they come as they lie there.</summary>
    public BucketMerge? Merge { get; init; }
}

/// <summary>What a unit reads of each of its stage's <see cref="StageHeader.Buckets"/>.</summary>
/// <param name="First">The first bucket.</param>
/// <param name="End">The bucket after the last.</param>
/// <param name="Part">Which part of them by another hash of the key, from 0.</param>
/// <param name="Of">In how many parts they are read; 1: whole.</param>
/// <param name="Rows">The rows in the buckets of each relation, all parts together: as many must be read.</param>
/// <param name="Content">What tells these files from others: a hash of their names.</param>
/// <param name="From">The first row that is read of the bucket's, in the order of the files: with it, <paramref name="Rows"/> are read from there on. Null: all.</param>
/// <param name="ByElement">Whether they are read as <see cref="StageHeader.Elements"/> says.</param>
public sealed record BucketSlice(
    int First,
    int End,
    int Part,
    int Of,
    ImmutableArray<long> Rows,
    string Content,
    long? From = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool ByElement = false)
{
    /// <summary>Whether a bucket that should have one key has several: the numbers that make buckets of keys are no longer than 31 bits.</summary>
    public bool IsShared { get; init; }

    /// <summary>Whether a slice of buckets that each have one key has several of them.</summary>
    [JsonIgnore]
    internal bool HasManyKeys => IsShared || End - First > 1;
}
