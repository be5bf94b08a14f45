using System.Buffers;
using Microsoft.Win32.SafeHandles;

namespace Millrace.Connectors.Files.Splitting;

/// <summary>Finds where a file's rows begin: after a byte order mark, skipped lines and the header.</summary>
internal static class Preamble
{
    /// <summary>The length of a UTF-8 byte order mark, or 0.</summary>
    /// <param name="file">The open file.</param>
    /// <param name="foreign">Why the file can't be cut when the mark is another encoding's.</param>
    public static long ByteOrderMark(SafeFileHandle file, out string? foreign)
    {
        Span<byte> head = stackalloc byte[4];
        head = head[..RandomAccess.Read(file, head, 0)];
        foreign = null;
        if (head.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) || head.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF])
            || head.StartsWith((ReadOnlySpan<byte>)[0, 0, 0xFE, 0xFF]))
            foreign = "it starts with the byte order mark of UTF-16 or UTF-32";
        return head.StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]) ? 3 : 0;
    }

    /// <summary>Where the first row of a CSV file starts.</summary>
    /// <param name="file">The open file.</param>
    /// <param name="start">After the byte order mark.</param>
    /// <param name="dialect">How it is written.</param>
    /// <param name="reason">Why the file can't be cut, or null.</param>
    public static long End(SafeFileHandle file, long start, CsvSplitDialect dialect, out string? reason)
    {
        reason = null;
        if (!dialect.Header && dialect.SkipLines == 0) return start;
        for (var size = 64 * 1024; ; size = Math.Min(size * 8, Limits.CsvHeaderBytesMax))
        {
            var buffer = ArrayPool<byte>.Shared.Rent(size);
            try
            {
                var length = Fill(file, buffer.AsSpan(0, size), start);
                var whole = length < size;
                var end = End(buffer.AsSpan(0, length), whole, dialect, out reason);
                if (reason is not null || end >= 0) return start + end;
                if (size >= Limits.CsvHeaderBytesMax)
                {
                    reason = $"its header does not end within {Limits.CsvHeaderBytesMax} bytes";
                    return start;
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }

    private static int End(ReadOnlySpan<byte> head, bool whole, CsvSplitDialect dialect, out string? reason)
    {
        reason = null;
        var at = 0;
        for (var i = 0; i < dialect.SkipLines; i++)
        {
            var newline = head[at..].IndexOf((byte)'\n');
            var line = newline < 0 ? head[at..] : head.Slice(at, newline + 1);
            if (dialect.Quote is { } quote && line.Contains(quote)) reason = "a skipped line has a quote";
            if (HasLoneReturn(line)) reason = "a skipped line ends in \\r alone";
            if (reason is not null) return at;
            if (newline < 0) return whole ? head.Length : -1;
            at += newline + 1;
        }
        while (dialect.Header)
        {
            var length = RecordLength(head[at..], dialect);
            if (length < 0 && !whole) return -1;
            var record = length < 0 ? head[at..] : head.Slice(at, length);
            if (record.IsEmpty) break;
            at += record.Length;
            var isLine = record is [(byte)'\n'] or [(byte)'\r', (byte)'\n'];
            if (isLine && !dialect.SingleColumn) continue;
            if (record[0] == dialect.Comment) continue;
            if (dialect.Comment is { } comment && dialect.Quote is { } mark && record.Contains(comment) && record.Contains(mark))
                reason = "its header has a comment character and a quote";
            var scanner = new CsvBlockScanner(dialect);
            scanner.Begin([], 0);
            scanner.Scan(record);
            if (scanner.End(endOfFile: true).Outside.Problem != SplitProblem.None) reason = "a quote, escape or \\r stands oddly in the header";
            break;
        }
        return at;
    }

    /// <summary>The first record's length with its newline; -1 when it does not end here.</summary>
    private static int RecordLength(ReadOnlySpan<byte> text, CsvSplitDialect dialect)
    {
        var inside = false;
        var escape = dialect.Escape == dialect.Quote ? null : dialect.Escape;
        if (text.Length > 0 && text[0] == dialect.Comment) return text.IndexOf((byte)'\n') + 1 is var end and > 0 ? end : -1;
        for (var i = 0; i < text.Length; i++)
        {
            if (inside && text[i] == escape) i++;
            else if (text[i] == dialect.Quote) inside = !inside;
            else if (text[i] == (byte)'\n' && !inside) return i + 1;
        }
        return -1;
    }

    private static bool HasLoneReturn(ReadOnlySpan<byte> line)
    {
        var at = line.IndexOf((byte)'\r');
        return at >= 0 && at != line.Length - 2;
    }

    private static int Fill(SafeFileHandle file, Span<byte> bytes, long at)
    {
        var done = 0;
        while (done < bytes.Length)
        {
            var read = RandomAccess.Read(file, bytes[done..], at + done);
            if (read == 0) break;
            done += read;
        }
        return done;
    }
}
