using System.Collections.Immutable;
using Millrace.Connectors.Postgres.Catalog;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Connectors.Postgres.Partitioning;

/// <summary>What a stream's parts are cut by.</summary>
internal sealed record CutRequest
{
    /// <summary>The stream.</summary>
    public required StreamJob Stream { get; init; }

    /// <summary>The stream's columns.</summary>
    public required ImmutableArray<PgAttribute> Attributes { get; init; }

    /// <summary>Bytes that a unit aims at.</summary>
    public required long UnitBytes { get; init; }

    /// <summary>The server's version as a number.</summary>
    public required int ServerVersion { get; init; }

    /// <summary>The most hash buckets: connections.</summary>
    public required int Connections { get; init; }

    /// <summary>The key that the user named, else empty.</summary>
    public ImmutableArray<KeyColumn> Key { get; init; } = [];
}

/// <summary>Picks a strategy for one part of a stream and cuts it. The reasons are sentences for people.</summary>
internal sealed class PartCutter
{
    private const int PageRangesFrom = 140_000;

    private readonly CutRequest _request;
    private readonly KeyBounds _bounds;
    private readonly PgCatalog _catalog;

    internal PartCutter(CutRequest request, KeyBounds bounds, PgCatalog catalog)
    {
        _request = request;
        _bounds = bounds;
        _catalog = catalog;
    }

    /// <summary>Cuts a part the way that the job says, or the best way that there is.</summary>
    internal async Task<PartUnits> CutAsync(PgPart part, KeyPlace place, CancellationToken cancel)
    {
        var by = _request.Stream.Partition.By;
        switch (by)
        {
            case PartitionBy.None:
                return PartUnits.One(part, "the job says so");
            case PartitionBy.Pages:
                return CanPage(part) ? Pages(part, "the job says so") : throw Refused(WhyNoPages(part));
            case PartitionBy.Id:
                return await RangesAsync(part, place, await OrderedKeyAsync(part, cancel), "the job says so", cancel);
            case PartitionBy.Date:
                return await DatesAsync(part, place, await DateKeyAsync(part, cancel), "the job says so", cancel);
            case PartitionBy.Hash:
                return Hash(part, await HashKeyAsync(part, cancel), "the job says so");
            case PartitionBy.Auto:
                return await AutoAsync(part, place, cancel);
            default:
                throw Refused($"partition.by: {by.ToString().ToLowerInvariant()} is for files");
        }
    }

    /// <summary>How many units of the aimed size the part has.</summary>
    internal long UnitsOf(PgPart part)
    {
        if (_request.Stream.Partition.Rows is { } unitRows)
            return Math.Clamp(((part.Rows ?? 0) + unitRows - 1) / unitRows, 1, Limits.UnitsMax);
        return Math.Clamp(((part.Bytes ?? 0) + _request.UnitBytes - 1) / _request.UnitBytes, 1, Limits.UnitsMax);
    }

    /// <summary>Whether a part's pages can be read by range.</summary>
    internal bool CanPage(PgPart part) =>
        _request.ServerVersion >= PageRangesFrom && part.Relation is { HasStorage: true, IsHeap: true, MayRead: true };

