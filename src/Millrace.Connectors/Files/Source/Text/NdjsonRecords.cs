using System.Text;
using System.Text.Json;

namespace Millrace.Connectors.Files.Source.Text;

/// <summary>
/// NDJSON: one object on each line, lines of white space left out. A key that there is no column for, a key twice and what is no object goes to
/// <see cref="BrokenRecords"/> where there are some; it is <see cref="UnusualText"/> otherwise, and so is what is no JSON: DuckDB takes some of that.
/// A number keeps its spelling; an object or a list is its JSON without white space.
/// </summary>
internal sealed class NdjsonRecords : IRecordReader
{
    // After so many lines that only the full reader takes, and not as many of the others, it is asked at once.
    private const int QuickTriesMin = 100;

    private readonly TextBuffer _text;
    private readonly BrokenRecords? _broken;
    private readonly byte[][] _keys;
    private readonly byte[][] _expected;
    private readonly bool[] _isJson;
    private readonly int[] _seenIn;
    private int _record;
    private long _tries;
    private long _taken;
    private byte[] _scratch = [];

    /// <summary>A reader.</summary>
    /// <param name="text">Where the bytes come from.</param>
    /// <param name="keys">The columns' keys; of a JSON one the value's JSON is taken, also that of a string.</param>
    /// <param name="broken">Takes lines that are no object of such keys; null: they are unusual text.</param>
    public NdjsonRecords(TextBuffer text, IReadOnlyList<(string Key, bool IsJson)> keys, BrokenRecords? broken = null)
    {
        _text = text;
        _broken = broken;
        _keys = [.. keys.Select(key => Encoding.UTF8.GetBytes(key.Key))];
        // A key that needs an escape is never expected: a NUL stands in no line.
        _expected = [.. _keys.Select(key => key.AsSpan().ContainsAny(QuickJson.StringEnds) ? [0] : (byte[])[(byte)'"', .. key, (byte)'"', (byte)':'])];
        _isJson = [.. keys.Select(key => key.IsJson)];
        _seenIn = new int[_keys.Length];
    }

    /// <inheritdoc/>
    public void Begin(TextFile file)
    {
        // Every line is a record.
    }

    /// <inheritdoc/>
    public bool Next(TextColumn[] columns, int row)
    {
        while (true)
        {
            var text = _text.Unread;
            var end = text.IndexOf((byte)'\n');
            if (end < 0 && !_text.IsEnded)
            {
                _text.Fill();
                continue;
            }

            if (end < 0 && text.IsEmpty) return false;
            var line = end < 0 ? text : text[..end];
            var isRecord = (line.Length > 0 && line[0] == (byte)'{') || line.ContainsAnyExcept(" \t\r"u8);
            if (isRecord) Read(line, columns, row);
            _text.Consume(end < 0 ? text.Length : end + 1);
            if (isRecord) return true;
        }
    }

    private void Read(ReadOnlySpan<byte> line, TextColumn[] columns, int row)
    {
        if (_tries - _taken <= Math.Max(QuickTriesMin, _taken))
        {
            _tries++;
            if (TryQuickly(line, columns, row))
            {
                _taken++;
                return;
            }
        }

        ReadFully(line, columns, row);
    }

    // False where a full reader has to look; it writes the same into the same row.
    private bool TryQuickly(ReadOnlySpan<byte> line, TextColumn[] columns, int row)
    {
        _record++;
        var json = new QuickJson(line);
        if (!json.TryBegin()) return false;
        var seen = 0;
        for (var isEnd = false; !isEnd;)
        {
            var key = seen;
            if (key >= _keys.Length || !json.TryExpected(_expected[key]))
            {
                if (!json.TryKey(out var name)) return false;
                key = Find(name, seen);
            }

            if (key < 0 || _seenIn[key] == _record) return false;
            if (!json.TryValue(out var kind, out var value) || (kind == QuickJsonKind.String && _isJson[key])) return false;
            _seenIn[key] = _record;
            seen = key + 1;
            if (columns[key].IsWanted)
            {
                if (kind == QuickJsonKind.Null) columns[key].SetNull(row);
                else columns[key].Set(row, value);
            }

            if (!json.TryNext(out isEnd)) return false;
        }

        SetAbsent(columns, row);
        return true;
    }

