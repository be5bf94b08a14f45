using System.Globalization;
using System.Text.Json.Serialization;
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
                new PgSlice([part.Whole with { Hash = new PgHashBucket(key, buckets, i) }]).ToJson(),
                part.Label(new PgHashBucket(key, buckets, i).Label),
                part.Rows / buckets,
                part.Bytes / buckets);
        }
    }

    /// <summary>A key's text: its columns one after the other, each quoted, so that no two keys run together.</summary>
    internal static string TextOf(IReadOnlyList<KeyColumn> key) =>
        string.Join(" || ',' || ", key.Select(static column => $"pg_catalog.quote_nullable({column.Sql}::pg_catalog.text)"));
}

/// <summary>The rows of which a key's hash, divided by a number, leaves one rest.</summary>
/// <param name="Key">An expression that gives a text and is never NULL.</param>
/// <param name="Buckets">What the hash is divided by.</param>
/// <param name="Bucket">The rest.</param>
internal sealed record PgHashBucket(
    [property: JsonPropertyName("e")] string Key, [property: JsonPropertyName("m")] long Buckets, [property: JsonPropertyName("i")] long Bucket)
{
    /// <summary>The hash as SQL: not negative, the same on every server.</summary>
    [JsonIgnore]
    public string Hash => $"(pg_catalog.hashtextextended(({Key}) COLLATE \"C\", 0) & 9223372036854775807)";

    /// <summary>The condition.</summary>
    [JsonIgnore]
    public string Where => string.Create(CultureInfo.InvariantCulture, $"{Hash} % {Buckets} = {Bucket}");

    /// <summary>The bucket for people.</summary>
    [JsonIgnore]
    public string Label => string.Create(CultureInfo.InvariantCulture, $"hash bucket {Bucket + 1} of {Buckets}");
}
