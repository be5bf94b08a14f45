using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Planning;

namespace Millrace.Transform;

/// <content>A stage while its steps are put together: each step gives the next form of it, until it is closed.</content>
public sealed partial record PlannedStage
{
    /// <summary>Whether rows are to be written in the order of the source, as far as its steps leave one.</summary>
    internal bool KeepsOrder { get; init; }

    /// <summary>The same rows element by element, as long as nothing but casts lies behind a <c>nest</c>: the last column is <see cref="ElementStream.First"/>.</summary>
    internal PlannedStage? InElements { get; init; }

    /// <summary>A stage of rows that come from a source.</summary>
    internal static PlannedStage From(StreamPlan plan, int? source, bool isWhole) => new()
    {
        Source = plan,
        SourceNumber = source,
        InputColumns = plan.Columns,
        Columns = plan.Columns,
        Words = [$"read {plan.Stream.Name}"],
        EstimatedBytes = RowBytes.Estimate(plan),
        IsWhole = isWhole,
    };

    /// <summary>One more step.</summary>
    /// <param name="word">What it does.</param>
    /// <param name="sql">A SELECT over <c>input</c>, which is what came before.</param>
    /// <param name="columns">What it gives.</param>
    internal PlannedStage Then(string word, string sql, ImmutableArray<Column> columns)
    {
        var before = Checks is null ? Sql : After;
        var all = before is null ? sql : $"WITH {StageHeader.Input} AS NOT MATERIALIZED ({before}) SELECT * FROM ({sql})";
        var next = this with { Columns = columns, Words = Words.Add(word), InElements = null };
        return Checks is null ? next with { Sql = all } : next with { After = all };
    }

    /// <summary>The same rows without <see cref="Place"/>: their order is lost.</summary>
    internal PlannedStage WithoutPlace() => Place is null ? this
        : Then("", SourcePlace.Select(OwnColumns, StageHeader.Input), OwnColumns) with { Place = null, Words = Words };

    /// <summary>The same rows without <see cref="Place"/> where one of these names is its own.</summary>
    internal PlannedStage WithRoomFor(IEnumerable<string> names) => Place is not null && names.Contains(Place, StringComparer.OrdinalIgnoreCase) ? WithoutPlace() : this;

    /// <summary>Whether rows with the same values in these columns are in one unit.</summary>
    internal bool Meets(ImmutableArray<string> columns) => !KeyedBy.IsEmpty && KeyedBy.All(name => columns.Contains(name, StringComparer.Ordinal));

    /// <summary>The stage with all of its steps.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="output">Where its rows go.</param>
    internal PlannedStage Close(int number, BucketOutput? output) => this with
    {
        Number = number,
        Output = output,
        Sql = Sql is null ? null : Typed(Sql, ColumnsOfSql),
        After = After is null ? null : Typed(After, Columns),
        Elements = InElements is { MemoryBytes: { } memory } elements ? new ElementStream(elements.OneSelect(), elements.Columns[^1].Name, memory) : null,
        InElements = null,
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
