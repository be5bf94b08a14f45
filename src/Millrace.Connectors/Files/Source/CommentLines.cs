namespace Millrace.Connectors.Files.Source;

/// <summary>
/// Takes lines that start with the comment character out of a UTF-8 CSV text; inside of quotes no line starts. DuckDB's own option
/// would also cut everything behind that character in the middle of a row.
/// </summary>
internal sealed class CommentLines : ReadOnlyStream
{
    private readonly byte _comment;
    private readonly byte _quote;
    private readonly byte _escape;
    private readonly byte[] _buffer = new byte[64 * 1024];
    private int _start;
    private int _end;
    private bool _atLineStart = true;
    private bool _inComment;
    private bool _endsInReturn;
    private bool _quoted;
    private bool _escaped;

    /// <summary>Reads a text of a dialect that has a comment character and disposes it.</summary>
    public CommentLines(Stream inner, CsvDialect dialect)
        : base(inner)
    {
        _comment = (byte)dialect.Comment[0];
        _quote = dialect.Quote.Length == 0 ? (byte)0 : (byte)dialect.Quote[0];
        _escape = dialect.Escape.Length == 0 || dialect.Escape == dialect.Quote ? (byte)0 : (byte)dialect.Escape[0];
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        var written = 0;
        while (written == 0 && buffer.Length > 0)
        {
            if (_start == _end)
            {
                _start = 0;
                _end = Inner.Read(_buffer);
                if (_end == 0) return 0;
            }

            while (_start < _end && written < buffer.Length)
            {
                var value = _buffer[_start++];
                if (Keeps(value)) buffer[written++] = value;
            }
        }

        return written;
    }

    private bool Keeps(byte value)
    {
        var lineEnd = value is (byte)'\n' or (byte)'\r';
        if (_inComment)
        {
            if (!lineEnd) return false;
            // The line's own end goes with it.
            _inComment = false;
            _atLineStart = true;
            _endsInReturn = value == (byte)'\r';
            return false;
        }

        if (_endsInReturn)
        {
            _endsInReturn = false;
            if (value == (byte)'\n') return false;
        }

        if (_quoted)
        {
            if (_escaped) _escaped = false;
            else if (_escape != 0 && value == _escape) _escaped = true;
            else if (value == _quote) _quoted = false;
            return true;
        }

        if (_atLineStart && value == _comment)
        {
            _inComment = true;
            return false;
        }

        _atLineStart = lineEnd || (_atLineStart && value is 0xEF or 0xBB or 0xBF);
        _quoted = _quote != 0 && value == _quote;
        return true;
    }
}
