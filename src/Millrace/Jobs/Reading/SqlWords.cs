namespace Millrace.Jobs.Reading;

/// <summary>Where a word of SQL ends, by the rules that DuckDB shares with PostgreSQL. What never ends reaches to the end of the text.</summary>
internal static class SqlWords
{
    /// <summary>
    /// The end of what begins at a place: a text, a quoted name, a comment, a dollar quote, a name or number, <c>$name</c>, or one character.
    /// </summary>
    public static int End(string sql, int at) => sql[at] switch
    {
        '\'' => AfterQuote(sql, at, escapes: false),
        '"' => AfterQuote(sql, at, escapes: false),
        'e' or 'E' when Next(sql, at) == '\'' => AfterQuote(sql, at + 1, escapes: true),
        '-' when Next(sql, at) == '-' => sql.AsSpan(at).IndexOfAny('\n', '\r') is var line and >= 0 ? at + line : sql.Length,
        '/' when Next(sql, at) == '*' => AfterComment(sql, at),
        '$' => AfterDollar(sql, at),
        var c when IsNamePart(c) => AfterName(sql, at, withDollar: true),
        _ => at + 1,
    };

    /// <summary>The column that the text is, plain or in double quotes; null: it is something else.</summary>
    public static string? Name(string text)
    {
        if (text.Length > 0 && IsNameStart(text[0]) && AfterName(text, 0, withDollar: true) == text.Length) return text;
        return text.Length > 2 && text[0] == '"' && AfterQuote(text, 0, escapes: false) == text.Length && text[^1] == '"'
            ? text[1..^1].Replace("\"\"", "\"", StringComparison.Ordinal)
            : null;
    }

    /// <summary>True when a name can begin with the character.</summary>
    public static bool IsNameStart(char c) => char.IsAsciiLetter(c) || c == '_' || (c >= 0x80 && !char.IsWhiteSpace(c));

    private static bool IsNamePart(char c) => IsNameStart(c) || char.IsAsciiDigit(c);

    private static char Next(string sql, int at) => at + 1 < sql.Length ? sql[at + 1] : '\0';

    private static int AfterName(string sql, int at, bool withDollar)
    {
        while (at < sql.Length && (IsNamePart(sql[at]) || (withDollar && sql[at] == '$'))) at++;
        return at;
    }

    private static int AfterQuote(string sql, int at, bool escapes)
    {
        var quote = sql[at];
        for (var i = at + 1; i < sql.Length; i++)
        {
            if (escapes && sql[i] == '\\')
            {
                i++;
            }
            else if (sql[i] == quote)
            {
                // Two quotes are one of the text's own.
                if (Next(sql, i) != quote) return i + 1;
                i++;
            }
        }

        return sql.Length;
    }

    /// <summary>Comments lie in one another.</summary>
    private static int AfterComment(string sql, int at)
    {
        var depth = 0;
        for (var i = at; i + 1 < sql.Length; i++)
        {
            if (sql[i] == '/' && sql[i + 1] == '*')
            {
                depth++;
                i++;
            }
            else if (sql[i] == '*' && sql[i + 1] == '/')
            {
                depth--;
                i++;
                if (depth == 0) return i + 1;
            }
        }

        return sql.Length;
    }

    /// <summary><c>$tag$ … $tag$</c> is a text; else <c>$</c> and the name or number behind it.</summary>
    private static int AfterDollar(string sql, int at)
    {
        var end = AfterName(sql, at + 1, withDollar: false);
        if (end >= sql.Length || sql[end] != '$' || (end > at + 1 && !IsNameStart(sql[at + 1]))) return end;
        var tag = sql[at..(end + 1)];
        var close = sql.IndexOf(tag, end + 1, StringComparison.Ordinal);
        return close < 0 ? sql.Length : close + tag.Length;
    }
}
