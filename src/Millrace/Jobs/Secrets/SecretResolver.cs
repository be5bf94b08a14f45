using System.Text;
using Millrace.Faults;

namespace Millrace.Jobs.Secrets;

/// <summary>
/// Resolves <c>${NAME}</c>, <c>${NAME:-default}</c> and <c>${file:/path}</c> at the moment of use, and tells the redactor every value.
/// Nothing is cached: a rotated secret file is read again. Thread-safe.
/// </summary>
public sealed class SecretResolver
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly Func<string, string?> variable;
    private readonly string baseDirectory;

    /// <summary>A resolver over this process's environment.</summary>
    /// <param name="redactor">Learns every secret.</param>
    /// <param name="baseDirectory">Where relative paths of <c>${file:...}</c> start.</param>
    /// <param name="variable">Gives an environment variable or null; default: this process's environment.</param>
    public SecretResolver(Redactor redactor, string baseDirectory, Func<string, string?>? variable = null)
    {
        Redactor = redactor;
        this.baseDirectory = baseDirectory;
        this.variable = variable ?? Environment.GetEnvironmentVariable;
    }

    /// <summary>Knows every secret that was resolved here.</summary>
    public Redactor Redactor { get; }

    /// <summary>A source or target with its secrets.</summary>
    /// <exception cref="Fault">A variable is not set, or a file can't be read; names it and the endpoint's mark.</exception>
    public ResolvedText Resolve(Endpoint endpoint) => Resolve(endpoint.Text, endpoint.Mark);

    /// <summary>Any text with <c>${...}</c>, with its secrets.</summary>
    /// <param name="text">The text with its <c>${...}</c>.</param>
    /// <param name="mark">Where the text stands, for errors.</param>
    /// <exception cref="Fault">A variable is not set, or a file can't be read; names it and the mark.</exception>
    public ResolvedText Resolve(string text, Mark mark)
    {
        if (!TextTemplate.TryParse(text, out var pieces, out var mistake))
        {
            throw Wrong(mark, $"found {mistake}, expected ${{NAME}}, ${{NAME:-default}} or ${{file:/path}}", "Write $${ for a plain ${.");
        }

        var resolved = new StringBuilder();
        foreach (var piece in pieces)
        {
            var secret = piece.Kind switch
            {
                PieceKind.Variable => ReadVariable(piece, mark),
                PieceKind.File => ReadFile(piece.Text, mark),
                _ => null,
            };
            if (secret is not null && IsSecret(secret))
            {
                Redactor.Add(secret);
            }

            resolved.Append(secret ?? (piece.Kind == PieceKind.Literal ? piece.Text : piece.Default));
        }

        var whole = resolved.ToString();
        Redactor.AddUrl(whole);
        return new ResolvedText(whole, UrlPassword.Strip(text));
    }

    /// <summary>A URL without a password is what people must read in messages; any other value may be a secret.</summary>
    private static bool IsSecret(string value) => EndpointScheme.Of(value) is null || UrlPassword.In(value).Any();

    /// <summary>The variable's value; null when it is not set, or empty, and has a default.</summary>
    private string? ReadVariable(Piece piece, Mark mark)
    {
        var value = variable(piece.Text);
        if (value is null or "" && piece.Default is not null)
        {
            return null;
        }

        return value ?? throw Wrong(
            mark,
            $"found ${{{piece.Text}}}, but the environment variable {piece.Text} is not set",
            $"Set it (export {piece.Text}=...), or give a default: ${{{piece.Text}:-default}}.");
    }

    /// <summary>The file's text without the line end that editors leave behind.</summary>
    private string ReadFile(string path, Mark mark)
    {
        try
        {
            using var file = new FileStream(Path.Combine(baseDirectory, path), FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            var bytes = new byte[Limits.SecretFileBytesMax + 1];
            var length = file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
            if (length > Limits.SecretFileBytesMax)
            {
                throw Wrong(mark, $"found a secret file of more than {Limits.SecretFileBytesMax / 1024} KB: {path}", "Name the file that holds the secret alone.");
            }

            return StrictUtf8.GetString(bytes, 0, length).TrimStart('\uFEFF').TrimEnd('\r', '\n');
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            var why = unreadable switch
            {
                FileNotFoundException or DirectoryNotFoundException => "does not exist",
                UnauthorizedAccessException => "may not be read by this user, or is a folder",
                DecoderFallbackException => "is not UTF-8 text",
                _ => "can't be read",
            };
            throw Wrong(mark, $"found ${{file:{path}}}, but the file {why}", "Check the path and the file's rights.");
        }
    }

    private static Fault Wrong(Mark mark, string message, string advice) =>
        new(mark.File is null ? FaultKind.Usage : FaultKind.JobFile, message) { Side = FaultSide.Job, Where = mark.ToString(), Advice = advice };
}
