using System.Collections.Immutable;
using System.Globalization;
using Millrace.DuckDb;
using Millrace.Planning;

namespace Millrace.Transform;

/// <summary>
/// Where in a source a row comes from, as a column that stages carry along: the number of its unit and then its number in there. Rows that a join has
/// spread by key are put back into this order before they are written into folders: neighbours in the source are alike, and pack well. It decides
/// about no row, only about their order.
/// </summary>
internal static class SourcePlace
{
    // Rows of a unit: a place is a BIGINT, and a plan has Limits.UnitsMax units.
    private const int RowBits = 38;

    /// <summary>The column.</summary>
    public static Column Of(string name) => StageColumn.Of(name, DuckDbType.BigInt);

    /// <summary>A name that no column has.</summary>
    public static string FreeName(params IEnumerable<ImmutableArray<Column>> columns) =>
        SqlText.Free("millrace_place", columns.SelectMany(static some => some).Select(static column => column.Name));

    /// <summary>The place of each row of a unit, in the order in which they come.</summary>
    public static string Sql(long unit) => string.Create(CultureInfo.InvariantCulture, $"CAST({unit << RowBits} + row_number() OVER () AS BIGINT)");

    /// <summary>Columns but for one.</summary>
    public static ImmutableArray<Column> Without(ImmutableArray<Column> columns, string? place) => place is null ? columns : columns.RemoveAll(column => column.Name == place);

    /// <summary>A SELECT of some columns of a relation: of all but the place.</summary>
    public static string Select(ImmutableArray<Column> columns, string relation) => $"SELECT {KeySql.Names(columns.Select(static column => column.Name))} FROM {relation}";
}
