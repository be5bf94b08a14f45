namespace Millrace.Connectors.Files.Splitting;

/// <summary>What the splitter must know of a CSV dialect to find record starts. Defaults are RFC 4180 with a header.</summary>
public sealed record CsvSplitDialect
{
    /// <summary>What stands between two fields: 1 to 4 bytes of ASCII or of the file's encoding. Default: a comma.</summary>
    public ReadOnlyMemory<byte> Delimiter { get; init; } = ","u8.ToArray();

    /// <summary>The byte that encloses fields; null when there is none. Default: a double quote.</summary>
    public byte? Quote { get; init; } = (byte)'"';

    /// <summary>
    /// The byte that takes a quote's meaning inside a quoted field. Equal to <see cref="Quote"/> (the default): a quote is doubled.
    /// Null: nothing does.
    /// </summary>
    public byte? Escape { get; init; } = (byte)'"';

    /// <summary>The byte that starts a comment; null (default) when there are none.</summary>
    public byte? Comment { get; init; }

    /// <summary>True (default) when the first record after <see cref="SkipLines"/> names the columns and is no row.</summary>
    public bool Header { get; init; } = true;

    /// <summary>Lines before the header that are not read. 0 by default.</summary>
    public int SkipLines { get; init; }

    /// <summary>True when the rows have one column: an empty line then is a row with an empty value. Default: false.</summary>
    public bool SingleColumn { get; init; }

    /// <summary>
    /// The encoding's name. Only those in which no byte of a longer character looks like ASCII can be cut: UTF-8 and the single-byte
    /// ones (ISO 8859, Windows 125x, KOI8). Default: <c>utf-8</c>.
    /// </summary>
    public string Encoding { get; init; } = "utf-8";

    /// <summary>Why no file of this dialect can be cut, or null.</summary>
    internal string? UnsafeReason()
    {
        if (!IsByteSafe(Encoding)) return $"the encoding {Encoding} can hold line ends and quotes inside a character";
        if (Delimiter.Length is < 1 or > 4) return "the delimiter is not 1 to 4 bytes long";
        var special = Delimiter.Span.IndexOfAny((byte)'\n', (byte)'\r') >= 0 || IsLineEnd(Quote) || IsLineEnd(Escape) || IsLineEnd(Comment);
        if (special) return "a line end is the delimiter, the quote, the escape or the comment character";
        if (Quote is { } quote && Delimiter.Span.Contains(quote)) return "the delimiter holds the quote character";
        if (Escape is { } escape && Delimiter.Span.Contains(escape)) return "the delimiter holds the escape character";
        if (Comment is { } comment && (comment == Quote || comment == Escape || Delimiter.Span.Contains(comment)))
            return "the comment character is also the quote, the escape or the delimiter";
        return null;
    }

    private static bool IsLineEnd(byte? value) => value is (byte)'\n' or (byte)'\r';

    private static bool IsByteSafe(string encoding)
    {
        var name = encoding.ToLowerInvariant().Replace('_', '-');
        return name is "utf-8" or "utf8" or "ascii" or "us-ascii" or "latin-1" or "latin1" or "koi8-r" or "koi8-u" or "macintosh"
            || name.StartsWith("iso-8859-", StringComparison.Ordinal) || name.StartsWith("iso8859-", StringComparison.Ordinal)
            || name.StartsWith("windows-125", StringComparison.Ordinal) || name.StartsWith("cp125", StringComparison.Ordinal);
    }
}
