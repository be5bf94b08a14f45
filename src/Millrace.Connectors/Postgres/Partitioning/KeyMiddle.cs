using System.Globalization;
using Millrace.Connectors.Postgres.Catalog;

namespace Millrace.Connectors.Postgres.Partitioning;

/// <summary>Where a piece falls into two about equal parts, as the server sees it: any other value would cut it soundly too.</summary>
/// <param name="Key">The key that the upper part begins with, a text for each column.</param>
/// <param name="First">The lower part's first key.</param>
/// <param name="LowerRows">Rows of the lower part.</param>
/// <param name="UpperRows">Rows of the upper part.</param>
/// <param name="LowerIsOne">Whether all of the lower part has one key.</param>
/// <param name="UpperIsOne">Whether all of the upper part has one key.</param>
internal sealed record KeyMiddle(string[] Key, string[] First, long LowerRows, long UpperRows, bool LowerIsOne, bool UpperIsOne)
{
    /// <summary>What a text holds that came in no known encoding and can't be sent back.</summary>
    private const char Unreadable = '\uFFFD';

    /// <summary>
    /// Asks for the border between two different keys that is nearest to the middle row of a piece. Equality and order are the server's.
    /// Null: the piece has one key, or no row.
    /// </summary>
    internal static async Task<KeyMiddle?> FindAsync(PieceQuery query, PgPiece piece, IReadOnlyList<KeyColumn> key, CancellationToken cancel)
    {
        var numbers = Enumerable.Range(0, key.Count).Select(static i => i.ToString(CultureInfo.InvariantCulture)).ToArray();
        var texts = string.Join(", ", key.Zip(numbers, static (column, i) => $"{column.Sql}::pg_catalog.text AS key_{i}, first_value({column.Sql}::pg_catalog.text) OVER keys AS first_{i}"));
        var rows = await query.RunAsync(
            $"""
            SELECT row_place - 1, row_count - row_place + 1, group_place = 2, group_place = group_count,
                   {string.Join(", ", numbers.Select(static i => $"key_{i}"))}, {string.Join(", ", numbers.Select(static i => $"first_{i}"))}
            FROM (SELECT *, max(group_place) OVER () AS group_count FROM (
                SELECT {texts}, rank() OVER keys AS row_place, dense_rank() OVER keys AS group_place, count(*) OVER () AS row_count
                FROM {query.Reading.RangeOf(piece)} WINDOW keys AS (ORDER BY {string.Join(", ", key.Select(static column => column.Sql))})) AS ranked) AS grouped
            WHERE row_place > 1 ORDER BY abs(2 * (row_place - 1) - row_count), row_place LIMIT 1
            """,
            cancel);
        if (rows.Count == 0) return null;
        var row = rows[0];
        var middle = Array.ConvertAll(row[4..(4 + key.Count)], static text => text!);
        if (middle.Any(static text => text.Contains(Unreadable, StringComparison.Ordinal))) return null;
        return new KeyMiddle(
            middle, Array.ConvertAll(row[(4 + key.Count)..], static text => text!), PgCatalog.Number(row[0]), PgCatalog.Number(row[1]), row[2] == "t", row[3] == "t");
    }
}

/// <summary>Asks about the rows of a piece's range, at the unit's moment where that is still held.</summary>
/// <param name="Control">The connection.</param>
/// <param name="Reading">How the stream is read.</param>
/// <param name="Moment">The moment that units are read at; null: none.</param>
internal sealed record PieceQuery(PgControl Control, PgReading Reading, PgMoment? Moment)
{
    /// <summary>Runs a query under the user's search path.</summary>
    internal Task<IReadOnlyList<string?[]>> RunAsync(string sql, CancellationToken cancel) =>
        Control.TryAsync(Reading.SearchPath ?? "pg_catalog", Moment, () => Control.QueryAsync(sql, [], cancel), cancel);
}
