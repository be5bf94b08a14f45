using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Planning;

namespace Millrace.Transform;

/// <summary>A stage while its steps are put together: immutable, each step gives the next one.</summary>
internal sealed record StageDraft
{
    /// <summary>The source's plan; null: it reads buckets.</summary>
    public StreamPlan? Source { get; init; }

    /// <summary>Which of the job's other sources it is of.</summary>
    public int? SourceNumber { get; init; }

    /// <summary>The stages that it reads by key.</summary>
    public ImmutableArray<StageInput> Keyed { get; init; } = [];

    /// <summary>SQL over these.</summary>
    public string? KeySql { get; init; }

    /// <summary>Whether a key takes more memory the more rows it has.</summary>
    public bool GrowsWithRows { get; init; }

    /// <summary>DuckDB's ceiling in each process while the stage's units run, in bytes; null: the job's.</summary>
    public long? MemoryBytes { get; init; }

    /// <summary>How a key is found that alone is too large; null: nobody asks.</summary>
    public KeyQuestion? Largest { get; init; }

    /// <summary>Whether rows are to be written in the order of the source, as far as its steps leave one.</summary>
    public bool KeepsOrder { get; init; }

    /// <summary>The column of <see cref="Columns"/> that says where in the source a row comes from (<see cref="SourcePlace"/>); null: none does.</summary>
    public string? Place { get; init; }

    /// <summary>The same rows element by element, as long as nothing but casts lies behind a <c>nest</c>: the last column is <see cref="ElementStream.First"/>.</summary>
    public StageDraft? Elements { get; init; }

    /// <summary>Columns by whose values together rows meet in one unit; empty: rows are in any unit.</summary>
    public ImmutableArray<string> KeyedBy { get; init; } = [];

    /// <summary>Bytes that a unit needs for each byte of these.</summary>
    public int StateFactor { get; init; } = 1;

    /// <summary>The stages that each unit reads whole.</summary>
    public ImmutableArray<StageInput> Sides { get; init; } = [];

    /// <summary>What is looked up in stores: a function of <see cref="Sql"/> for each, by its place.</summary>
    public ImmutableArray<LookupHeader> Lookups { get; init; } = [];

    /// <summary>The columns before any SQL.</summary>
    public required ImmutableArray<Column> InputColumns { get; init; }

    /// <summary>The steps so far.</summary>
    public string? Sql { get; init; }

    /// <summary>The rules behind these steps; null: there are none.</summary>
    public StageChecks? Checks { get; init; }

    /// <summary>The steps behind the rules.</summary>
    public string? After { get; init; }

    /// <summary>The columns after them.</summary>
    public required ImmutableArray<Column> Columns { get; init; }

    /// <summary>These without <see cref="Place"/>: the ones that a job can name.</summary>
    public ImmutableArray<Column> OwnColumns => SourcePlace.Without(Columns, Place);

    /// <summary>What it does, word by word.</summary>
    public ImmutableArray<string> Words { get; init; } = [];

    /// <summary>About how many rows it reads at most; null: unknown.</summary>
    public long? Rows { get; init; }

    /// <summary>About how many bytes these are between stages; null: unknown.</summary>
    public long? Bytes { get; init; }

    /// <summary>True when one unit reads all of it.</summary>
    public bool IsWhole { get; init; }

    /// <summary>The draft of rows that come from a source.</summary>
    public static StageDraft From(StreamPlan plan, int? source, bool isWhole) => new()
    {
        Source = plan,
        SourceNumber = source,
        InputColumns = plan.Columns,
        Columns = plan.Columns,
        Words = [$"read {plan.Stream.Name}"],
        Rows = plan.EstimatedRows,
        Bytes = RowBytes.Estimate(plan),
        IsWhole = isWhole,
    };

