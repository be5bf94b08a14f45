using System.Globalization;
using Millrace.Planning;

namespace Millrace.Connectors.Postgres.Partitioning;

/// <summary>
/// Buckets of a key's hash: each unit scans all of the part and keeps its share, so there are never more than connections. NULL is
/// hashed as a text that no value has by itself, so each row has exactly one bucket.
/// </summary>
internal static class HashBuckets
{
    /// <summary>The units; the key is an expression that gives a text and is never NULL.</summary>
    internal static IEnumerable<PlannedUnit> Units(PgPart part, string key, int buckets)
    {
        for (var i = 0; i < buckets; i++)
        {
            yield return new PlannedUnit(
                new PgSlice([Piece(part, key, i, buckets)]).ToJson(),
                part.Label(string.Create(CultureInfo.InvariantCulture, $"hash bucket {i + 1} of {buckets}")),
                part.Rows / buckets,
                part.Bytes / buckets);
        }
    }

    /// <summary>A key's text: its columns one after the other, each quoted, so that no two keys run together.</summary>
    internal static string TextOf(IReadOnlyList<KeyColumn> key) =>
        string.Join(" || ',' || ", key.Select(static column => $"pg_catalog.quote_nullable({column.Sql}::pg_catalog.text)"));

    private static PgPiece Piece(PgPart part, string key, int bucket, int buckets) => new(
        part.From,
        string.Create(
            CultureInfo.InvariantCulture,
            $"(pg_catalog.hashtextextended(({key}) COLLATE \"C\", 0) & 9223372036854775807) % {buckets} = {bucket}"));
}
