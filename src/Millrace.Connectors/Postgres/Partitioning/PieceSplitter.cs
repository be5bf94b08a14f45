using System.Globalization;
using Millrace.Connectors.Postgres.Catalog;

namespace Millrace.Connectors.Postgres.Partitioning;

/// <summary>A part of a piece.</summary>
/// <param name="Piece">What to read.</param>
/// <param name="Label">The same for people.</param>
/// <param name="Share">About how much of the piece it is, from 0 to 1.</param>
/// <param name="Rows">About how many rows; null: nobody counted.</param>
internal sealed record PiecePart(PgPiece Piece, string Label, double Share, long? Rows = null);

/// <summary>
/// Cuts one piece in two. Each cut is a condition and its opposite, so that what the server is asked for may be of another moment or
/// wrong: it decides how even the parts are, and whether there is anything left to cut. A relation's pages are cut by arithmetic, a page
/// by its rows; where there are none, a key by its middle row and a hash by one bit more. One key is cut by pages again.
/// </summary>
internal sealed class PieceSplitter
{
    private const int PageRangesFrom = 140_000;

    private readonly PieceQuery _query;
    private readonly PgCatalog _catalog;
    private readonly PgTypeCatalog _types;
    private readonly PgPiece _piece;
    private readonly string _from;
    private readonly PgRelation? _relation;
    private readonly PieceLabel _label;

    private PieceSplitter(PieceQuery query, PgCatalog catalog, PgTypeCatalog types, PieceLabel label, PgPiece piece, PgRelation? relation)
    {
        _label = label;
        _query = query;
        _catalog = catalog;
        _types = types;
        _piece = piece;
        _from = piece.From ?? query.Reading.From;
        _relation = relation;
    }

    /// <summary>Whether exactly the rows of one relation are read, its children left out.</summary>
    private bool IsOnly => PgPiece.NameOf(_from) != _from || _relation is { Kind: PgRelationKind.MaterialisedView };

    private bool HasTids => IsOnly && _relation is { HasStorage: true, IsHeap: true, MayRead: true };

    /// <summary>The two parts; none where the piece is at its floor.</summary>
    internal static async Task<IReadOnlyList<PiecePart>> SplitAsync(
        PieceQuery query, PgCatalog catalog, PgTypeCatalog types, PieceLabel label, PgPiece piece, CancellationToken cancel)
    {
        var from = piece.From ?? query.Reading.From;
        var relation = from.StartsWith('(') ? null : await catalog.FindAsync(PgPiece.NameOf(from), cancel);
        return await new PieceSplitter(query, catalog, types, label, piece, relation).SplitAsync(cancel);
    }

    private async Task<IReadOnlyList<PiecePart>> SplitAsync(CancellationToken cancel)
    {
        if (_piece.Tids is not null) return await TidsAsync(cancel);
        var parts = _piece switch
        {
            { Hash: { } hash } => await HashAsync(hash, cancel),
            { Key.IsNull: true } => [],
            { Key: { } range } => await KeyAsync(range, cancel),
            // Before PostgreSQL 14 a range of pages is found by looking at all of them.
            _ when HasTids && _query.Control.ServerVersion >= PageRangesFrom => [],
            _ => await WholeAsync(cancel),
        };
        return parts.Count == 0 && HasTids ? await TidsAsync(cancel) : parts;
    }

    private async Task<IReadOnlyList<PiecePart>> WholeAsync(CancellationToken cancel)
    {
        if (_query.Reading.Key is not { } key) key = await IndexedAsync(cancel);
        if (key.Count == 0) return [];
        var range = new PgKeyRange(key);
        if (!key.Any(static column => column.Nullable)) return await KeyAsync(range, cancel);
        var nulls = range with { IsNull = true };
        return [Part(_piece with { Key = range }, null, 1), Part(_piece with { Key = nulls }, null, 0)];
    }