    private int Find(ReadOnlySpan<byte> name, int guess)
    {
        if (guess < _keys.Length && name.SequenceEqual(_keys[guess])) return guess;
        for (var key = 0; key < _keys.Length; key++)
        {
            if (name.SequenceEqual(_keys[key])) return key;
        }

        return -1;
    }

    private void SetAbsent(TextColumn[] columns, int row)
    {
        for (var key = 0; key < columns.Length; key++)
        {
            if (_seenIn[key] != _record && columns[key].IsWanted) columns[key].SetNull(row);
        }
    }

    private void ReadFully(ReadOnlySpan<byte> line, TextColumn[] columns, int row)
    {
        _record++;
        try
        {
            if (Structure(line, columns, row) is { } found)
            {
                // The reading has stopped there: whether the rest is JSON is not known yet.
                if (_broken is null) throw new UnusualText(found);
                AssertJson(line);
                _broken.Take(columns, row, $"found {found}", line.TrimEnd((byte)'\r'));
                return;
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            throw new UnusualText("a line that is no JSON object", error);
        }

        SetAbsent(columns, row);
    }

    // Reads an object; what there is instead, or null.
    private string? Structure(ReadOnlySpan<byte> line, TextColumn[] columns, int row)
    {
        var reader = new Utf8JsonReader(line);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject) return "a value that is no object";
        var guess = 0;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.ValueIsEscaped ? Unescaped(ref reader) : reader.ValueSpan;
            var key = Find(name, guess);
            if (key < 0) return $"the key \"{Encoding.UTF8.GetString(name)}\", which none of the rows has that were looked into";
            if (_seenIn[key] == _record) return $"the key \"{Encoding.UTF8.GetString(name)}\" twice";
            _seenIn[key] = _record;
            guess = key + 1;
            reader.Read();
            if (columns[key].IsWanted) Set(ref reader, ref columns[key], key, row, line);
            else reader.Skip();
        }

        // Nothing but white space may follow: the reader throws.
        reader.Read();
        return null;
    }

    private static void AssertJson(ReadOnlySpan<byte> line)
    {
        var reader = new Utf8JsonReader(line);
        while (reader.Read())
        {
            // It throws where the line is no JSON.
        }
    }

    private void Set(ref Utf8JsonReader reader, ref TextColumn column, int key, int row, ReadOnlySpan<byte> line)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.Null:
                column.SetNull(row);
                break;
            case JsonTokenType.String when !_isJson[key]:
                column.Set(row, reader.ValueIsEscaped ? Unescaped(ref reader) : reader.ValueSpan);
                break;
            case JsonTokenType.String or JsonTokenType.StartObject or JsonTokenType.StartArray:
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                column.Set(row, WithoutSpace(line[start..(int)reader.BytesConsumed]));
                break;
            default:
                column.Set(row, reader.ValueSpan);
                break;
        }
    }

    private ReadOnlySpan<byte> Unescaped(ref Utf8JsonReader reader)
    {
        Reserve(reader.ValueSpan.Length);
        return _scratch.AsSpan(0, reader.CopyString(_scratch));
    }

    private ReadOnlySpan<byte> WithoutSpace(ReadOnlySpan<byte> json)
    {
        if (!json.ContainsAny(" \t\r"u8)) return json;
        Reserve(json.Length);
        var length = 0;
        var inString = false;
        for (var i = 0; i < json.Length; i++)
        {
            var character = json[i];
            if (!inString && character is (byte)' ' or (byte)'\t' or (byte)'\r') continue;
            _scratch[length++] = character;
            if (character == (byte)'"') inString = !inString;
            else if (character == (byte)'\\') _scratch[length++] = json[++i];
        }

        return _scratch.AsSpan(0, length);
    }

    private void Reserve(int length)
    {
        if (_scratch.Length < length) _scratch = new byte[length * 2];
    }
}
