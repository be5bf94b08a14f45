using System.Buffers;
using System.Globalization;

namespace Millrace.Connectors.Files.Source.Text;

/// <summary>
/// CSV with a delimiter of one byte and quotes that are doubled inside quotes (RFC 4180), or no quotes; lines end in LF or CRLF. An empty
/// line is no record. A row with too few or too many fields goes to <see cref="BrokenRecords"/> where there are some and it has no line end in
/// quotes, which a lost quote would explain. Everything else is <see cref="UnusualText"/>.
/// </summary>
internal sealed class CsvRecords : IRecordReader
{
    private readonly TextBuffer _text;
    private readonly CsvDialect _dialect;
    private readonly BrokenRecords? _broken;
    private readonly int _columnCount;
    private readonly byte _delimiter;
    private readonly int _quote;
    private readonly SearchValues<byte> _ends;
    private readonly byte[][] _nullWords;
    private readonly bool _emptyIsNull;
    private int[] _columnOf = [];
    private int[] _absent = [];
    private byte[] _scratch = [];

    /// <summary>A reader for a dialect that <see cref="Takes"/> says yes to.</summary>
    /// <param name="text">Where the bytes come from.</param>
    /// <param name="dialect">The dialect.</param>
    /// <param name="columns">The number of columns that files can have.</param>
    /// <param name="broken">Takes rows with too few or too many fields; null: they are unusual text.</param>
    public CsvRecords(TextBuffer text, CsvDialect dialect, int columns, BrokenRecords? broken = null)
    {
        _text = text;
        _broken = broken;
        _columnCount = columns;
        _dialect = dialect;
        _delimiter = (byte)dialect.Delimiter[0];
        _quote = dialect.Quote.Length == 0 ? -1 : dialect.Quote[0];
        _ends = SearchValues.Create(_quote < 0 ? [_delimiter, (byte)'\n', (byte)'\r'] : [_delimiter, (byte)'\n', (byte)'\r', (byte)_quote]);
        _emptyIsNull = dialect.EmptyIsNull;
        _nullWords = [.. dialect.NullWords.Where(word => word.Length > 0).Select(System.Text.Encoding.UTF8.GetBytes)];
    }

    private enum Outcome
    {
        Row,
        Blank,
        More,
    }

    /// <summary>Whether a dialect is one that this reader knows.</summary>
    /// <param name="dialect">The dialect.</param>
    /// <param name="columns">The number of columns: an empty line is a row of a file with one.</param>
    public static bool Takes(CsvDialect dialect, int columns) =>
        columns > 1 && !dialect.Pad && IsByte(dialect.Delimiter) && (dialect.Quote.Length == 0 || (IsByte(dialect.Quote) && dialect.Escape == dialect.Quote));

    /// <inheritdoc/>
    public void Begin(TextFile file)
    {
        if (file.FromStart)
        {
            for (var i = 0; i < _dialect.Skip; i++) SkipLine();
            (_columnOf, _absent) = ([], []);
            if (_dialect.Header) Next([], SkipsHeader);
        }

        _columnOf = file.Columns;
        _absent = [.. Enumerable.Range(0, _columnCount).Except(file.Columns)];
    }

    /// <inheritdoc/>
    public bool Next(TextColumn[] columns, int row)
    {
        while (true)
        {
            switch (Parse(columns, row))
            {
                case Outcome.Row:
                    foreach (var column in _absent)
                    {
                        if (columns[column].IsWanted) columns[column].SetNull(row);
                    }

                    return true;
                case Outcome.More:
                    if (_text.IsEnded) return false;
                    _text.Fill();
                    break;
            }
        }
    }

    private const int SkipsHeader = -1;
    private const string TooFew = "a row with too few fields";
    private const string TooMany = "a row with too many fields";

    private static bool IsByte(string text) => text.Length == 1 && text[0] is > '\0' and < '\u0080' and not ('\n' or '\r');

