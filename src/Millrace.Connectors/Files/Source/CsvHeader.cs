using System.Text;
using Millrace.Faults;

namespace Millrace.Connectors.Files.Source;

/// <summary>Reads the names of a CSV file's columns, which DuckDB does not compare with what it was told.</summary>
internal static class CsvHeader
{
    private const int FirstBytes = 16 * 1024;

    /// <summary>The names in the first record behind the skipped lines; empty when the file is empty.</summary>
    /// <param name="text">The file from its start, UTF-8.</param>
    /// <param name="dialect">Its dialect.</param>
    /// <param name="path">The file's path, for errors.</param>
    /// <exception cref="Fault">There is no end of the header within <see cref="Limits.CsvHeaderBytesMax"/>.</exception>
    public static string[] Read(Stream text, CsvDialect dialect, string path)
    {
        var bytes = new byte[FirstBytes];
        var length = 0;
        while (true)
        {
            length += text.ReadAtLeast(bytes.AsSpan(length), bytes.Length - length, throwOnEndOfStream: false);
            var whole = length < bytes.Length;
            if (Parse(Encoding.UTF8.GetString(bytes, 0, length), dialect, whole) is { } names) return names;
            if (whole || length >= Limits.CsvHeaderBytesMax) break;
            Array.Resize(ref bytes, Math.Min(bytes.Length * 16, Limits.CsvHeaderBytesMax));
        }

        throw SourceFaults.Data(path, $"the header does not end within {Limits.CsvHeaderBytesMax} bytes", "Check `read.quote` and `read.header`.");
    }

    /// <summary>The names; null when the text ends before the header does.</summary>
    /// <param name="text">The file's beginning.</param>
    /// <param name="dialect">Its dialect.</param>
    /// <param name="whole">Whether nothing follows.</param>
    public static string[]? Parse(string text, CsvDialect dialect, bool whole)
    {
        var at = text.Length > 0 && text[0] == '\uFEFF' ? 1 : 0;
        for (var skip = 0; skip < dialect.Skip; skip++)
        {
            var end = text.AsSpan(at).IndexOfAny('\n', '\r');
            if (end < 0) return whole ? [] : null;
            at += end + LineEndAt(text, at + end);
        }

        while (at < text.Length && LineEndAt(text, at) is > 0 and var lineEnd) at += lineEnd;
        if (at == text.Length) return whole ? [] : null;
        return Fields(text, at, dialect, whole);
    }

    /// <summary>
    /// Names as columns have them: an empty one is <c>columnN</c> with its position, and one that was there before (case does not matter)
    /// gets <c>_1</c>, <c>_2</c> behind it.
    /// </summary>
    public static string[] Unique(IReadOnlyList<string> names)
    {
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var unique = new string[names.Count];
        for (var i = 0; i < unique.Length; i++)
        {
            var name = names[i].Length == 0 ? $"column{i}" : names[i];
            var candidate = name;
            for (var n = 1; !seen.Add(candidate); n++) candidate = $"{name}_{n}";
            unique[i] = candidate;
        }

        return unique;
    }

    private static string[]? Fields(string text, int at, CsvDialect dialect, bool whole)
    {
        var names = new List<string>();
        var field = new StringBuilder();
        while (true)
        {
            field.Clear();
            var start = at;
            while (dialect.Quote.Length > 0 && at < text.Length && text[at] == ' ') at++;
            if (dialect.Quote.Length > 0 && At(text, at, dialect.Quote))
            {
                at = Quoted(text, at + dialect.Quote.Length, dialect, field);
                if (at < 0) return whole ? throw new InvalidDataException("the header has a quote that does not end") : null;
                while (at < text.Length && text[at] == ' ') at++;
            }
            else
            {
                at = start;
            }

            while (at < text.Length && !At(text, at, dialect.Delimiter) && LineEndAt(text, at) == 0) field.Append(text[at++]);
            names.Add(field.ToString());
            if (at >= text.Length) return whole ? [.. names] : null;
            if (LineEndAt(text, at) > 0) return [.. names];
            at += dialect.Delimiter.Length;
        }
    }

    // Behind the closing quote; -1 when there is none.
    private static int Quoted(string text, int at, CsvDialect dialect, StringBuilder field)
    {
        var quote = dialect.Quote;
        var escape = dialect.Escape.Length == 0 ? quote : dialect.Escape;
        while (at < text.Length)
        {
            if (At(text, at, escape) && At(text, at + escape.Length, quote))
            {
                field.Append(quote);
                at += escape.Length + quote.Length;
            }
            else if (At(text, at, quote))
            {
                return at + quote.Length;
            }
            else
            {
                field.Append(text[at++]);
            }
        }

        return -1;
    }

    private static bool At(string text, int at, string what) => at <= text.Length && text.AsSpan(at).StartsWith(what, StringComparison.Ordinal);

    private static int LineEndAt(string text, int at) => text[at] switch
    {
        '\n' => 1,
        '\r' when at + 1 < text.Length && text[at + 1] == '\n' => 2,
        '\r' => 1,
        _ => 0,
    };
}