    private async Task<PartUnits> AutoAsync(PgPart part, KeyPlace place, CancellationToken cancel)
    {
        if (!_request.Key.IsEmpty)
        {
            const string Named = "the job names the key";
            if (_request.Key is [{ IsDate: true }]) return await DatesAsync(part, place, _request.Key[0], Named, cancel);
            return _request.Key.All(static column => column.IsOrdered)
                ? await RangesAsync(part, place, _request.Key, Named, cancel)
                : Hash(part, HashBuckets.TextOf(_request.Key), $"{Named}, and its type has no ranges");
        }

        if (part.Relation is not { HasStorage: true } relation)
            return PartUnits.One(part, part.Relation is { } r ? $"a {r.KindName} is one unit unless partition.key names a key" : "a query is one unit unless partition.key names a key");
        if (UnitsOf(part) == 1) return PartUnits.One(part, "it fits into one unit");
        if (CanPage(part)) return Pages(part, "a heap table on PostgreSQL 14 or later: each unit reads only its own pages");

        var indexes = await _catalog.IndexesAsync(relation.Oid, cancel);
        var columns = _request.Attributes.ToDictionary(static a => a.Name, KeyColumn.Of);
        foreach (var index in indexes)
        {
            var key = index.Columns.Where(columns.ContainsKey).Select(name => columns[name]).ToImmutableArray();
            if (key.Length != index.Columns.Length || !key[0].IsOrdered) continue;
            var which = index.IsPrimary ? "the primary key" : index.IsUnique ? "a unique index" : "an index";
            if (key[0].IsDate) return await DatesAsync(part, place, key[0], $"{which} gives its order", cancel);
            // One column is enough where it tells rows apart; a unique key of several is taken whole.
            var ranged = index.IsUnique && key.All(static column => column.IsOrdered) ? key : [key[0]];
            return await RangesAsync(part, place, ranged, $"{which} gives its order", cancel);
        }

        if (relation.MayRead && relation.IsHeap) return Hash(part, "ctid::pg_catalog.text", "it is large and has no index to cut by; each unit scans all of it");
        return PartUnits.One(part, "it has no index to cut by");
    }

    private PartUnits Pages(PgPart part, string why)
    {
        var pages = PageRanges.PagesPerUnit(part, _request.UnitBytes, _request.Stream.Partition.Rows);
        return new PartUnits(PartitionBy.Pages, why, PageRanges.Count(part, pages), PageRanges.Units(part, pages));
    }

    private async Task<PartUnits> RangesAsync(PgPart part, KeyPlace place, ImmutableArray<KeyColumn> key, string why, CancellationToken cancel)
    {
        var count = RangeCount(part);
        var bounds = await BoundsAsync(part, place, key, count, cancel);
        var expected = bounds.Count + 1;
        var names = string.Join(", ", key.Select(static c => c.Name));
        return new PartUnits(
            PartitionBy.Id,
            $"ranges of {names}: {why}",
            expected + (key.Any(static c => c.Nullable) ? 1 : 0),
            KeyRanges.Units(part, key, bounds.Values, expected));
    }

    /// <summary>Bounds of a key: computed one by one for integers, however many; picked from samples for the rest.</summary>
    internal async Task<(long Count, IEnumerable<string[]> Values)> BoundsAsync(
        PgPart part, KeyPlace place, ImmutableArray<KeyColumn> key, long count, CancellationToken cancel)
    {
        if (count <= 1) return (0, []);
        if (key is not [{ IsInteger: true } only])
        {
            var picked = await _bounds.BoundsAsync(key, place, count, cancel);
            return (picked.Count, picked);
        }

        var indexed = part.Relation is { HasStorage: true } relation
            && (await _catalog.IndexesAsync(relation.Oid, cancel)).Any(index => index.Columns[0] == only.Name);
        var anchors = await _bounds.AnchorsAsync(only, place, indexed, cancel);
        return (anchors.Count < 2 ? 0 : count - 1, KeyBounds.Interpolated(anchors, count));
    }

    private async Task<PartUnits> DatesAsync(PgPart part, KeyPlace place, KeyColumn column, string why, CancellationToken cancel)
    {
        var count = RangeCount(part);
        var anchors = count <= 1 ? [] : DateRanges.Parse(await _bounds.AnchorsAsync(column, place, indexed: false, cancel));
        var rows = part.Rows ?? Limits.PgBoundKeysMax;
        var unitRows = Math.Max(1, rows / count);
        var period = DateRanges.Choose(anchors, rows, unitRows);
        var bounds = DateRanges.Bounds(anchors, period, rows, unitRows);
        var expected = bounds.LongCount() + 1;
        return new PartUnits(
            PartitionBy.Date,
            $"ranges of {column.Name} at whole {period.ToString().ToLowerInvariant()}s, by its density: {why}",
            expected + (column.Nullable ? 1 : 0),
            KeyRanges.Units(part, [column], bounds, expected));
    }

