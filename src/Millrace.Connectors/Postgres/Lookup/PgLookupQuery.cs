using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Millrace.Connectors.Postgres.Types;

namespace Millrace.Connectors.Postgres.Lookup;

/// <summary>How a table is asked for keys: one query whose parameters are arrays of texts, one for each column of the key.</summary>
/// <param name="Sql">The query. Its first column is the key's place in the arrays.</param>
/// <param name="Shapes">How the wanted columns come over the wire.</param>
internal sealed record PgLookupQuery(string Sql, ImmutableArray<WireShape> Shapes)
{
    internal static PgLookupQuery Parse(string json) => JsonSerializer.Deserialize(json, PgLookupJson.Default.PgLookupQuery)!;

    internal string ToJson() => JsonSerializer.Serialize(this, PgLookupJson.Default.PgLookupQuery);
}

/// <summary>The JSON of lookups.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(PgLookupQuery))]
internal sealed partial class PgLookupJson : JsonSerializerContext;
