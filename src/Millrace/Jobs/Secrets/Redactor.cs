using System.Collections.Immutable;

namespace Millrace.Jobs.Secrets;

/// <summary>
/// Knows every secret that this process has resolved and takes it out of any text: the last guard before an error, a log line or a
/// report leaves the process. Thread-safe.
/// </summary>
public sealed class Redactor
{
    private const string Mask = "***";

    /// <summary>Shorter secrets are taken out only where they stand alone: else every word with their letters would be destroyed.</summary>
    private const int AnywhereCharsMin = 4;

    private readonly Lock adding = new();
    private ImmutableArray<string> secrets = [];

    /// <summary>Adds a secret, and the forms in which URLs and JSON show it. An empty one is no secret.</summary>
    public void Add(string secret)
    {
        lock (adding)
        {
            var all = new HashSet<string>(secrets, StringComparer.Ordinal);
            foreach (var form in new[] { secret, secret.Trim(), Uri.EscapeDataString(secret), System.Text.Json.JsonEncodedText.Encode(secret).ToString() })
            {
                if (form.Length > 0)
                {
                    all.Add(form);
                }
            }

            // The longest first: a password inside a URL must not break the URL up before it is found.
            secrets = [.. all.OrderByDescending(form => form.Length).ThenBy(form => form, StringComparer.Ordinal)];
        }
    }

    /// <summary>Adds the passwords that a URL holds.</summary>
    public void AddUrl(string url)
    {
        foreach (var password in UrlPassword.In(url))
        {
            Add(password);
        }
    }

    /// <summary>The text with every known secret replaced by <c>***</c>.</summary>
    public string Scrub(string text)
    {
        foreach (var secret in secrets)
        {
            if (text.Contains(secret, StringComparison.Ordinal))
            {
                text = secret.Length >= AnywhereCharsMin ? text.Replace(secret, Mask, StringComparison.Ordinal) : ScrubWords(text, secret);
            }
        }

        return text;
    }

    private static string ScrubWords(string text, string secret)
    {
        var scrubbed = new System.Text.StringBuilder(text.Length);
        var from = 0;
        for (var at = text.IndexOf(secret, StringComparison.Ordinal); at >= 0; at = text.IndexOf(secret, at + 1, StringComparison.Ordinal))
        {
            var end = at + secret.Length;
            var alone = (at == 0 || !char.IsLetterOrDigit(text[at - 1])) && (end == text.Length || !char.IsLetterOrDigit(text[end]));
            if (alone && at >= from)
            {
                scrubbed.Append(text, from, at - from).Append(Mask);
                from = end;
            }
        }

        return scrubbed.Append(text, from, text.Length - from).ToString();
    }
}