    private PartUnits Hash(PgPart part, string key, string why)
    {
        var buckets = (int)Math.Clamp(part.Bytes is null ? _request.Connections : UnitsOf(part), 1, Math.Max(1, _request.Connections));
        return new PartUnits(PartitionBy.Hash, $"buckets of a hash: {why}", buckets, HashBuckets.Units(part, key, buckets));
    }

    /// <summary>For a view or query, whose size nobody knows, one range for each connection, unless the job gives rows.</summary>
    private long RangeCount(PgPart part)
    {
        var known = part.Bytes is not null || (part.Rows is not null && _request.Stream.Partition.Rows is not null);
        return known ? UnitsOf(part) : Math.Max(2L, _request.Connections);
    }

    /// <summary>The key that the job names, else the first index's.</summary>
    private async Task<ImmutableArray<KeyColumn>> KeyAsync(PgPart part, CancellationToken cancel)
    {
        if (!_request.Key.IsEmpty) return _request.Key;
        var columns = _request.Attributes.ToDictionary(static a => a.Name, KeyColumn.Of);
        var indexes = part.Relation is { HasStorage: true } relation ? await _catalog.IndexesAsync(relation.Oid, cancel) : [];
        foreach (var index in indexes)
        {
            if (index.Columns.All(name => columns.TryGetValue(name, out var column) && column.IsOrdered))
                return [.. index.Columns.Select(name => columns[name])];
        }

        throw Refused("there is no index whose columns could be the key: name one with partition.key");
    }

    private async Task<ImmutableArray<KeyColumn>> OrderedKeyAsync(PgPart part, CancellationToken cancel)
    {
        var key = await KeyAsync(part, cancel);
        return key.FirstOrDefault(static column => !column.IsOrdered) is { } unordered
            ? throw Refused($"the type of {unordered.Name} has no ranges that are sure to cover it: use partition.by: hash")
            : key;
    }

    /// <summary>The date column that the job names, else the first that an index begins with.</summary>
    private async Task<KeyColumn> DateKeyAsync(PgPart part, CancellationToken cancel)
    {
        if (_request.Key is [{ IsDate: true } named]) return named;
        if (!_request.Key.IsEmpty) throw Refused("partition.by: date needs one key column of type date, timestamp or timestamptz");
        var dates = _request.Attributes.Select(KeyColumn.Of).Where(static column => column.IsDate).ToDictionary(static column => column.Name);
        var indexes = part.Relation is { HasStorage: true } relation ? await _catalog.IndexesAsync(relation.Oid, cancel) : [];
        return indexes.Where(index => dates.ContainsKey(index.Columns[0])).Select(index => dates[index.Columns[0]]).FirstOrDefault()
            ?? throw Refused("no index begins with a date or timestamp: name the column with partition.key");
    }

    private async Task<string> HashKeyAsync(PgPart part, CancellationToken cancel)
    {
        if (!_request.Key.IsEmpty) return HashBuckets.TextOf(_request.Key);
        if (part.Relation is { HasStorage: true, IsHeap: true, MayRead: true }) return "ctid::pg_catalog.text";
        return HashBuckets.TextOf(await KeyAsync(part, cancel));
    }

    private string WhyNoPages(PgPart part) =>
        _request.ServerVersion < PageRangesFrom ? "partition.by: pages needs PostgreSQL 14 or later, which reads pages by range"
        : part.Relation is { HasStorage: true, IsHeap: true } ? $"partition.by: pages needs the right to SELECT all of {part.Relation.Written}"
        : "partition.by: pages needs a table with pages";

    private Fault Refused(string message) => new(FaultKind.JobFile, message)
    {
        Side = FaultSide.Job,
        Where = _request.Stream.MarkOf("partition.by").ToString(),
        Advice = "Leave partition.by out to let the planner pick.",
    };
}