    /// <summary>One more step.</summary>
    /// <param name="word">What it does.</param>
    /// <param name="sql">A SELECT over <c>input</c>, which is what came before.</param>
    /// <param name="columns">What it gives.</param>
    public StageDraft Then(string word, string sql, ImmutableArray<Column> columns)
    {
        var before = Checks is null ? Sql : After;
        var all = before is null ? sql : $"WITH {StageHeader.Input} AS NOT MATERIALIZED ({before}) SELECT * FROM ({sql})";
        var next = this with { Columns = columns, Words = Words.Add(word), Elements = null };
        return Checks is null ? next with { Sql = all } : next with { After = all };
    }

    /// <summary>The same rows without <see cref="Place"/>: their order is lost.</summary>
    public StageDraft WithoutPlace() => Place is null ? this
        : Then("", SourcePlace.Select(OwnColumns, StageHeader.Input), OwnColumns) with { Place = null, Words = Words };

    /// <summary>The same rows without <see cref="Place"/> where one of these names is its own.</summary>
    public StageDraft WithRoomFor(IEnumerable<string> names) => Place is not null && names.Contains(Place, StringComparer.OrdinalIgnoreCase) ? WithoutPlace() : this;

    /// <summary>Whether rows with the same values in these columns are in one unit.</summary>
    public bool Meets(ImmutableArray<string> columns) => !KeyedBy.IsEmpty && KeyedBy.All(name => columns.Contains(name, StringComparer.Ordinal));

    /// <summary>The same rows in a stage that is done: what a later step reads.</summary>
    public PlannedStage Close(int number, BucketOutput? output) => new()
    {
        Number = number,
        Label = string.Join(", ", Words),
        Source = Source,
        SourceNumber = SourceNumber,
        Keyed = Keyed,
        KeySql = KeySql,
        KeyedBy = KeyedBy,
        StateFactor = StateFactor,
        MemoryBytes = MemoryBytes,
        GrowsWithRows = GrowsWithRows,
        Largest = Largest,
        Elements = Elements is { MemoryBytes: { } memory } ? new ElementStream(Elements.OneSelect(), Elements.Columns[^1].Name, memory) : null,
        Sides = Sides,
        Lookups = Lookups,
        InputColumns = InputColumns,
        Sql = Sql is null ? null : Typed(Sql, ColumnsOfSql),
        Checks = Checks,
        After = After is null ? null : Typed(After, Columns),
        Columns = Columns,
        Place = Place,
        Output = output,
        IsWhole = IsWhole,
        EstimatedBytes = Bytes,
    };

    private ImmutableArray<Column> ColumnsOfSql => Checks is null ? Columns : Checks.Place is { } place ? Checks.Columns.Add(SourcePlace.Of(place)) : Checks.Columns;

    /// <summary>All of it as one SELECT over what it reads by key.</summary>
    private string OneSelect() => Sql is null ? KeySql! : $"SELECT * FROM (WITH {StageHeader.Input} AS NOT MATERIALIZED ({KeySql}) {Typed(Sql, Columns)})";

    // A value that is NULL and nothing else has no type before it is written, unless it is given the one that was planned.
    private static string Typed(string sql, ImmutableArray<Column> columns)
    {
        var typed = columns.Select(static column => $"CAST({SqlText.Name(column.Name)} AS {column.Type}) AS {SqlText.Name(column.Name)}");
        return $"SELECT {string.Join(", ", typed)} FROM ({sql})";
    }
}

/// <summary>About how large rows are between stages.</summary>
internal static class RowBytes
{
    /// <summary>About how many bytes a stream's rows are; null where nobody knows how many there are.</summary>
    public static long? Estimate(StreamPlan plan)
    {
        if (plan.EstimatedRows is { } rows) return rows * plan.Columns.Sum(static column => Of(DuckDbType.Parse(column.Type)));
        return plan.EstimatedBytes * Limits.PackedTimesMax;
    }

    private static long Of(DuckDbType type) => type.IsNested ? Limits.NestedBytesGuess : type.Kind is DuckDbKind.Varchar or DuckDbKind.Blob ? Limits.TextBytesGuess : type.ValueBytes;
}
