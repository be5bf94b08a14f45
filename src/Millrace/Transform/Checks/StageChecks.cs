using System.Collections.Immutable;
using Millrace.Load;
using Millrace.Planning;

namespace Millrace.Transform;

/// <summary>The rules of <c>expect</c> that a stage's rows are checked against, behind its steps. Immutable; rules are known by their place in the job.</summary>
public sealed record StageChecks
{
    /// <summary>The columns that the rules see.</summary>
    public required ImmutableArray<Column> Columns { get; init; }

    /// <summary>A column more that passes by the rules (<see cref="SourcePlace"/>); null: there is none.</summary>
    public string? Place { get; init; }

    /// <summary>Rules about single rows.</summary>
    public ImmutableArray<RowCheck> Rows { get; init; } = [];

    /// <summary>What rows go to quarantine for: the same rules, where their action is quarantine.</summary>
    public ImmutableArray<Refusal> Refusals { get; init; } = [];

    /// <summary>Rules about rows with the same values; all such rows are in one unit.</summary>
    public ImmutableArray<UniqueCheck> Unique { get; init; } = [];

    /// <summary>True: the stage is one unit that reads a source, and rows with the same values are found as they pass. False: by asking its buckets once more.</summary>
    public bool InPlace { get; init; }

    /// <summary>How many rules the job has, those of other stages among them.</summary>
    public required int Rules { get; init; }

    /// <summary>The columns that the rules name, then the others: so the first characters of a row show what is wrong with it.</summary>
    internal ImmutableArray<Column> ShownFirst => [.. Columns.OrderByDescending(column => Named.Contains(column.Name, StringComparer.Ordinal))];

    /// <summary>The columns that the rules name.</summary>
    public ImmutableArray<string> Named { get; init; } = [];
}

/// <summary>A rule about single rows.</summary>
/// <param name="Rule">Its place in the job's rules, from 0.</param>
/// <param name="Broken">A condition of DuckDB's over the columns: true where a row breaks it.</param>
/// <param name="Leaves">Whether such a row goes to quarantine.</param>
public sealed record RowCheck(int Rule, string Broken, bool Leaves);

/// <summary>A rule that no two rows have the same values.</summary>
/// <param name="Rule">Its place in the job's rules, from 0.</param>
/// <param name="Columns">The columns that are compared together.</param>
public sealed record UniqueCheck(int Rule, ImmutableArray<string> Columns);
