using Millrace.Faults;

namespace Millrace.Jobs;

/// <summary>
/// An object store's address: <c>scheme://bucket/prefix?endpoint=…&amp;region=…</c>. It holds no secret: one that does is refused, and not repeated.
/// </summary>
/// <param name="Scheme">The scheme, in lower case.</param>
/// <param name="Bucket">The bucket.</param>
/// <param name="Prefix">How the names of objects begin, with a slash at its end; or empty.</param>
/// <param name="Endpoint">The server; null: the provider's own.</param>
/// <param name="Region">The region; null: what the environment says.</param>
public sealed record StoreAddress(string Scheme, string Bucket, string Prefix, Uri? Endpoint, string? Region)
{
    /// <summary>What such an address looks like, for messages.</summary>
    public const string Expected = "a URL such as s3://bucket/prefix";

    private const string Credentials = "Credentials come from the environment (AWS_ACCESS_KEY_ID, AWS_PROFILE) or from the machine's role.";

    /// <summary>Bucket and prefix, for people.</summary>
    public string Shown => $"{Scheme}://{Bucket}/{Prefix}".TrimEnd('/');

    /// <summary>Reads an address.</summary>
    /// <param name="text">The address, secrets resolved.</param>
    /// <param name="mistake">What was found and expected, without what may be a secret, and what to do; both when there is no address.</param>
    public static StoreAddress? TryParse(string text, out (string Message, string? Advice)? mistake)
    {
        mistake = null;
        if (EndpointScheme.Of(text) is not { } scheme || !text.AsSpan(scheme.Length).StartsWith("://"))
        {
            mistake = ($"found no URL, expected {Expected}", null);
            return null;
        }

        var query = text.IndexOf('?');
        var path = query < 0 ? text[(scheme.Length + 3)..] : text[(scheme.Length + 3)..query];
        var slash = path.IndexOf('/');
        var bucket = slash < 0 ? path : path[..slash];
        if (bucket.Contains('@'))
        {
            mistake = ($"found a user or a password before the bucket, expected {Expected}", Credentials);
            return null;
        }

        if (bucket.Length is 0 or > Limits.NameBytesMax || !bucket.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
        {
            mistake = ($"found {(bucket.Length == 0 ? "no bucket" : "a bucket's name that can't be")}, expected {Expected}", null);
            return null;
        }

        var prefix = slash < 0 ? "" : path[slash..].Trim('/');
        var (endpoint, region) = ((Uri?)null, (string?)null);
        foreach (var parameter in query < 0 ? [] : text[(query + 1)..].Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = parameter.IndexOf('=');
            var (name, value) = equals < 0 ? (parameter, "") : (parameter[..equals], Uri.UnescapeDataString(parameter[(equals + 1)..]));
            switch (name)
            {
                case "endpoint" when IsEndpoint(value, out endpoint):
                    continue;
                case "region" when value.Length > 0 && value.All(static c => char.IsAsciiLetterOrDigit(c) || c == '-'):
                    region = value;
                    continue;
                case "endpoint":
                    mistake = ("found an endpoint that is no plain URL, expected one such as http://host:9000, without user, path or parameters", Credentials);
                    return null;
                case "region":
                    mistake = ("found a region that can't be, expected one such as eu-central-1", null);
                    return null;
                default:
                    mistake = ($"found the parameter {(equals < 0 ? "without a value" : Words.Quote(name))}, expected endpoint or region", Credentials);
                    return null;
            }
        }

        return new StoreAddress(scheme, bucket, prefix.Length == 0 ? "" : prefix + "/", endpoint, region);
    }

    private static bool IsEndpoint(string value, out Uri? endpoint) =>
        Uri.TryCreate(value, UriKind.Absolute, out endpoint) && (endpoint.Scheme is "http" or "https") && endpoint.UserInfo.Length == 0 && endpoint.PathAndQuery == "/" && endpoint.Fragment.Length == 0;
}
