namespace Millrace.Tests.Style;

/// <summary>
/// C# text with everything that is not code blanked out (comments, directives, characters and strings, but not the holes of
/// interpolated strings), each position and line kept. A small scanner, because Roslyn is no dependency; it has its own tests.
/// </summary>
internal sealed class CodeText
{
    private readonly string _text;
    private readonly char[] _code;
    private int _at;

    private CodeText(string text)
    {
        _text = text;
        _code = text.ToCharArray();
    }

    /// <summary>Blanks out all that is not code.</summary>
    public static string Of(string text)
    {
        var scanner = new CodeText(text);
        scanner.Code(inHole: false);
        return new string(scanner._code);
    }

    private char Peek(int ahead = 0) => _at + ahead < _text.Length ? _text[_at + ahead] : '\0';

    private void Blank(int count)
    {
        for (var end = Math.Min(_at + count, _text.Length); _at < end; _at++)
        {
            if (_code[_at] != '\n')
            {
                _code[_at] = ' ';
            }
        }
    }

    private void BlankThrough(string end)
    {
        var found = _text.IndexOf(end, _at, StringComparison.Ordinal);
        Blank((found < 0 ? _text.Length : found + end.Length) - _at);
    }

    // Reads code up to the end of the text, or in an interpolated string up to the brace that ends the hole.
    private void Code(bool inHole)
    {
        var depth = 0;
        while (_at < _text.Length)
        {
            var c = Peek();
            if (c == '/' && Peek(1) == '/')
            {
                BlankLine();
            }
            else if (c == '/' && Peek(1) == '*')
            {
                BlankThrough("*/");
            }
            else if (c == '#' && IsFirstOnLine())
            {
                BlankLine();
            }
            else if (c == '\'')
            {
                Character();
            }
            else if (c is '"' or '@' or '$' && StringStarts())
            {
                String();
            }
            else if (inHole && c == '}' && depth == 0)
            {
                return;
            }
            else
            {
                depth += c == '{' ? 1 : c == '}' ? -1 : 0;
                _at++;
            }
        }
    }

    private void BlankLine()
    {
        var end = _text.IndexOf('\n', _at);
        Blank((end < 0 ? _text.Length : end) - _at);
    }

    private bool IsFirstOnLine()
    {
        var before = _at - 1;
        while (before >= 0 && _text[before] is ' ' or '\t')
        {
            before--;
        }

        return before < 0 || _text[before] == '\n';
    }

    private void Character()
    {
        Blank(1);
        while (_at < _text.Length && Peek() is not ('\'' or '\n'))
        {
            Blank(Peek() == '\\' ? 2 : 1);
        }

        Blank(1);
    }

    private bool StringStarts()
    {
        var ahead = 0;
        while (Peek(ahead) is '@' or '$')
        {
            ahead++;
        }

        return Peek(ahead) == '"';
    }

    private void String()
    {
        var (dollars, verbatim) = (0, false);
        for (; Peek() is '@' or '$'; Blank(1))
        {
            dollars += Peek() == '$' ? 1 : 0;
            verbatim |= Peek() == '@';
        }

        var quotes = 0;
        while (Peek(quotes) == '"')
        {
            quotes++;
        }

        if (quotes >= 3)
        {
            Blank(quotes);
            Raw(quotes, dollars);
        }
        else
        {
            Blank(1);
            Plain(verbatim, dollars > 0);
        }
    }

    private void Plain(bool verbatim, bool interpolated)
    {
        while (_at < _text.Length)
        {
            var c = Peek();
            if (c == '"' && !(verbatim && Peek(1) == '"'))
            {
                Blank(1);
                return;
            }

            if (interpolated && c == '{' && Peek(1) != '{')
            {
                Hole(1);
            }
            else
            {
                // Two characters at once where the second one must not be looked at: "", {{, \" and the like.
                Blank(c == '"' || (interpolated && c == '{') || (!verbatim && c == '\\') ? 2 : 1);
            }
        }
    }

    private void Raw(int quotes, int dollars)
    {
        var end = new string('"', quotes);
        while (_at < _text.Length)
        {
            if (_text.AsSpan(_at).StartsWith(end))
            {
                Blank(quotes);
                return;
            }

            var braces = 0;
            while (dollars > 0 && Peek(braces) == '{')
            {
                braces++;
            }

            if (dollars > 0 && braces >= dollars)
            {
                Blank(braces - dollars);
                Hole(dollars);
            }
            else
            {
                Blank(Math.Max(braces, 1));
            }
        }
    }

    private void Hole(int braces)
    {
        Blank(braces);
        Code(inHole: true);
        Blank(braces);
    }
}
