using System.Text.Json.Serialization;
using Millrace.Connectors.Postgres.Catalog;

namespace Millrace.Connectors.Postgres.Partitioning;

/// <summary>A column that ranges or hashes are made of, as slices carry it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type's name, below domains.</param>
/// <param name="Schema">That type's schema; null: pg_catalog.</param>
/// <param name="Nullable">Whether it can be NULL.</param>
/// <param name="IsEnum">Whether the type is an enum.</param>
internal sealed record KeyColumn(
    [property: JsonPropertyName("n")] string Name,
    [property: JsonPropertyName("t")] string Type,
    [property: JsonPropertyName("s"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Schema = null,
    [property: JsonPropertyName("z"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Nullable = false,
    [property: JsonPropertyName("e"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool IsEnum = false)
{
    /// <summary>Types whose order is total and whose text form reads back to the same value.</summary>
    private static readonly HashSet<string> s_ordered =
    [
        "int2", "int4", "int8", "oid", "numeric", "float4", "float8", "text", "varchar", "bpchar", "name", "uuid", "date", "timestamp", "timestamptz", "bytea",
    ];

    /// <summary>A row's place in a heap: a key that every table has.</summary>
    internal static KeyColumn Tid { get; } = new("ctid", "tid");

    /// <summary>The quoted name.</summary>
    [JsonIgnore]
    public string Sql => PgName.Quote(Name);

    /// <summary>Whether ranges of it can be made.</summary>
    [JsonIgnore]
    public bool IsOrdered => (Schema is null && s_ordered.Contains(Type)) || IsEnum;

    /// <summary>Whether bounds can be computed between others.</summary>
    [JsonIgnore]
    public bool IsInteger => Schema is null && Type is "int2" or "int4" or "int8" or "oid";

    /// <summary>Whether it has days.</summary>
    [JsonIgnore]
    public bool IsDate => Schema is null && Type is "date" or "timestamp" or "timestamptz";

    internal static KeyColumn Of(PgAttribute attribute)
    {
        var type = attribute.Type;
        while (type.Domain is { } domain) type = domain;
        return new KeyColumn(attribute.Name, type.Name, type.IsBuiltIn ? null : type.Schema, attribute.Nullable, type.Kind == 'e');
    }

    /// <summary>A value of the column as SQL.</summary>
    public string Literal(string text) => $"{PgName.Literal(text)}::{PgName.Quote(Schema ?? "pg_catalog")}.{PgName.Quote(Type)}";
}
