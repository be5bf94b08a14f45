using System.Collections.Immutable;
using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Planning;

/// <summary>What a stream's rule says about columns that are not those of the table they go to.</summary>
/// <param name="Rule">The stream's <c>schema</c>.</param>
/// <param name="Mode">What becomes of the rows that are there.</param>
/// <param name="Where">The place in the user's input.</param>
public sealed record SchemaRuling(SchemaRule Rule, WriteMode Mode, string Where)
{
    /// <summary>Lets the columns through, with what has changed in words; empty when nothing has.</summary>
    /// <param name="table">The table, its columns known.</param>
    /// <param name="columns">The columns that are to come.</param>
    /// <exception cref="Fault">The rule does not let them through.</exception>
    public ImmutableArray<string> Admit(PublishedTable table, ImmutableArray<Column> columns)
    {
        var differences = SchemaComparison.Compare(table.Columns!.Value, TableColumn.Of(columns));
        ImmutableArray<SchemaDifference> stopping = Rule switch
        {
            SchemaRule.Replace => [],
            SchemaRule.Freeze => differences,
            _ => [.. differences.Where(static difference => !difference.Evolves)],
        };
        if (stopping.IsEmpty) return [.. differences.Select(static difference => difference.ToString())];
        var rest = stopping.Length == differences.Length ? "" : $". What else has changed may: {Listed([.. differences.Except(stopping)])}";
        throw new Fault(FaultKind.Data, $"the columns are not those that run {table.Run} has left in {table.Identity}: {Listed(stopping)}{rest}")
        {
            Side = FaultSide.Source,
            Where = Where,
            Advice = Advice(stopping, columns),
        };
    }

    private static string Listed(ImmutableArray<SchemaDifference> differences)
    {
        var text = string.Join("; ", differences.Take(Limits.SchemaDifferencesNamedMax));
        return differences.Length > Limits.SchemaDifferencesNamedMax ? $"{text}; and {differences.Length - Limits.SchemaDifferencesNamedMax} more" : text;
    }

    private string Advice(ImmutableArray<SchemaDifference> differences, ImmutableArray<Column> columns)
    {
        var ways = new List<string>();
        if (differences.All(static difference => difference.Evolves)) ways.Add("let such changes through with schema: evolve");
        if (differences.FirstOrDefault(static difference => difference.Change == SchemaChange.Retyped) is { } retyped)
            ways.Add($"pin the type: types: {{{SourceName(retyped, columns)}: \"{retyped.Was}\"}}");
        if (differences.FirstOrDefault(static difference => difference.Was is null && difference.Is is not null) is { } added)
            ways.Add($"leave the new column out: columns: [\"*\", \"-{SourceName(added, columns)}\"]");
        if (differences.Any(static difference => difference.Change == SchemaChange.Gone)) ways.Add("give a renamed column its old name: rename: {NEW: OLD}");
        ways.Add("write to another table with `to:`");
        if (Mode == WriteMode.Append) ways.Add("or overwrite the table once, with mode: overwrite and schema: replace");
        if (Mode == WriteMode.Overwrite) ways.Add("or, when the change is meant, run once with --schema replace");
        var text = string.Join("; ", ways);
        return $"{char.ToUpperInvariant(text[0])}{text[1..]}.";
    }

    private static string SourceName(SchemaDifference difference, ImmutableArray<Column> columns) =>
        columns.First(column => string.Equals(column.Name, difference.Column, StringComparison.Ordinal)).SourceName;
}
