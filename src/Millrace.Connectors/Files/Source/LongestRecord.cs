using Millrace.Connectors.Files.Splitting;

namespace Millrace.Connectors.Files.Source;

/// <summary>Measures a file's longest record, to tell what buffers it needs. Reads all of it: only for a unit that has failed.</summary>
internal static class LongestRecord
{
    /// <summary>The longest record in bytes, rounded up to whole megabytes where it does not fit the buffer; 0 when it can't be measured.</summary>
    public static long Of(FileLayout layout, SliceFile file, SliceRange? range, CsvBuffer buffer)
    {
        var packing = FormatOf.PackingOf(file.Path, layout.Packing);
        // Only DuckDB unpacks zstd: the next larger size is tried.
        if (packing == Packing.Zstd) return CsvBuffer.Tries.FirstOrDefault(size => size.LineBytes > buffer.LineBytes)?.LineBytes ?? 0;
        try
        {
            using var text = TextStreams.Open(file.Path, packing, layout.Encoding, layout.Csv, layout.Format, range);
            var longest = Measure(text, layout.Csv);
            const long Megabyte = 1024 * 1024;
            return longest <= buffer.LineBytes - Margin ? longest : Math.Max(longest + Margin, buffer.LineBytes + 1).RoundUp(Megabyte);
        }
        catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException or System.Text.DecoderFallbackException)
        {
            return 0;
        }
    }

    // DuckDB counts its own bookkeeping to the line.
    private const long Margin = 1024;

    private static long RoundUp(this long value, long to) => (value + to - 1) / to * to;

    private static long Measure(Stream text, CsvDialect? dialect)
    {
        var quote = dialect is { Quote.Length: > 0 } ? (byte)dialect.Quote[0] : (byte)'\n';
        var escape = dialect is { Escape.Length: > 0 } && dialect.Escape != dialect.Quote ? (byte)dialect.Escape[0] : quote;
        var buffer = new byte[128 * 1024];
        long longest = 0, record = 0;
        bool quoted = false, escaped = false;
        int got;
        while ((got = text.Read(buffer)) > 0)
        {
            var rest = buffer.AsSpan(0, got);
            while (!rest.IsEmpty)
            {
                var at = escaped ? 0 : quoted ? rest.IndexOfAny(quote, escape) : rest.IndexOfAny((byte)'\n', quote);
                if (at < 0)
                {
                    record += rest.Length;
                    break;
                }

                var value = rest[at];
                record += at + 1;
                rest = rest[(at + 1)..];
                if (escaped) escaped = false;
                else if (quoted && value == escape && escape != quote) escaped = true;
                else if (value == quote && quote != (byte)'\n') quoted = !quoted;
                else if (value == (byte)'\n')
                {
                    longest = Math.Max(longest, record);
                    record = 0;
                }
            }

            longest = Math.Max(longest, record);
        }

        return longest;
    }
}
