using System.Collections.Immutable;
using Millrace.Planning;

namespace Millrace.Transform;

/// <summary>One stage before it runs: where its rows come from, what becomes of them, where they go.</summary>
public sealed partial record PlannedStage
{
    /// <summary>Its number; 0 for the one that writes to the target.</summary>
    public int Number { get; init; }

    /// <summary>What it does, for people, step by step.</summary>
    public required ImmutableArray<string> Words { get; init; }

    /// <summary>What it does, for people.</summary>
    public string Label => string.Join(", ", Words);

    /// <summary>The source's plan; null: it reads the buckets of earlier stages.</summary>
    public StreamPlan? Source { get; init; }

    /// <summary>Which of the job's other sources that plan is of; null: the job's own.</summary>
    public int? SourceNumber { get; init; }

    /// <summary>The earlier stages whose buckets each unit reads some of, with their names in <see cref="KeySql"/>; empty: it reads a source.</summary>
    public ImmutableArray<StageInput> Keyed { get; init; } = [];

    /// <summary>SQL over <see cref="Keyed"/>; null unless there are any.</summary>
    public string? KeySql { get; init; }

    /// <summary>Columns by whose values together its rows meet in one unit; empty: rows are in any unit.</summary>
    public ImmutableArray<string> KeyedBy { get; init; } = [];

    /// <summary>SQL expressions by which each unit's rows are ordered as they come out of <see cref="Keyed"/>; empty: in no order.</summary>
    public ImmutableArray<string> Order { get; init; } = [];

    /// <summary>Rows of one partition that one statement hands over, a file each; null: all.</summary>
    public long? PortionRows { get; init; }

    /// <summary>The column of <see cref="Columns"/> that says where in the source a row comes from (<see cref="SourcePlace"/>); null: none does.</summary>
    public string? Place { get; init; }

    /// <summary>DuckDB's ceiling in each process while the stage's units run, in bytes; null: the job's.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>How a key is found that alone is too large; null: nobody asks.</summary>
    public KeyQuestion? Largest { get; init; }

    /// <summary>How a unit with such a key is written element by element; null: it can't be.</summary>
    public ElementStream? Elements { get; init; }

    /// <summary>The stage that was given up, whose work this one does; null: there is none.</summary>
    public int? InsteadOf { get; init; }

    /// <summary>How many bytes a unit of it needs for each byte of its rows.</summary>
    public int StateFactor { get; init; } = 1;

    /// <summary>Whether a key takes more memory the more rows it has.</summary>
    public bool GrowsWithRows { get; init; }

    /// <summary>The earlier stages that every unit reads whole, with their names in <see cref="Sql"/>.</summary>
    public ImmutableArray<StageInput> Sides { get; init; } = [];

    /// <summary>What is looked up in stores: a function of <see cref="Sql"/> for each, by its place.</summary>
    public ImmutableArray<LookupHeader> Lookups { get; init; } = [];

    /// <summary>The columns before <see cref="Sql"/>.</summary>
    public required ImmutableArray<Column> InputColumns { get; init; }

    /// <summary>SQL over <c>input</c> and <see cref="Sides"/>; null: rows stay as they are.</summary>
    public string? Sql { get; init; }

    /// <summary>The rules behind it; null: there are none.</summary>
    public StageChecks? Checks { get; init; }

    /// <summary>SQL over <c>input</c> behind the rules; null: rows stay as they are.</summary>
    public string? After { get; init; }

    /// <summary>The columns after all of it.</summary>
    public required ImmutableArray<Column> Columns { get; init; }

    /// <summary>How its rows are spread; null: they go to the target.</summary>
    public BucketOutput? Output { get; init; }

    /// <summary>About how many bytes its rows are before its steps; null: unknown.</summary>
    public long? EstimatedBytes { get; init; }

    /// <summary>True when all its rows must be seen by one unit: it is small, and a key step stands in it.</summary>
    public bool IsWhole { get; init; }

    /// <summary>These columns without <see cref="Place"/>: the ones that a job can name.</summary>
    public ImmutableArray<Column> OwnColumns => SourcePlace.Without(Columns, Place);
}