    /// <summary>The best index's columns; empty when there is none.</summary>
    private async Task<IReadOnlyList<KeyColumn>> IndexedAsync(CancellationToken cancel)
    {
        if (_relation is null) return [];
        var columns = (await _types.AttributesAsync(_relation.Oid, cancel)).Where(static a => a.MayRead).ToDictionary(static a => a.Name, KeyColumn.Of);
        foreach (var index in await _catalog.IndexesAsync(_relation.Oid, cancel))
        {
            var key = index.Columns.Where(columns.ContainsKey).Select(name => columns[name]).ToArray();
            if (key.Length != index.Columns.Length || !key.All(static column => column.IsOrdered)) continue;
            // What a parent declares not to be NULL can be so in a child of old.
            return IsOnly || _relation.Kind == PgRelationKind.Partitioned ? key : Array.ConvertAll(key, static column => column with { Nullable = true });
        }

        return [];
    }

    private async Task<IReadOnlyList<PiecePart>> KeyAsync(PgKeyRange range, CancellationToken cancel)
    {
        if (await KeyMiddle.FindAsync(_query, _piece with { Key = range }, range.Columns, cancel) is not { } middle) return [];
        return Parts(
            middle, _piece with { Key = range with { To = middle.Key } }, _piece with { Key = range with { From = middle.Key } }, range.LabelOf);
    }

    /// <summary>One bit of the hash more. Floor: all rows have one hash, which is one key.</summary>
    private async Task<IReadOnlyList<PiecePart>> HashAsync(PgHashBucket bucket, CancellationToken cancel)
    {
        var rows = await _query.RunAsync(
            string.Create(
                CultureInfo.InvariantCulture,
                $"""
                SELECT hash / {bucket.Buckets} % 2, count(*), min(hash) = max(hash), min(key COLLATE "C")
                FROM (SELECT {bucket.Hash} AS hash, {bucket.Key} AS key FROM {_query.Reading.RangeOf(_piece)}) AS hashes GROUP BY 1 ORDER BY 1
                """),
            cancel);
        if (rows.Count == 0 || (rows.Count == 1 && rows[0][2] == "t") || bucket.Buckets > long.MaxValue / 2) return [];
        var parts = new PiecePart[2];
        var all = rows.Sum(static row => PgCatalog.Number(row[1]));
        for (var side = 0; side < 2; side++)
        {
            var row = rows.FirstOrDefault(row => PgCatalog.Number(row[0]) == side);
            var piece = _piece with { Hash = new PgHashBucket(bucket.Key, bucket.Buckets * 2, bucket.Bucket + (side * bucket.Buckets)) };
            var count = row is null ? 0 : PgCatalog.Number(row[1]);
            parts[side] = Part(piece, row is [_, _, "t", { } key] ? $"{piece.Hash.Label}: {key}" : null, (double)count / all, count);
        }

        return parts;
    }

    private async Task<IReadOnlyList<PiecePart>> TidsAsync(CancellationToken cancel)
    {
        var range = _piece.Tids ?? PgTidRange.Pages(0, null);
        var first = range.First;
        var end = range.End(_relation?.Pages ?? 0);
        var pages = end.Page - first.Page + (end.Row > 0 ? 1 : 0);
        // Conditions leave some of the pages' rows over: which, only the server knows.
        if (pages > 1 && _piece is { Key: null, Hash: null })
        {
            var middle = first.Page + (pages / 2);
            var share = (double)(middle - first.Page) / pages;
            var text = new PgTid(middle, 0).ToString();
            return [Part(_piece with { Tids = range with { To = text } }, null, share), Part(_piece with { Tids = range with { From = text } }, null, 1 - share)];
        }

        if (await KeyMiddle.FindAsync(_query, _piece with { Tids = range }, [KeyColumn.Tid], cancel) is not { } row) return [];
        return Parts(
            row, _piece with { Tids = range with { To = row.Key[0] } }, _piece with { Tids = range with { From = row.Key[0] } }, key => _label.OfRow(_piece, PgTid.Parse(key[0])));
    }

    private PiecePart[] Parts(KeyMiddle middle, PgPiece lower, PgPiece upper, Func<string[], string> labelOfOne)
    {
        var share = (double)middle.LowerRows / (middle.LowerRows + middle.UpperRows);
        return
        [
            Part(lower, middle.LowerIsOne ? labelOfOne(middle.First) : null, share, middle.LowerRows),
            Part(upper, middle.UpperIsOne ? labelOfOne(middle.Key) : null, 1 - share, middle.UpperRows),
        ];
    }

    private PiecePart Part(PgPiece piece, string? innermost, double share, long? rows = null) => new(piece, _label.Of(piece, innermost), share, rows);
}
