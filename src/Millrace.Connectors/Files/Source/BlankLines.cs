namespace Millrace.Connectors.Files.Source;

/// <summary>Counts the empty lines of a CSV file, which are no rows though DuckDB counts them in its errors. Only for a unit that has failed.</summary>
internal static class BlankLines
{
    /// <summary>The empty lines before a line; 0 when the file can't be read again.</summary>
    /// <param name="layout">How files are read.</param>
    /// <param name="file">The file.</param>
    /// <param name="range">The bytes that DuckDB has read; null: all.</param>
    /// <param name="line">The line's number there, from 1; a line end in quotes ends none.</param>
    public static long Before(FileLayout layout, SliceFile file, SliceRange? range, long line)
    {
        var packing = FormatOf.PackingOf(file.Path, layout.Packing);
        // Only DuckDB unpacks zstd; in a file of one column an empty line is a row.
        if (packing == Packing.Zstd || layout.Columns.Count(static column => column.Origin == ColumnOrigin.Content) == 1) return 0;
        try
        {
            using var text = TextStreams.Open(file.Path, packing, layout.Encoding, layout.Csv, layout.Format, range);
            return Count(text, layout.Csv!, line - 1);
        }
        catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException or System.Text.DecoderFallbackException)
        {
            return 0;
        }
    }

    private static long Count(Stream text, CsvDialect dialect, long lines)
    {
        var quote = dialect.Quote.Length > 0 ? (byte)dialect.Quote[0] : (byte)'\n';
        var escape = dialect.Escape.Length > 0 && dialect.Escape != dialect.Quote ? (byte)dialect.Escape[0] : quote;
        var buffer = new byte[128 * 1024];
        long blank = 0;
        bool quoted = false, escaped = false, isBlank = true;
        int got;
        while (lines > 0 && (got = text.Read(buffer)) > 0)
        {
            foreach (var value in buffer.AsSpan(0, got))
            {
                if (value == (byte)'\n' && !quoted)
                {
                    if (isBlank) blank++;
                    isBlank = true;
                    if (--lines == 0) return blank;
                    continue;
                }

                isBlank &= value == (byte)'\r';
                if (escaped) escaped = false;
                else if (quoted && value == escape && escape != quote) escaped = true;
                else if (value == quote) quoted = !quoted;
            }
        }

        return blank;
    }
}
