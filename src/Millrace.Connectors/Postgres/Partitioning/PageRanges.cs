using System.Globalization;
using Millrace.Planning;

namespace Millrace.Connectors.Postgres.Partitioning;

/// <summary>
/// Ranges of a heap's pages, as TID range scans (PostgreSQL 14 and later read just those pages). Rows that the snapshot sees never
/// move to another page, so half-open ranges whose first and last are open-ended cover each row once.
/// </summary>
internal static class PageRanges
{
    /// <summary>How many pages a unit of so many bytes or rows has; at least 1.</summary>
    internal static long PagesPerUnit(PgPart part, long unitBytes, long? unitRows)
    {
        var pages = Math.Max(part.Relation!.Pages, 1);
        if (unitRows is { } rows) return Math.Max(1, (long)(rows / Math.Max((double)(part.Rows ?? 0) / pages, 1e-9)));
        return Math.Max(1, (long)(unitBytes / Math.Max((double)(part.Bytes ?? 0) / pages, 1)));
    }

    /// <summary>The number of units that <see cref="Units"/> will give.</summary>
    internal static long Count(PgPart part, long pagesPerUnit) => Math.Max(1, (part.Relation!.Pages + pagesPerUnit - 1) / pagesPerUnit);

    /// <summary>The units, one at a time.</summary>
    internal static IEnumerable<PlannedUnit> Units(PgPart part, long pagesPerUnit)
    {
        var pages = part.Relation!.Pages;
        var count = Count(part, pagesPerUnit);
        for (long i = 0; i < count; i++)
        {
            var from = i * pagesPerUnit;
            var to = i == count - 1 ? pages : from + pagesPerUnit;
            var share = pages == 0 ? 1 : (double)(to - from) / pages;
            yield return new PlannedUnit(
                new PgSlice([part.Whole with { Tids = PgTidRange.Pages(from, i == count - 1 ? null : to) }]).ToJson(),
                part.Label(string.Create(CultureInfo.InvariantCulture, $"pages {from}-{Math.Max(to - 1, from)}")),
                part.Rows is { } rows ? (long)(rows * share) : null,
                part.Bytes is { } bytes ? (long)(bytes * share) : null);
        }
    }

    /// <summary>As many ranges as are asked for, for one unit that several connections read.</summary>
    internal static IEnumerable<PgPiece> Pieces(PgPart part, long count)
    {
        var pages = part.Relation!.Pages;
        count = Math.Clamp(count, 1, Math.Max(pages, 1));
        for (long i = 0; i < count; i++)
            yield return part.Whole with { Tids = PgTidRange.Pages(pages * i / count, i == count - 1 ? null : pages * (i + 1) / count) };
    }
}
