using System.Text;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>
/// Splits a PostgreSQL URL into libpq's keywords (PostgreSQL documentation, "Connection URIs"). A malformed URL may have its
/// password anywhere, so no message repeats a piece of the part before the path.
/// </summary>
internal static class PgUrl
{
    private const string Encode = "Percent-encode every ':', '/', '@', '?', '#' and '%' of the user name and the password (a '/' is %2F).";

    /// <summary>Keyword to value; only keywords that the URL has.</summary>
    internal static Dictionary<string, string> Parse(string url)
    {
        var rest = StripScheme(url);
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        var queryAt = rest.IndexOf('?', StringComparison.Ordinal);
        var query = queryAt < 0 ? "" : rest[(queryAt + 1)..];
        if (queryAt >= 0)
            rest = rest[..queryAt];
        var pathAt = rest.IndexOf('/', StringComparison.Ordinal);
        if (pathAt >= 0)
        {
            Add(found, "dbname", rest[(pathAt + 1)..], "database");
            rest = rest[..pathAt];
        }

        // The last '@': a stray one in the password must not end up in the host, where messages would show it.
        var at = rest.LastIndexOf('@');
        if (at >= 0)
            ReadUser(found, rest[..at]);
        ReadHost(found, rest[(at + 1)..]);
        if (query.Length > 0)
            ReadQuery(found, query);
        return found;
    }

    private static string StripScheme(string url)
    {
        foreach (var scheme in (ReadOnlySpan<string>)["postgres://", "postgresql://"])
        {
            if (url.StartsWith(scheme, StringComparison.Ordinal))
                return url[scheme.Length..];
        }

        throw Malformed("it does not start with postgres:// or postgresql://", "Write postgres://user@host:5432/database.");
    }

    private static void ReadUser(Dictionary<string, string> found, string text)
    {
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        Add(found, "user", colon < 0 ? text : text[..colon], "user name");
        if (colon >= 0)
            Add(found, "password", text[(colon + 1)..], "password");
    }

    private static void ReadHost(Dictionary<string, string> found, string text)
    {
        if (text.Contains(',', StringComparison.Ordinal))
            throw Malformed("it names several hosts", "Name one host: a run reads one server's snapshot.");
        string host;
        var port = "";
        if (text.StartsWith('['))
        {
            var close = text.IndexOf(']', StringComparison.Ordinal);
            if (close < 0 || (close + 1 < text.Length && text[close + 1] != ':'))
                throw Malformed("the host's bracket '[' has no matching ']' before the port", "Write an IPv6 address as [::1]:5432.");
            host = text[1..close];
            if (close + 1 < text.Length)
                port = text[(close + 2)..];
        }
        else
        {
            var colon = text.IndexOf(':', StringComparison.Ordinal);
            host = colon < 0 ? text : text[..colon];
            if (colon >= 0)
                port = text[(colon + 1)..];
        }

        Add(found, "host", host, "host");
        Add(found, "port", port, "port");
    }

    private static void ReadQuery(Dictionary<string, string> found, string query)
    {
        foreach (var pair in query.Split('&'))
        {
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals <= 0)
                throw Malformed("a parameter after '?' is not of the form name=value", Encode);
            var name = Decode(pair[..equals], "parameter name");
            if (name == "ssl" && pair[equals..] == "=true")
                found["sslmode"] = "require";
            else if (!PgSettingsReader.IsKeyword(name))
                throw Malformed($"it has the parameter {Shown(name, query)}, which is not known here", $"Known are {PgSettingsReader.KnownKeywords}.");
            else
                found[name] = Decode(pair[(equals + 1)..], $"parameter {name}");
        }
    }

    /// <summary>The name, unless the query could be the rest of a password.</summary>
    private static string Shown(string name, string query) =>
        !query.Contains('@', StringComparison.Ordinal) && name.Length <= 40 && name.All(static c => c is (>= 'a' and <= 'z') or '_')
            ? $"'{name}'"
            : "(not shown)";

    private static void Add(Dictionary<string, string> found, string keyword, string text, string part)
    {
        if (text.Length > 0)
            found[keyword] = Decode(text, part);
    }

    private static string Decode(string text, string part)
    {
        if (!text.Contains('%', StringComparison.Ordinal))
            return text;
        var bytes = new byte[Encoding.UTF8.GetMaxByteCount(text.Length)];
        var used = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] != '%')
            {
                used += Encoding.UTF8.GetBytes(text, i, char.IsHighSurrogate(text[i]) && i + 1 < text.Length ? 2 : 1, bytes, used);
                i += char.IsHighSurrogate(text[i]) ? 1 : 0;
                continue;
            }

            if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
                throw Malformed($"the {part} has a '%' without two hexadecimal digits", Encode);
            bytes[used] = Convert.FromHexString(text.AsSpan(i + 1, 2))[0];
            if (bytes[used++] == 0)
                throw Malformed($"the {part} has a zero byte (%00)", "PostgreSQL knows no zero bytes in names.");
            i += 2;
        }

        return Encoding.UTF8.GetString(bytes, 0, used);
    }

    internal static Fault Malformed(string what, string advice) =>
        new(FaultKind.JobFile, $"the PostgreSQL URL can't be read: {what}") { Side = FaultSide.Job, Advice = advice };
}
