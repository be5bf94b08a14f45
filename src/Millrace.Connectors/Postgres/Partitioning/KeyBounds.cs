using System.Globalization;
using Millrace.Connectors.Postgres.Catalog;

namespace Millrace.Connectors.Postgres.Partitioning;

/// <summary>Where a key is looked at to find bounds.</summary>
/// <param name="From">The FROM item with its alias.</param>
/// <param name="Relation">The relation whose statistics count; null for a query.</param>
/// <param name="CanSample">Whether TABLESAMPLE works on it.</param>
/// <param name="WithChildren">Whether the relation's statistics with its children are meant.</param>
/// <param name="Where">The user's condition, null for none.</param>
internal sealed record KeyPlace(string From, PgRelation? Relation, bool CanSample, bool WithChildren, string? Where);

/// <summary>
/// Finds bounds that cut a key into ranges of about as many rows each, from pg_stats' histogram where there is one and from a sample
/// of the rows otherwise: gaps and skew do not matter. Every order is PostgreSQL's own.
/// </summary>
internal sealed class KeyBounds
{
    private const int HistogramMin = 10;

    private readonly PgControl _control;
    private readonly PgCatalog _catalog;
    private readonly string _searchPath;

    internal KeyBounds(PgControl control, PgCatalog catalog, PgSearchPath searchPath)
    {
        _control = control;
        _catalog = catalog;
        _searchPath = searchPath.Sql;
    }

    /// <summary>
    /// Values of one column in rising order with about as many rows between each two: what bounds are interpolated from. Integers
    /// reach up to the present MAX when an index has it.
    /// </summary>
    internal async Task<IReadOnlyList<string>> AnchorsAsync(KeyColumn column, KeyPlace place, bool indexed, CancellationToken cancel)
    {
        var histogram = place.Relation is null ? [] : await _catalog.HistogramAsync(place.Relation, column.Name, place.WithChildren, cancel);
        if (histogram.Count < HistogramMin)
            return [.. (await SampleAsync([column], place, Limits.PgBoundKeysMax, cancel)).Select(static row => row[0])];
        if (!indexed || !column.IsInteger) return histogram;
        var ends = (await RunAsync($"SELECT min({column.Sql}), max({column.Sql}) FROM {place.From}", cancel))[0];
        return ends[0] is null ? histogram : Extended([.. histogram.Select(PgCatalog.Number)], PgCatalog.Number(ends[0]), PgCatalog.Number(ends[1]));
    }

    /// <summary>Bounds for so many ranges of a key of any types, at most; fewer when there are not enough different keys.</summary>
    internal async Task<IReadOnlyList<string[]>> BoundsAsync(IReadOnlyList<KeyColumn> key, KeyPlace place, long ranges, CancellationToken cancel)
    {
        if (ranges <= 1) return [];
        if (key.Count == 1 && place.Relation is not null)
        {
            var histogram = await _catalog.HistogramAsync(place.Relation, key[0].Name, place.WithChildren, cancel);
            if (histogram.Count > ranges) return Picked([.. histogram.Select(static text => new[] { text })], ranges);
        }

        return Picked(await SampleAsync(key, place, (int)Math.Min(ranges * 20, Limits.PgBoundKeysMax), cancel), ranges);
    }

    /// <summary>Bounds between integers: as many as are asked for, computed one by one from the anchors.</summary>
    internal static IEnumerable<string[]> Interpolated(IReadOnlyList<string> anchors, long ranges)
    {
        var values = anchors.Select(PgCatalog.Number).ToArray();
        if (values.Length < 2) yield break;
        long? last = null;
        for (long i = 1; i < ranges; i++)
        {
            var place = (Int128)i * (values.Length - 1);
            var bucket = (int)(place / ranges);
            var rest = place % ranges;
            var bound = (long)(values[bucket] + ((((Int128)values[bucket + 1]) - values[bucket]) * rest / ranges));
            if (bound <= last || bound <= values[0]) continue;
            last = bound;
            yield return [bound.ToString(CultureInfo.InvariantCulture)];
        }
    }

    /// <summary>Rows that came after the last ANALYZE lie beyond the histogram's ends: go on there at the same density.</summary>
    private static IReadOnlyList<string> Extended(long[] histogram, long min, long max)
    {
        var values = new List<long>(histogram);
        var width = Int128.Max(1, ((Int128)histogram[^1] - histogram[0]) / (histogram.Length - 1));
        for (var i = 0; i < histogram.Length && values[^1] < max; i++) values.Add((long)Int128.Min(values[^1] + width, max));
        if (values[^1] < max) values.Add(max);
        if (min < values[0]) values.Insert(0, min);
        return [.. values.Select(static value => value.ToString(CultureInfo.InvariantCulture))];
    }

    /// <summary>Keys in their order, evenly spread over the rows, without those that have a NULL.</summary>
    private async Task<IReadOnlyList<string[]>> SampleAsync(IReadOnlyList<KeyColumn> key, KeyPlace place, int count, CancellationToken cancel)
    {
        var columns = string.Join(", ", key.Select(static c => c.Sql));
        var texts = string.Join(", ", key.Select(static (c, i) => string.Create(CultureInfo.InvariantCulture, $"{c.Sql}::pg_catalog.text AS t{i}")));
        var present = string.Join(" AND ", key.Select(static c => $"{c.Sql} IS NOT NULL"));
        var rows = place.Relation?.EstimatedRows ?? long.MaxValue;
        if (place.CanSample && rows > 2L * count)
        {
            var share = Math.Min(100, 100.0 * count / rows);
            var sample = await RunAsync(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"SELECT {texts} FROM {place.From} TABLESAMPLE SYSTEM ({Math.Max(share, 1e-4):0.#####}) REPEATABLE (0) WHERE {present} ORDER BY {columns} LIMIT {4 * count}"),
                cancel);
            if (sample.Count >= Math.Min(count / 10, 100)) return Rows(sample);
        }

        // Every row is looked at once, on the server; only evenly spread keys come here.
        var where = place.Where is null ? present : $"{present} AND ({place.Where}\n)";
        return Rows(await RunAsync(
            string.Create(
                CultureInfo.InvariantCulture,
                $"""
                SELECT {string.Join(", ", key.Select(static (_, i) => $"t{i}"))} FROM (
                    SELECT {texts}, row_number() OVER (ORDER BY {columns}) AS row_place, count(*) OVER () AS row_count FROM {place.From} WHERE {where}
                ) AS spread WHERE row_place % greatest(row_count / {count}, 1) = 0 ORDER BY row_place
                """),
            cancel));
    }

    private Task<IReadOnlyList<string?[]>> RunAsync(string sql, CancellationToken cancel) =>
        _control.TryAsync(_searchPath, moment: null, () => _control.QueryAsync(sql, [], cancel), cancel);

    private static IReadOnlyList<string[]> Rows(IReadOnlyList<string?[]> rows) => [.. rows.Select(static row => Array.ConvertAll(row, static text => text!))];

    /// <summary>Evenly spread ones of the sorted keys, equal ones once.</summary>
    private static IReadOnlyList<string[]> Picked(IReadOnlyList<string[]> sorted, long ranges)
    {
        var picked = new List<string[]>();
        for (long i = 1; i < ranges && sorted.Count > 0; i++)
        {
            var bound = sorted[(int)(i * sorted.Count / ranges)];
            if (picked.Count == 0 || !picked[^1].AsSpan().SequenceEqual(bound)) picked.Add(bound);
        }

        return picked;
    }
}
