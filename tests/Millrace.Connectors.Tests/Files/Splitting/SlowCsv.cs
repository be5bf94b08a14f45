using Millrace.Connectors.Files.Splitting;

namespace Millrace.Connectors.Tests.Files.Splitting;

/// <summary>
/// The reference: reads CSV one byte at a time the way DuckDB does, where a quote means something only at a field's start. Knows
/// nothing of blocks, parity or masks.
/// </summary>
internal static class SlowCsv
{
    /// <summary>Where each record starts, and whether it is a row; from <paramref name="start"/> to the end.</summary>
    public static List<(int Start, bool IsRow)> Records(ReadOnlySpan<byte> text, int start, CsvSplitDialect dialect)
    {
        List<(int, bool)> records = [];
        while (start < text.Length)
        {
            var end = RecordEnd(text, start, dialect);
            var record = text[start..end];
            var blank = record is [(byte)'\n'] or [(byte)'\r', (byte)'\n'];
            records.Add((start, (!blank || dialect.SingleColumn) && record[0] != dialect.Comment));
            start = end;
        }
        return records;
    }

    /// <summary>Where the first row starts.</summary>
    public static int DataStart(ReadOnlySpan<byte> text, CsvSplitDialect dialect)
    {
        var at = text.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]) ? 3 : 0;
        for (var i = 0; i < dialect.SkipLines; i++)
        {
            while (at < text.Length && text[at] != '\n') at++;
            at = Math.Min(text.Length, at + 1);
        }
        if (!dialect.Header) return at;
        foreach (var (start, isRow) in Records(text, at, dialect))
        {
            if (isRow) return RecordEnd(text, start, dialect);
        }
        return text.Length;
    }

    private static int RecordEnd(ReadOnlySpan<byte> text, int at, CsvSplitDialect dialect)
    {
        var fieldStart = true;
        while (at < text.Length)
        {
            if (text[at] == dialect.Comment) return LineEnd(text, at);
            if (fieldStart && text[at] == dialect.Quote)
            {
                at = QuotedEnd(text, at + 1, dialect);
                fieldStart = false;
            }
            else if (text[at] == '\n')
            {
                return at + 1;
            }
            else if (text[at..].StartsWith(dialect.Delimiter.Span))
            {
                at += dialect.Delimiter.Length;
                fieldStart = true;
            }
            else
            {
                at++;
                fieldStart = false;
            }
        }
        return at;
    }

    private static int LineEnd(ReadOnlySpan<byte> text, int at)
    {
        while (at < text.Length && text[at] != '\n') at++;
        return Math.Min(text.Length, at + 1);
    }

    private static int QuotedEnd(ReadOnlySpan<byte> text, int at, CsvSplitDialect dialect)
    {
        for (; at < text.Length; at++)
        {
            if (dialect.Escape is { } escape && escape != dialect.Quote && text[at] == escape) at++;
            else if (text[at] != dialect.Quote) continue;
            else if (dialect.Escape == dialect.Quote && at + 1 < text.Length && text[at + 1] == dialect.Quote) at++;
            else return at + 1;
        }
        return text.Length;
    }
}