    // A record that is not whole in the buffer is read again from its start when more is there: it writes the same into the same row.
    private Outcome Parse(TextColumn[] columns, int row)
    {
        var text = _text.Unread;
        if (text.IsEmpty) return Outcome.More;
        if (text[0] is (byte)'\n' or (byte)'\r')
        {
            var blank = LineEnd(text, 0);
            _text.Consume(Math.Max(blank, 0));
            return blank < 0 ? Outcome.More : Outcome.Blank;
        }

        var at = 0;
        var isMoreNull = true;
        for (var field = 0; ; field++)
        {
            var isMore = row != SkipsHeader && field >= _columnOf.Length;
            if (isMore && _broken is null) throw new UnusualText(TooMany);
            var column = row == SkipsHeader || isMore ? -1 : _columnOf[field];
            var length = at < text.Length && text[at] == _quote ? Quoted(columns, column, row, text[at..]) : Plain(columns, column, row, text[at..]);
            if (length < 0) return Outcome.More;
            if (isMore) isMoreNull &= IsNull(text.Slice(at, length));
            at += length;
            if (at < text.Length && text[at] == _delimiter)
            {
                at++;
                continue;
            }

            var end = at == text.Length ? 0 : LineEnd(text, at);
            if (end < 0) return Outcome.More;
            if (row != SkipsHeader && field + 1 != _columnOf.Length) Break(columns, row, text[..at], field + 1, isMore && isMoreNull);
            _text.Consume(at + end);
            return Outcome.Row;
        }
    }

    // What DuckDB's reader may take is left to it: it passes over fields without a value behind the last column.
    private void Break(TextColumn[] columns, int row, ReadOnlySpan<byte> record, int fields, bool isMoreNull)
    {
        if (_broken is null || isMoreNull || record.ContainsAny((byte)'\n', (byte)'\r')) throw new UnusualText(fields > _columnOf.Length ? TooMany : TooFew);
        _broken.Take(columns, row, string.Create(CultureInfo.InvariantCulture, $"found {fields} fields, expected {_columnOf.Length}"), record);
    }

    // A field's length, -1 when its end is not there yet.
    private int Plain(TextColumn[] columns, int column, int row, ReadOnlySpan<byte> text)
    {
        var length = text.IndexOfAny(_ends);
        if (length < 0)
        {
            if (!_text.IsEnded) return -1;
            length = text.Length;
        }
        else if (text[length] == _quote)
        {
            throw new UnusualText("a quote inside a field");
        }

        if (column < 0 || !columns[column].IsWanted) return length;
        var value = text[..length];
        if (IsNull(value)) columns[column].SetNull(row);
        else columns[column].Set(row, value);
        return length;
    }

    private int Quoted(TextColumn[] columns, int column, int row, ReadOnlySpan<byte> text)
    {
        var at = 1;
        var doubled = 0;
        while (true)
        {
            var next = text[at..].IndexOf((byte)_quote);
            if (next < 0) return _text.IsEnded ? throw new UnusualText("a quote that does not end") : -1;
            at += next + 1;
            if (at == text.Length && !_text.IsEnded) return -1;
            if (at == text.Length || text[at] != _quote) break;
            doubled++;
            at++;
        }

        if (column < 0 || !columns[column].IsWanted) return at;
        var value = text[1..(at - 1)];
        columns[column].Set(row, doubled == 0 ? value : Single(value, value.Length - doubled));
        return at;
    }

    private ReadOnlySpan<byte> Single(ReadOnlySpan<byte> value, int length)
    {
        if (_scratch.Length < length) _scratch = new byte[length * 2];
        var to = 0;
        while (!value.IsEmpty)
        {
            var quote = value.IndexOf((byte)_quote);
            var count = quote < 0 ? value.Length : quote + 1;
            value[..count].CopyTo(_scratch.AsSpan(to));
            to += count;
            value = value[(quote < 0 ? count : count + 1)..];
        }

        return _scratch.AsSpan(0, to);
    }

    private bool IsNull(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty) return _emptyIsNull;
        foreach (var word in _nullWords)
        {
            if (value.SequenceEqual(word)) return true;
        }

        return false;
    }

    // The length of the line's end; -1 when it can't be told yet.
    private int LineEnd(ReadOnlySpan<byte> text, int at)
    {
        if (text[at] == (byte)'\n') return 1;
        if (text[at] != (byte)'\r') throw new UnusualText("text behind a quote that ends");
        if (at + 1 == text.Length) return _text.IsEnded ? 1 : -1;
        return text[at + 1] == (byte)'\n' ? 2 : throw new UnusualText("a CR without LF");
    }

    private void SkipLine()
    {
        int end;
        while ((end = _text.Unread.IndexOf((byte)'\n')) < 0)
        {
            if (_text.Unread.Contains((byte)'\r')) throw new UnusualText("a CR without LF");
            _text.Consume(_text.Unread.Length);
            if (_text.IsEnded) return;
            _text.Fill();
        }

        if (_text.Unread[..end].TrimEnd((byte)'\r').Contains((byte)'\r')) throw new UnusualText("a CR without LF");
        _text.Consume(end + 1);
    }
}
