using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Millrace.Connectors.Postgres.Catalog;
using Millrace.Connectors.Postgres.Types;

namespace Millrace.Connectors.Postgres.Partitioning;

/// <summary>What one unit reads: pieces, each one COPY. Written as JSON into the plan.</summary>
/// <param name="Pieces">At least one.</param>
internal sealed record PgSlice([property: JsonPropertyName("p")] ImmutableArray<PgPiece> Pieces)
{
    /// <summary>Whether several connections may read the pieces side by side: for a unit that is all of a large stream.</summary>
    [JsonPropertyName("s"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool SideBySide { get; init; }

    /// <summary>The JSON of a unit's slice.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, PgJson.Default.PgSlice);

    /// <summary>Reads it back.</summary>
    public static PgSlice Parse(string json) => JsonSerializer.Deserialize(json, PgJson.Default.PgSlice)!;
}

/// <summary>One range of one relation: the rows that meet every one of its conditions; none: all rows.</summary>
/// <param name="From">The relation when it is not the stream's own (a leaf): <c>ONLY "public"."events_2024"</c>.</param>
internal sealed record PgPiece(
    [property: JsonPropertyName("f"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? From = null)
{
    /// <summary>A range of a key.</summary>
    [JsonPropertyName("k"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PgKeyRange? Key { get; init; }

    /// <summary>A bucket of a key's hash.</summary>
    [JsonPropertyName("h"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PgHashBucket? Hash { get; init; }

    /// <summary>A range of a heap.</summary>
    [JsonPropertyName("t"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public PgTidRange? Tids { get; init; }

    /// <summary>The conditions as SQL that this connector made, identifiers and literals quoted; null: all rows.</summary>
    [JsonIgnore]
    public string? Where => string.Join(" AND ", new[] { Key?.Where, Hash?.Where, Tids?.Where }.Where(static condition => condition is not null)) is { Length: > 0 } all ? all : null;

    /// <summary>A relation's quoted name, whether its children are meant or not.</summary>
    internal static string NameOf(string from) => from.StartsWith(Only, StringComparison.Ordinal) ? from[Only.Length..] : from;

    private const string Only = "ONLY ";
}

/// <summary>
/// What the reader needs for every unit of a stream. The same stream gives the same text at another moment, so that units which
/// were finished before a resume can count.
/// </summary>
internal sealed record PgReading
{
    /// <summary>What rows come from: <c>"public"."events"</c>, or a query in parentheses.</summary>
    public required string From { get; init; }

    /// <summary>The alias of what rows come from: the name that the user's condition knows it by.</summary>
    public required string Alias { get; init; }

    /// <summary>The user's condition as it was written.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Where { get; init; }

    /// <summary>The search path for the user's SQL; null when there is none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? SearchPath { get; init; }

    /// <summary>Each unit reads under a snapshot of its own.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool OwnSnapshots { get; init; }

    /// <summary>The database's text has no known encoding: it comes as it lies there, and is checked here.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool RawText { get; init; }

    /// <summary>The key that the job names, where ranges of it can be made: what a unit without a range is cut by. Null: none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<KeyColumn>? Key { get; init; }

    /// <summary>The columns, those of the stream's header in its order.</summary>
    public required ImmutableArray<PgReadColumn> Columns { get; init; }

    /// <summary>The rows of a piece as SQL, from the relation on: the piece's conditions and the user's.</summary>
    internal string RowsOf(PgPiece piece)
    {
        // The user's text may end in a comment: the parenthesis stands on a line of its own.
        return Where is null ? RangeOf(piece) : $"{RangeOf(piece)}{(piece.Where is null ? " WHERE (" : " AND (")}{Where}\n)";
    }

    /// <summary>
    /// The same without the user's condition: what dividing asks about. A condition that takes for ever, or that brought a worker down, must
    /// not run in the coordinator.
    /// </summary>
    internal string RangeOf(PgPiece piece)
    {
        var sql = $"{piece.From ?? From} AS {PgName.Quote(Alias)}";
        return piece.Where is { } where ? $"{sql} WHERE ({where})" : sql;
    }

    /// <summary>The JSON of a stream's reader settings.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, PgJson.Default.PgReading);

    /// <summary>Reads it back.</summary>
    public static PgReading Parse(string json) => JsonSerializer.Deserialize(json, PgJson.Default.PgReading)!;
}

/// <summary>How one column is read.</summary>
/// <param name="Sql">Its expression in the COPY's SELECT: the quoted column, perhaps with a cast.</param>
/// <param name="Shape">How its values come over the wire.</param>
internal sealed record PgReadColumn(string Sql, WireShape Shape)
{
    /// <summary>Its expression where rows pass undecoded: the quoted column. Null: the same.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Raw { get; init; }
}

/// <summary>The JSON of slices and reader settings.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PgSlice))]
[JsonSerializable(typeof(PgReading))]
internal sealed partial class PgJson : JsonSerializerContext;
