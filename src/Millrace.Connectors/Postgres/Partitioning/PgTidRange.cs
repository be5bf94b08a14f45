using System.Globalization;
using System.Text.Json.Serialization;

namespace Millrace.Connectors.Postgres.Partitioning;

/// <summary>
/// The rows of a heap from one place up to another. Rows that a snapshot sees never move, so half-open ranges of which the last is
/// open-ended cover each row once.
/// </summary>
/// <param name="From">The first place, as PostgreSQL writes it; null: the first page.</param>
/// <param name="To">The place behind the last; null: the end of the relation, wherever that is.</param>
internal sealed record PgTidRange(
    [property: JsonPropertyName("a"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? From,
    [property: JsonPropertyName("b"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? To)
{
    /// <summary>The condition; null for every row.</summary>
    [JsonIgnore]
    public string? Where => (From, To) switch
    {
        (null, null) => null,
        (null, { } to) => $"ctid < {Literal(to)}",
        ({ } from, null) => $"ctid >= {Literal(from)}",
        var (from, to) => $"ctid >= {Literal(from)} AND ctid < {Literal(to)}",
    };

    /// <summary>The first place.</summary>
    [JsonIgnore]
    public PgTid First => From is null ? default : PgTid.Parse(From);

    /// <summary>Whole pages up to one, or to the relation's end.</summary>
    internal static PgTidRange Pages(long from, long? to) =>
        new(from == 0 ? null : new PgTid(from, 0).ToString(), to is { } end ? new PgTid(end, 0).ToString() : null);

    /// <summary>The place behind the last, when the relation has so many pages.</summary>
    internal PgTid End(long pages) => To is null ? new PgTid(pages, 0) : PgTid.Parse(To);

    private static string Literal(string tid) => $"'{tid}'::pg_catalog.tid";
}

/// <summary>A row's place in a heap: ctid.</summary>
/// <param name="Page">The page, from 0.</param>
/// <param name="Row">The row on it, from 1; 0: before its first.</param>
[System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Auto)]
internal readonly record struct PgTid(long Page, int Row)
{
    /// <summary>Reads what PostgreSQL writes.</summary>
    internal static PgTid Parse(string text)
    {
        var comma = text.IndexOf(',', StringComparison.Ordinal);
        return new PgTid(
            long.Parse(text.AsSpan(1, comma - 1), NumberStyles.None, CultureInfo.InvariantCulture),
            int.Parse(text.AsSpan(comma + 1, text.Length - comma - 2), NumberStyles.None, CultureInfo.InvariantCulture));
    }

    /// <summary>As PostgreSQL writes it.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"({Page},{Row})");
}
