using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Worker;

/// <summary>
/// One line of a file of rejects: <c>{"stream","unit","where","key":{…},"rejects":[{"column","reason","value"}],"row":{…}}</c>. Columns have
/// their names in the source.
/// </summary>
internal sealed class RejectLine(StreamHeader header, Unit unit)
{
    private const int DepthMax = 256;

    /// <summary>
    /// SQL of a row as JSON, by the names in the source. Whole numbers and truths are what they are in JSON; everything else is text, since
    /// JSON's numbers would bend a decimal and have no NaN. What consists of nothing else may be nested.
    /// </summary>
    public static string RowOf(ImmutableArray<Column> columns)
    {
        var sql = new StringBuilder("json_object(");
        foreach (var column in columns)
        {
            if (sql[^1] != '(') sql.Append(", ");
            var value = SqlText.Name(column.Name);
            sql.Append(SqlText.Literal(column.SourceName)).Append(", ");
            sql.Append(IsJson(DuckDbType.Parse(column.Type)) ? value : $"CAST({value} AS VARCHAR)");
        }

        return sql.Append(')').ToString();
    }

    /// <summary>Writes the line, without its end.</summary>
    /// <param name="json">Takes it.</param>
    /// <param name="note">The source's note: see <see cref="RejectNote"/>.</param>
    /// <param name="row">The row as <see cref="RowOf"/> gives it; only used when the note has none.</param>
    public void Write(Utf8JsonWriter json, ReadOnlySpan<byte> note, ReadOnlySpan<byte> row)
    {
        var rejects = Find(note, RejectNote.RejectsName);
        var own = Find(note, RejectNote.RowName);
        var refused = own.IsEmpty ? RefusedOf(rejects) : [];
        if (!own.IsEmpty) row = own;
        json.WriteStartObject();
        json.WriteString("stream", header.Stream);
        json.WriteNumber("unit", unit.PartOf ?? unit.Number);
        json.WriteString("where", Where(note));
        WriteRow(json, "key", row, refused, header.Key);
        json.WritePropertyName("rejects");
        json.WriteRawValue(rejects, skipInputValidation: true);
        WriteRow(json, "row", row, refused, []);
        json.WriteEndObject();
    }

    /// <summary>Where a row is and what its first reject is, for a message.</summary>
    public string Describe(ReadOnlySpan<byte> note)
    {
        using var document = JsonDocument.Parse(Find(note, RejectNote.RejectsName).ToArray());
        foreach (var reject in document.RootElement.EnumerateArray())
            return $"{Where(note)}{(reject.GetProperty(RejectNote.ColumnName).GetString() is { } column ? $", column {column}" : "")}: {reject.GetProperty(RejectNote.ReasonName).GetString()}";
        return Where(note);
    }

    private string Where(ReadOnlySpan<byte> note)
    {
        var at = Find(note, RejectNote.AtName);
        return at.IsEmpty ? unit.Label : $"{unit.Label}, {Text(at)}";
    }

    private static bool IsJson(DuckDbType type) => type.Kind switch
    {
        DuckDbKind.Boolean or DuckDbKind.TinyInt or DuckDbKind.SmallInt or DuckDbKind.Integer or DuckDbKind.BigInt
            or DuckDbKind.UTinyInt or DuckDbKind.USmallInt or DuckDbKind.UInteger => true,
        DuckDbKind.Varchar => !type.IsJson,
        DuckDbKind.List => IsJson(type.Element),
        DuckDbKind.Struct => type.Fields.All(static field => IsJson(field.Type)),
        _ => false,
    };

    /// <summary>The values of some columns, or of all when none is named; where a value was refused, its text.</summary>
    private static void WriteRow(Utf8JsonWriter json, string name, ReadOnlySpan<byte> row, Dictionary<string, string?> refused, ImmutableArray<string> only)
    {
        if (row.IsEmpty || (name == "key" && only.IsDefaultOrEmpty)) return;
        json.WriteStartObject(name);
        var reader = ReaderOf(row);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var column = reader.GetString()!;
            var value = row[Value(ref reader)];
            if (!only.IsDefaultOrEmpty && !only.Contains(column)) continue;
            json.WritePropertyName(column);
            if (reader.TokenType == JsonTokenType.Null && refused.TryGetValue(column, out var found)) json.WriteStringValue(found);
            else json.WriteRawValue(value, skipInputValidation: true);
        }

        json.WriteEndObject();
    }

    private static Dictionary<string, string?> RefusedOf(ReadOnlySpan<byte> rejects)
    {
        var refused = new Dictionary<string, string?>(StringComparer.Ordinal);
        using var document = JsonDocument.Parse(rejects.ToArray());
        foreach (var reject in document.RootElement.EnumerateArray())
        {
            if (reject.GetProperty(RejectNote.ColumnName).GetString() is { } column) refused[column] = reject.GetProperty(RejectNote.ValueName).GetString();
        }

        return refused;
    }

    /// <summary>The value of one of an object's names, as it stands there; empty when it has none.</summary>
    private static ReadOnlySpan<byte> Find(ReadOnlySpan<byte> json, string name)
    {
        var reader = ReaderOf(json);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var found = reader.ValueTextEquals(name);
            var value = Value(ref reader);
            if (found) return json[value];
        }

        return [];
    }

    private static Range Value(ref Utf8JsonReader reader)
    {
        reader.Read();
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return start..(int)reader.BytesConsumed;
    }

    private static string Text(ReadOnlySpan<byte> value)
    {
        var reader = ReaderOf(value);
        reader.Read();
        return reader.GetString() ?? "";
    }

    private static Utf8JsonReader ReaderOf(ReadOnlySpan<byte> json) => new(json, new JsonReaderOptions { MaxDepth = DepthMax });
}
