using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Transform;

/// <summary>SQL as the user wrote it and where it stands in the job; makes the faults about it.</summary>
/// <param name="Sql">The user's text.</param>
/// <param name="Mark">Where it stands.</param>
/// <param name="Before">Bytes of ours before it in what DuckDB was given.</param>
internal sealed record SqlSource(string Sql, Mark Mark, int Before = 0)
{
    private const int AdviceCharsMax = 600;

    /// <summary>What the SQL can read, by name; for advice.</summary>
    public ImmutableArray<string> Relations { get; init; } = [];

    /// <summary>The columns of what it can read; for advice.</summary>
    public ImmutableArray<string> Columns { get; init; } = [];

    /// <summary>Reads a tree that DuckDB has made of this SQL.</summary>
    /// <exception cref="Faults.Fault">It is too deep to be walked over.</exception>
    public JsonElement Tree(string json)
    {
        try
        {
            return JsonElement.Parse(json, new JsonDocumentOptions { MaxDepth = Limits.SqlTreeDepthMax });
        }
        catch (JsonException error)
        {
            throw Fault("the SQL is nested too deeply", "Write it in fewer levels, or with columns of its own in a step before.", error);
        }
    }

    /// <summary>A fault about this SQL.</summary>
    public Fault Fault(string message, string? advice = null, Exception? inner = null) =>
        new(FaultKind.JobFile, message, inner) { Side = FaultSide.Job, Where = Mark.ToString(), Advice = advice };

    /// <summary>The place of something in the user's text, such as <c> (line 2, column 7)</c>; empty when DuckDB does not tell.</summary>
    /// <param name="element">A part of DuckDB's tree.</param>
    public string PlaceOf(JsonElement element) =>
        element.TryGetProperty("query_location", out var location) && location.TryGetInt64(out var at) ? PlaceAt(at) : "";

    /// <summary>What DuckDB says against the SQL, as a fault.</summary>
    /// <param name="error">The answer of one of its <c>json_serialize_…</c> functions.</param>
    public Fault Refusal(JsonElement error)
    {
        var lines = (Text(error, "error_message") ?? "").Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var said = lines.Length == 0 ? "DuckDB gives no reason" : lines[0].TrimEnd('!');
        var place = long.TryParse(Text(error, "position"), NumberStyles.None, CultureInfo.InvariantCulture, out var at)
            ? PlaceAt(Text(error, "error_type") == "parser" ? BytesBefore(at) : at)
            : "";
        return Fault($"the SQL can't be used: {said}{place}", AdviceFor(error, lines));
    }

    private string? AdviceFor(JsonElement error, string[] lines)
    {
        var name = Text(error, "name") ?? "";
        if (Text(error, "error_subtype") == "COLUMN_NOT_FOUND") return $"{Nearest(name, Columns)}The columns are {Listed(Columns)}.";
        if (Text(error, "error_subtype") == "MISSING_ENTRY" && Text(error, "type") == "Table")
            return $"{Nearest(name, Relations)}The SQL can read {Listed(Relations)}.";
        return lines.Length < 2 ? null : Words.Printable(string.Join(' ', lines.Skip(1)), AdviceCharsMax);
    }

    private static string Nearest(string name, ImmutableArray<string> known) =>
        Words.Nearest(name, known) is { } near ? $"Did you mean {Words.Quote(near)}? " : "";

    private static string Listed(ImmutableArray<string> names) => Words.Printable(string.Join(", ", names), AdviceCharsMax);

    private static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    // The parser counts characters, all that comes after it bytes.
    private long BytesBefore(long characters)
    {
        long bytes = Before;
        foreach (var rune in Sql.EnumerateRunes())
        {
            if (characters-- == Before) return bytes;
            bytes += rune.Utf8SequenceLength;
        }

        return bytes;
    }

    private string PlaceAt(long position)
    {
        var bytes = Encoding.UTF8.GetBytes(Sql);
        var at = position - Before;
        if (at < 0 || at > bytes.Length) return "";
        var before = Encoding.UTF8.GetString(bytes, 0, (int)at);
        var line = before.Count(c => c == '\n') + 1;
        var column = before.Length - (before.LastIndexOf('\n') + 1) + 1;
        return string.Create(CultureInfo.InvariantCulture, $" (line {line}, column {column})");
    }
}
