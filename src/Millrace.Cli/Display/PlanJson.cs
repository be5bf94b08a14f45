using System.Text.Json;
using Millrace.Planning;

namespace Millrace.Cli.Display;

/// <summary>A stream's plan as JSON properties.</summary>
internal static class PlanJson
{
    /// <summary>Writes them into an object that is open.</summary>
    public static void Write(Utf8JsonWriter json, StreamPlan plan, JsonLines lines)
    {
        json.WriteString("stream", plan.Stream.Name);
        json.WriteString("strategy", JsonNamingPolicy.SnakeCaseLower.ConvertName(plan.Strategy.ToString()));
        lines.Text(json, "why", plan.Why);
        json.WriteNumber("estimated_units", plan.EstimatedUnits);
        Number(json, "estimated_rows", plan.EstimatedRows);
        Number(json, "estimated_bytes", plan.EstimatedBytes);
        json.WriteStartArray("remarks");
        foreach (var remark in plan.Remarks)
        {
            json.WriteStringValue(remark);
        }

        json.WriteEndArray();
        Columns(json, plan.Columns);
    }

    /// <summary>Writes <c>columns</c>.</summary>
    public static void Columns(Utf8JsonWriter json, IEnumerable<Column> columns)
    {
        json.WriteStartArray("columns");
        foreach (var column in columns)
        {
            json.WriteStartObject();
            json.WriteString("name", column.Name);
            json.WriteString("source_name", column.SourceName);
            json.WriteString("source_type", column.SourceType);
            json.WriteString("type", column.Type);
            json.WriteBoolean("nullable", column.Nullable);
            json.WriteString("remark", column.Remark);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    /// <summary>A number that may be unknown.</summary>
    public static void Number(Utf8JsonWriter json, string name, long? number)
    {
        if (number is { } known)
        {
            json.WriteNumber(name, known);
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
