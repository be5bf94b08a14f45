using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Millrace.Faults;

namespace Millrace.Runs;

/// <summary>JSON of everything in a run directory: snake_case, nulls left out, no reflection at run time.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    Converters = [typeof(FaultJson)])]
[JsonSerializable(typeof(RunManifest))]
[JsonSerializable(typeof(EpochRecord))]
[JsonSerializable(typeof(PlanEnd))]
[JsonSerializable(typeof(CommitRecord))]
[JsonSerializable(typeof(RunReport))]
[JsonSerializable(typeof(StoryLine))]
[JsonSerializable(typeof(Unit))]
[JsonSerializable(typeof(StreamHeader))]
[JsonSerializable(typeof(UnitResult))]
[JsonSerializable(typeof(Division))]
public sealed partial class RunJson : JsonSerializerContext
{
    /// <summary>As one line of UTF-8, without the newline.</summary>
    public static byte[] Line<T>(T value, JsonTypeInfo<T> type) => JsonSerializer.SerializeToUtf8Bytes(value, type);

    /// <summary>Reads a line that a killed process may have left half-written; null when it is.</summary>
    public static T? TryRead<T>(string line, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(line, type);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Reads an object of the run directory; a damaged one is a <see cref="Fault"/> that names the file.</summary>
    public static T Read<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type, string path)
    {
        try
        {
            return JsonSerializer.Deserialize(json, type) ?? throw new JsonException("it is null");
        }
        catch (JsonException broken)
        {
            throw new Fault(Faults.FaultKind.Internal, $"the run directory is damaged: {broken.Message}", broken)
            {
                Where = path,
                Advice = "Begin a new run; `millrace cancel RUN` removes what this one has staged.",
            };
        }
    }
}

/// <summary>A fault in JSON: its properties, and where in the program it came up if it is an internal one.</summary>
public sealed class FaultJson : JsonConverter<Fault>
{
    /// <inheritdoc/>
    public override Fault Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        using var document = JsonDocument.ParseValue(ref reader);
        var root = document.RootElement;
        string? Text(string name) => root.TryGetProperty(name, out var value) ? value.GetString() : null;
        return new Fault(
            Enum.TryParse<FaultKind>(Text("kind"), out var kind) ? kind : FaultKind.Internal,
            Text("message") ?? "unknown")
        {
            Side = Enum.TryParse<FaultSide>(Text("side"), out var side) ? side : FaultSide.Run,
            Retryable = root.TryGetProperty("retryable", out var retryable) && retryable.GetBoolean(),
            Divisible = root.TryGetProperty("divisible", out var divisible) && divisible.GetBoolean(),
            IsOneKey = root.TryGetProperty("one_key", out var oneKey) && oneKey.GetBoolean(),
            Where = Text("where"),
            Advice = Text("advice"),
            Code = Text("code"),
            Frames = root.TryGetProperty("frames", out var frames) && frames.ValueKind == JsonValueKind.Array
                ? [.. frames.EnumerateArray().Take(Limits.FaultFramesMax).Select(static frame => frame.ToString())]
                : [],
        };
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, Fault value, JsonSerializerOptions options)
    {
        writer.WriteStartObject();
        writer.WriteString("kind", value.Kind.ToString());
        writer.WriteString("side", value.Side.ToString());
        writer.WriteBoolean("retryable", value.Retryable);
        if (value.Divisible) writer.WriteBoolean("divisible", true);
        if (value.IsOneKey) writer.WriteBoolean("one_key", true);
        writer.WriteString("message", value.Message);
        if (value.Where is { } where) writer.WriteString("where", where);
        if (value.Advice is { } advice) writer.WriteString("advice", advice);
        if (value.Code is { } code) writer.WriteString("code", code);
        WriteFrames(writer, value);
        writer.WriteEndObject();
    }

    /// <summary>Writes the property <c>frames</c>, where there are any.</summary>
    public static void WriteFrames(Utf8JsonWriter writer, Fault value)
    {
        var frames = value.Frames;
        if (frames.IsEmpty) return;
        writer.WriteStartArray("frames");
        foreach (var frame in frames) writer.WriteStringValue(frame);
        writer.WriteEndArray();
    }
}
