using System.Text.Json;
using System.Text.Json.Serialization;

namespace Millrace.DuckDb;

/// <summary>Writes a <see cref="DuckDbType"/> as its SQL spelling and reads it back.</summary>
public sealed class DuckDbTypeJsonConverter : JsonConverter<DuckDbType>
{
    /// <inheritdoc/>
    public override DuckDbType Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var sql = reader.TokenType == JsonTokenType.String ? reader.GetString() : null;
        return DuckDbType.TryParse(sql, out var type) ? type : throw new JsonException($"'{sql}' is no DuckDB type.");
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, DuckDbType value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToSql());
}
