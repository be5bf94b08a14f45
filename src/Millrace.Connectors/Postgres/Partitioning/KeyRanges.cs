using Millrace.Planning;

namespace Millrace.Connectors.Postgres.Partitioning;

/// <summary>
/// Ranges of a key between bounds that rise: the first has no lower bound and the last no upper one, each bound belongs to the range
/// above it, and rows with a NULL in any part of the key have a unit of their own. So any rising bounds cover every row once.
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
            yield return Unit(part, new PgKeyRange(key, from, bound), rows, bytes);
            from = bound;
        }

        yield return Unit(part, new PgKeyRange(key, from), rows, bytes);
        if (key.Any(static column => column.Nullable)) yield return Unit(part, new PgKeyRange(key) { IsNull = true }, rows: null, bytes: null);
    }

    private static PlannedUnit Unit(PgPart part, PgKeyRange range, long? rows, long? bytes) =>
        new(new PgSlice([part.Whole with { Key = range }]).ToJson(), part.Label(range.Label), rows, bytes);
}
