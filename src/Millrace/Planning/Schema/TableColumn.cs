using System.Collections.Immutable;

namespace Millrace.Planning;

/// <summary>A column as a table in a target has it.</summary>
/// <param name="Name">Its name there; letter case counts.</param>
/// <param name="Type">Its type in DuckDB's spelling.</param>
/// <param name="Nullable">False when none of its values is NULL.</param>
public sealed record TableColumn(string Name, string Type, bool Nullable)
{
    /// <summary>What a stream's columns are in its target.</summary>
    public static ImmutableArray<TableColumn> Of(ImmutableArray<Column> columns) =>
        [.. columns.Select(static column => new TableColumn(column.Name, column.Type, column.Nullable))];
}

/// <summary>A table that is in a target already.</summary>
/// <param name="Identity">What tells it from all others; for people too.</param>
/// <param name="Columns">Its columns, as its last commit has left them; null when the table itself can't tell.</param>
/// <param name="Run">The run that has left them; null when the table itself can't tell.</param>
public sealed record PublishedTable(string Identity, ImmutableArray<TableColumn>? Columns = null, string? Run = null);
