using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace Millrace.DuckDb;

/// <summary>A recursive descent over the SQL spelling of a type: a base type, then any number of <c>[]</c> and <c>[n]</c>.</summary>
internal ref struct DuckDbTypeParser
{
    // Deeper nesting than this is no type that anybody wrote; it bounds the stack.
    private const int DepthMax = 64;

    private readonly ReadOnlySpan<char> _text;
    private int _at;
    private int _depth;

    private DuckDbTypeParser(ReadOnlySpan<char> text) => _text = text;

    public static bool TryParse([NotNullWhen(true)] string? sql, [NotNullWhen(true)] out DuckDbType? type)
    {
        type = null;
        if (string.IsNullOrWhiteSpace(sql)) return false;
        var parser = new DuckDbTypeParser(sql);
        var parsed = parser.Type();
        parser.Blanks();
        if (parsed is null || parser._at != sql.Length) return false;
        type = parsed;
        return true;
    }

    private DuckDbType? Type()
    {
        if (++_depth > DepthMax) return null;
        var type = Base();
        while (type is not null && Take('['))
        {
            if (Take(']'))
            {
                type = DuckDbType.List(type);
                continue;
            }

            type = Number() is >= 1 and <= 100_000 and var size && Take(']') ? DuckDbType.Array(type, size) : null;
        }

        _depth--;
        return type;
    }

    private DuckDbType? Base()
    {
        if (Peek() == '"') return Identifier() == "NULL" ? DuckDbType.Of(DuckDbKind.Null) : null;
        var words = Words();
        switch (words)
        {
            case "": return null;
            case "DECIMAL" or "NUMERIC" or "DEC": return DecimalType();
            case "STRUCT" or "ROW": return Named() is { Count: > 0 } fields ? DuckDbType.Struct([.. fields]) : null;
            case "UNION": return Named() is { Count: > 0 } members ? DuckDbType.Union([.. members]) : null;
            case "MAP": return Take('(') && Type() is { } key && Take(',') && Type() is { } value && Take(')') ? DuckDbType.Map(key, value) : null;
            case "ENUM": return EnumType();
            case "JSON": return DuckDbType.Json;
        }

        // The length in varchar(20) is accepted; DuckDB does not enforce it either.
        if (words is "VARCHAR" or "CHARACTER VARYING" or "CHAR" or "CHARACTER" or "BPCHAR" or "NVARCHAR" or "TEXT" or "STRING" && Take('('))
        {
            if (Number() < 0 || !Take(')')) return null;
        }

        return DuckDbTypeNames.TryFind(words, out var kind) ? DuckDbType.Of(kind) : null;
    }

    private DuckDbType? DecimalType()
    {
        if (!Take('(')) return DuckDbType.Decimal(18, 3);
        var width = Number();
        var scale = Take(',') ? Number() : 0;
        var fits = width is >= 1 and <= DuckDbType.DecimalWidthMax && scale >= 0 && scale <= width;
        return Take(')') && fits ? DuckDbType.Decimal(width, scale) : null;
    }

    private DuckDbType? EnumType()
    {
        if (!Take('(')) return null;
        var labels = new List<string>();
        do
        {
            if (Quoted('\'') is not { } label || labels.Contains(label)) return null;
            labels.Add(label);
        }
        while (Take(','));
        return Take(')') ? DuckDbType.Enum(labels) : null;
    }

    private List<DuckDbField>? Named()
    {
        if (!Take('(')) return null;
        var fields = new List<DuckDbField>();
        do
        {
            if (Identifier() is not { } name || Type() is not { } type) return null;
            fields.Add(new DuckDbField(name, type));
        }
        while (Take(','));
        return Take(')') ? fields : null;
    }

    private string? Identifier()
    {
        if (Peek() == '"') return Quoted('"');
        var start = _at;
        while (_at < _text.Length && IsWord(_text[_at])) _at++;
        return _at == start ? null : _text[start.._at].ToString();
    }

    // Upper-case words separated by one blank, such as TIMESTAMP WITH TIME ZONE.
    private string Words()
    {
        var words = new StringBuilder();
        while (IsWord(Peek()))
        {
            if (words.Length > 0) words.Append(' ');
            while (_at < _text.Length && IsWord(_text[_at])) words.Append(char.ToUpperInvariant(_text[_at++]));
        }

        return words.ToString();
    }

    private string? Quoted(char quote)
    {
        if (!Take(quote)) return null;
        var value = new StringBuilder();
        while (_at < _text.Length)
        {
            var c = _text[_at++];
            if (c != quote)
            {
                value.Append(c);
                continue;
            }

            if (_at == _text.Length || _text[_at] != quote) return value.ToString();
            value.Append(quote);
            _at++;
        }

        return null;
    }

    private int Number()
    {
        Blanks();
        var start = _at;
        while (_at < _text.Length && char.IsAsciiDigit(_text[_at])) _at++;
        return int.TryParse(_text[start.._at], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : -1;
    }

    private bool Take(char c)
    {
        if (Peek() != c) return false;
        _at++;
        return true;
    }

    private char Peek()
    {
        Blanks();
        return _at < _text.Length ? _text[_at] : '\0';
    }

    private void Blanks()
    {
        while (_at < _text.Length && char.IsWhiteSpace(_text[_at])) _at++;
    }

    private static bool IsWord(char c) => char.IsLetterOrDigit(c) || c == '_';
}
