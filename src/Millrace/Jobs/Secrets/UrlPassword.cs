using Millrace.Jobs.Reading;

namespace Millrace.Jobs.Secrets;

/// <summary>
/// Finds passwords in URLs: <c>scheme://user:password@host</c> and the parameters <c>password</c> and <c>sslpassword</c>.
/// Texts with unresolved <c>${...}</c> are understood. When in doubt it takes too much for a password, never too little.
/// </summary>
public static class UrlPassword
{
    private static readonly string[] Parameters = ["password", "sslpassword"];

    /// <summary>True when a password, or a part of one, stands in the text itself and not behind a <c>${...}</c>.</summary>
    public static bool IsLiteral(string text) => Find(text).Any(range => HasLiteralPart(text[range]));

    /// <summary>The text without its literal passwords: the user stays, <c>${...}</c> stays.</summary>
    public static string Strip(string text)
    {
        foreach (var range in Find(text).Where(range => HasLiteralPart(text[range])).OrderByDescending(range => range.Start.Value).ToArray())
        {
            var start = range.Start.Value;
            var end = range.End.Value;

            // The colon goes with a user's password, the name with a parameter's.
            start = text[start - 1] == ':' ? start - 1 : text.LastIndexOfAny(['?', '&'], start - 1);
            if (text[start] == '?' && end < text.Length && text[end] == '&')
            {
                start++;
                end++;
            }

            text = text[..start] + text[end..];
        }

        return text;
    }

    /// <summary>The passwords of a resolved URL, as they stand there and percent-decoded.</summary>
    internal static IEnumerable<string> In(string resolved)
    {
        foreach (var range in Find(resolved))
        {
            var password = resolved[range];
            yield return password;
            var decoded = Uri.UnescapeDataString(password);
            if (decoded != password)
            {
                yield return decoded;
            }
        }
    }

    private static bool HasLiteralPart(string password) =>
        password.Length > 0 && (!TextTemplate.TryParse(password, out var pieces, out _) || pieces.Any(piece => piece.Kind == PieceKind.Literal));

    /// <summary>The places of all passwords that are not empty.</summary>
    private static List<Range> Find(string text)
    {
        var found = new List<Range>();
        var masked = TextTemplate.Mask(text);
        var authority = masked.IndexOf("://", StringComparison.Ordinal) + 3;
        if (authority < 3)
        {
            return found;
        }

        var end = masked.AsSpan(authority).IndexOfAny("/?#") is var stop and >= 0 ? authority + stop : masked.Length;
        var at = masked.LastIndexOf('@', end - 1, end - authority);
        if (at < 0 && HasOddPort(masked[authority..end]))
        {
            // A password with an unescaped slash or question mark: the last at sign ends it.
            at = masked.LastIndexOf('@');
        }

        var colon = at > authority ? masked.IndexOf(':', authority, at - authority) : -1;
        if (colon >= 0 && colon + 1 < at)
        {
            found.Add((colon + 1)..at);
        }

        FindParameters(masked, Math.Max(authority, at), found);
        return found;
    }

    private static bool HasOddPort(string hostAndPort)
    {
        var colon = hostAndPort.LastIndexOf(':');
        return colon >= 0 && !hostAndPort.EndsWith(']') && !hostAndPort[(colon + 1)..].All(char.IsAsciiDigit);
    }

    private static void FindParameters(string masked, int from, List<Range> found)
    {
        var query = masked.IndexOf('?', from);
        while (query >= 0)
        {
            var next = masked.IndexOf('&', query + 1);
            var end = next < 0 ? masked.Length : next;
            var equals = masked.IndexOf('=', query, end - query);
            if (equals >= 0 && equals + 1 < end && Parameters.Contains(masked[(query + 1)..equals], StringComparer.OrdinalIgnoreCase))
            {
                found.Add((equals + 1)..end);
            }

            query = next;
        }
    }
}
