using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using Millrace.Faults;

namespace Millrace.Extract;

/// <summary>
/// What a source says of a row that the target can't hold, as the JSON that stands in its column of rejects:
/// <c>{"at":"row 17","rejects":[{"column":"v","reason":"found NaN …","value":"NaN"}],"row":{…}}</c>. <c>at</c> (where in the unit) and
/// <c>row</c> (the row as the source spells it) may be missing: without a row, the typed values stand in its place. <c>place</c> instead of
/// <c>at</c> says where in the source, such as <c>in.csv, row 17</c>; <c>text</c> instead of <c>row</c> is a record whose structure is broken, whose
/// reject has no column. Used by one thread.
/// </summary>
public sealed class RejectNote : IDisposable
{
    /// <summary>How JSON of rejects is written: for people, who read it in a terminal and not in a page of HTML.</summary>
    internal static readonly JsonWriterOptions Form = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    internal const string AtName = "at";
    internal const string PlaceName = "place";
    internal const string RejectsName = "rejects";
    internal const string RowName = "row";
    internal const string TextName = "text";
    internal const string ColumnName = "column";
    internal const string ReasonName = "reason";
    internal const string ValueName = "value";

    private readonly ArrayBufferWriter<byte> _buffer = new();
    private readonly Utf8JsonWriter _json;

    /// <summary>An empty note.</summary>
    public RejectNote() => _json = new Utf8JsonWriter(_buffer, Form);

    /// <summary>Whether nothing was refused since <see cref="Begin"/>.</summary>
    public bool IsEmpty { get; private set; } = true;

    /// <summary>Begins the note of a row.</summary>
    /// <param name="at">Where in the unit it is, for people, such as <c>row 17</c>.</param>
    public void Begin(string at)
    {
        _buffer.ResetWrittenCount();
        _json.Reset();
        IsEmpty = true;
        _json.WriteStartObject();
        _json.WriteString(AtName, at);
        _json.WriteStartArray(RejectsName);
    }

    /// <summary>Adds a refused value.</summary>
    /// <param name="column">The column's name in the source.</param>
    /// <param name="reason">What was found, what was expected.</param>
    /// <param name="value">The value as text; cut at <see cref="Limits.RejectValueCharsMax"/>.</param>
    public void Add(string column, string reason, string? value)
    {
        IsEmpty = false;
        _json.WriteStartObject();
        _json.WriteString(ColumnName, column);
        _json.WriteString(ReasonName, Words.Printable(reason, Limits.RejectValueCharsMax));
        _json.WriteString(ValueName, value?.Length > Limits.RejectValueCharsMax ? value[..Limits.RejectValueCharsMax] + "…" : value);
        _json.WriteEndObject();
    }

    /// <summary>The whole note, UTF-8; valid until the next <see cref="Begin"/>.</summary>
    public ReadOnlySpan<byte> End()
    {
        _json.WriteEndArray();
        _json.WriteEndObject();
        _json.Flush();
        return _buffer.WrittenSpan;
    }

    /// <inheritdoc/>
    public void Dispose() => _json.Dispose();
}
