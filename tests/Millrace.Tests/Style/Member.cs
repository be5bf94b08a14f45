using System.Text.RegularExpressions;

namespace Millrace.Tests.Style;

/// <summary>A method, property or constructor: its name and how many lines it takes from its first word to its end.</summary>
internal sealed partial record Member(string Name, int Line, int Lines)
{
    /// <summary>All members with a body, of all types of a file, found by counting brackets.</summary>
    public static IReadOnlyList<Member> In(string text)
    {
        var members = new List<Member>();
        var code = CodeText.Of(text);
        Scope(code, 0, members);
        return members;
    }

    // Reads the declarations of a file, namespace or type up to its closing brace; returns the position behind it.
    private static int Scope(string code, int at, List<Member> members)
    {
        while (true)
        {
            at = SkipSpaceAndAttributes(code, at);
            if (at >= code.Length || code[at] == '}')
            {
                return at + 1;
            }

            var start = at;
            at = ReadHeader(code, at);
            var header = code[start..at];
            if (at < code.Length && code[at] == '{' && Declaration().IsMatch(header))
            {
                at = Scope(code, at + 1, members);
                continue;
            }

            var end = ReadBody(code, at);
            if (HasBody(header, code, start, end))
            {
                var line = code.AsSpan(0, start).Count('\n') + 1;
                members.Add(new Member(NameOf(header), line, code.AsSpan(start, end - start).TrimEnd().Count('\n') + 1));
            }

            at = SkipInitialValue(code, end);
        }
    }

    private static int SkipSpaceAndAttributes(string code, int at)
    {
        while (at < code.Length && (char.IsWhiteSpace(code[at]) || code[at] is '[' or ';'))
        {
            at = code[at] == '[' ? SkipBrackets(code, at) : at + 1;
        }

        return at;
    }

    // Up to the brace, arrow or semicolon that ends what a declaration says about itself.
    private static int ReadHeader(string code, int at)
    {
        while (at < code.Length && code[at] is not ('{' or '}' or ';') && !code.AsSpan(at).StartsWith("=>"))
        {
            at = code[at] is '(' or '[' ? SkipBrackets(code, at) : at + 1;
        }

        return at;
    }

    // A block, or everything up to the semicolon.
    private static int ReadBody(string code, int at)
    {
        if (at < code.Length && code[at] == '{')
        {
            return SkipBrackets(code, at);
        }

        while (at < code.Length && code[at] is not (';' or '}'))
        {
            at = code[at] is '(' or '[' or '{' ? SkipBrackets(code, at) : at + 1;
        }

        return at < code.Length && code[at] == ';' ? at + 1 : at;
    }

    // A property's initial value behind its block is data, and so is what follows a block inside a field's value.
    private static int SkipInitialValue(string code, int at)
    {
        var next = at;
        while (next < code.Length && char.IsWhiteSpace(code[next]))
        {
            next++;
        }

        return next < code.Length && code[next] is '=' or ',' or '.' or ')' ? ReadBody(code, next) : at;
    }

    private static int SkipBrackets(string code, int at)
    {
        var depth = 0;
        for (; at < code.Length; at++)
        {
            depth += code[at] is '(' or '[' or '{' ? 1 : code[at] is ')' or ']' or '}' ? -1 : 0;
            if (depth == 0)
            {
                return at + 1;
            }
        }

        return at;
    }

    // A field's initial value is data, however long its table is.
    private static bool HasBody(string header, string code, int start, int end) =>
        !Assignment().IsMatch(Parentheses().Replace(header, "()")) && code.AsSpan(start, end - start).ContainsAny('{', '>');

    private static string NameOf(string header) => NameBeforeParenthesis().Match(header) is { Success: true } match
        ? match.Groups[1].Value
        : header.Trim().Split([' ', '\n', '\r'], StringSplitOptions.RemoveEmptyEntries)[^1];

    [GeneratedRegex(@"\b(namespace|class|struct|interface|enum|record)\s+\w", RegexOptions.NonBacktracking)]
    private static partial Regex Declaration();

    [GeneratedRegex(@"(?<![=<>!+\-*/%&|^])=(?![=>])")]
    private static partial Regex Assignment();

    [GeneratedRegex(@"\([^()]*\)")]
    private static partial Regex Parentheses();

    [GeneratedRegex(@"([\w.]+)\s*(?:<[^()]*>)?\s*\(")]
    private static partial Regex NameBeforeParenthesis();
}
