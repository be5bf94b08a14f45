using System.Text.Json;
using Millrace.Jobs;
using Millrace.Jobs.Secrets;
using Millrace.Planning;
using Millrace.Telemetry;

namespace Millrace.Cli.Display;

/// <summary>A stream's plan as JSON properties.</summary>
internal static class PlanJson
{
    /// <summary>Writes a stream as <c>plan</c> shows it.</summary>
    public static void Write(Utf8JsonWriter json, InspectedStream stream, JsonLines lines)
    {
        Write(json, stream.Plan!, lines);
        json.WriteString("to", stream.To);
    }

    /// <summary>Writes them into an object that is open.</summary>
    public static void Write(Utf8JsonWriter json, StreamPlan plan, JsonLines lines)
    {
        json.WriteString("stream", plan.Stream.Name);
        json.WriteString("strategy", JsonNamingPolicy.SnakeCaseLower.ConvertName(plan.Strategy.ToString()));
        lines.Text(json, "why", plan.Why);
        json.WriteNumber("estimated_units", plan.EstimatedUnits);
        Number(json, "estimated_rows", plan.EstimatedRows);
        Number(json, "estimated_bytes", plan.EstimatedBytes);
        Texts(json, "remarks", plan.Remarks);
        Texts(json, "schema_changes", plan.SchemaChanges);
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

    /// <summary>Texts that hold no secret.</summary>
    public static void Texts(Utf8JsonWriter json, string name, IEnumerable<string> texts)
    {
        json.WriteStartArray(name);
        foreach (var text in texts)
        {
            json.WriteStringValue(text);
        }

        json.WriteEndArray();
    }

    /// <summary>Who would run the units.</summary>
    public static void Engine(Utf8JsonWriter json, EngineChoice engine, Budget budget, string? disk, Endpoint? shuffle)
    {
        json.WriteString("engine", engine.ToString().ToLowerInvariant());
        json.WriteNumber("processes", engine == EngineChoice.Local ? budget.Processes : 1);
        json.WriteNumber("units_at_once", budget.Lanes);
        json.WriteNumber("duckdb_bytes_per_process", budget.DuckDbBytesOf(engine));
        json.WriteNumber("memory_bytes", budget.PeakBytes(engine));
        json.WriteNumber("memory_bytes_max", budget.MemoryBytes);
        json.WriteString("does_not_fit", budget.WhyItDoesNotFit(engine));
        json.WriteString("shuffle", shuffle is null ? null : UrlPassword.Strip(shuffle.Text));
        json.WriteString("too_little_disk", disk);
        json.WriteNumber("open_files", budget.OpenFiles(engine));
        json.WriteString("too_few_files", budget.WhyTooFewFiles(engine, OpenFiles.Max));
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
