using System.Globalization;
using Millrace.Planning;

namespace Millrace.Connectors.Postgres.Partitioning;

/// <summary>
/// Ranges of a key between bounds that rise: the first has no lower bound and the last no upper one, each bound belongs to the range
/// above it, and rows with a NULL in any part of the key have a unit of their own. So any rising bounds cover every row once.
/// Both sides of a bound are the same literal, compared by the column's own order and collation.
/// </summary>
internal static class KeyRanges
{
    /// <summary>The units between the bounds; each bound has one text for each column of the key.</summary>
    internal static IEnumerable<PlannedUnit> Units(PgPart part, IReadOnlyList<KeyColumn> key, IEnumerable<string[]> bounds, long expected)
    {
        long? rows = part.Rows is { } r ? r / Math.Max(expected, 1) : null;
        long? bytes = part.Bytes is { } b ? b / Math.Max(expected, 1) : null;
        string[]? from = null;
        foreach (var bound in bounds)
        {
            yield return Unit(part, Condition(key, from, bound), Label(key, from, bound), rows, bytes);
            from = bound;
        }

        yield return Unit(part, Condition(key, from, to: null), Label(key, from, to: null), rows, bytes);
        if (key.Any(static column => column.Nullable))
            yield return Unit(part, NullCondition(key), $"{Names(key)} is null", rows: null, bytes: null);
    }

    /// <summary>The ranges as pieces of one unit.</summary>
    internal static IEnumerable<PgPiece> Pieces(PgPart part, IReadOnlyList<KeyColumn> key, IEnumerable<string[]> bounds)
    {
        string[]? from = null;
        foreach (var bound in bounds)
        {
            yield return new PgPiece(part.From, Condition(key, from, bound));
            from = bound;
        }

        yield return new PgPiece(part.From, Condition(key, from, to: null));
        if (key.Any(static column => column.Nullable)) yield return new PgPiece(part.From, NullCondition(key));
    }

    private static string Condition(IReadOnlyList<KeyColumn> key, string[]? from, string[]? to)
    {
        var conditions = new List<string>();
        // A row comparison is decided by the first parts that differ: a NULL behind them would go unnoticed.
        foreach (var column in key)
        {
            if (column.Nullable) conditions.Add($"{column.Sql} IS NOT NULL");
        }

        if (from is not null) conditions.Add($"{Row(key)} >= {Values(key, from)}");
        if (to is not null) conditions.Add($"{Row(key)} < {Values(key, to)}");
        return conditions.Count == 0 ? "true" : string.Join(" AND ", conditions);
    }

    private static string NullCondition(IReadOnlyList<KeyColumn> key) =>
        string.Join(" OR ", key.Where(static column => column.Nullable).Select(static column => $"{column.Sql} IS NULL"));

    private static string Row(IReadOnlyList<KeyColumn> key) => key.Count == 1 ? key[0].Sql : $"({string.Join(", ", key.Select(static c => c.Sql))})";

    private static string Values(IReadOnlyList<KeyColumn> key, string[] values)
    {
        var literals = string.Join(", ", key.Select((column, i) => column.Literal(values[i])));
        return key.Count == 1 ? literals : $"({literals})";
    }

    private static string Label(IReadOnlyList<KeyColumn> key, string[]? from, string[]? to) => (from, to) switch
    {
        (null, null) => $"every {Names(key)}",
        (null, _) => $"{Names(key)} < {Short(to)}",
        (_, null) => $"{Names(key)} >= {Short(from)}",
        _ => $"{Names(key)} {Short(from)} to {Short(to)}",
    };

    private static string Names(IReadOnlyList<KeyColumn> key) => string.Join(", ", key.Select(static c => c.Name));

    private static string Short(string[] values)
    {
        const int CharsMax = 40;
        var text = string.Join(", ", values);
        return text.Length <= CharsMax ? text : string.Create(CultureInfo.InvariantCulture, $"{text.AsSpan(0, CharsMax)}…");
    }

    private static PlannedUnit Unit(PgPart part, string where, string label, long? rows, long? bytes) =>
        new(new PgSlice([new PgPiece(part.From, where)]).ToJson(), part.Label(label), rows, bytes);
}
