using System.Collections.Immutable;
using System.Text;

namespace Millrace.Jobs.Secrets;

/// <summary>What a piece of a text with <c>${...}</c> is.</summary>
internal enum PieceKind
{
    /// <summary>Text that stands for itself.</summary>
    Literal = 0,

    /// <summary>An environment variable: <c>${NAME}</c> or <c>${NAME:-default}</c>.</summary>
    Variable = 1,

    /// <summary>A file's content: <c>${file:/path}</c>.</summary>
    File = 2,
}

/// <summary>A piece of a text with <c>${...}</c>.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">The literal text, the variable's name or the file's path.</param>
/// <param name="Default">A variable's default; null when it has none.</param>
internal readonly record struct Piece(PieceKind Kind, string Text, string? Default = null);

/// <summary>
/// Takes a text apart into literals and <c>${...}</c>. <c>$${</c> stands for a literal <c>${</c>; any other <c>$</c> is itself.
/// </summary>
internal static class TextTemplate
{
    private const string FilePrefix = "file:";

    /// <summary>The pieces of a text. On a mistake: what was found and expected, without any of the text itself, which may be a secret.</summary>
    public static bool TryParse(string text, out ImmutableArray<Piece> pieces, out string? mistake)
    {
        var found = ImmutableArray.CreateBuilder<Piece>();
        var literal = new StringBuilder();
        mistake = null;
        for (var at = 0; at < text.Length;)
        {
            if (text.AsSpan(at).StartsWith("$${"))
            {
                literal.Append("${");
                at += 3;
            }
            else if (text.AsSpan(at).StartsWith("${"))
            {
                var end = text.IndexOf('}', at);
                if (end < 0 || Parse(text[(at + 2)..end]) is not { } piece)
                {
                    mistake = end < 0 ? "a '${' without its '}'" : "a '${...}' that names no variable and no file";
                    break;
                }

                Flush(literal, found);
                found.Add(piece);
                at = end + 1;
            }
            else
            {
                literal.Append(text[at++]);
            }
        }

        Flush(literal, found);
        pieces = found.ToImmutable();
        return mistake is null;
    }

    /// <summary>True when the text has a <c>${...}</c> that is no escape.</summary>
    public static bool HasReference(string text) => !TryParse(text, out var pieces, out _) || pieces.Any(piece => piece.Kind != PieceKind.Literal);

    /// <summary>
    /// The text with every <c>${...}</c> and <c>$${</c> overwritten by as many <c>x</c>: places in it are places in the text, and
    /// what stands inside a reference (slashes, colons, at signs) is not mistaken for a part of a URL.
    /// </summary>
    public static string Mask(string text)
    {
        var masked = text.ToCharArray();
        for (var at = 0; at < text.Length;)
        {
            var escape = text.AsSpan(at).StartsWith("$${");
            var end = escape ? at + 3 : text.AsSpan(at).StartsWith("${") ? text.IndexOf('}', at) + 1 : 0;
            if (end <= at)
            {
                at++;
                continue;
            }

            masked.AsSpan(at, end - at).Fill('x');
            at = end;
        }

        return new string(masked);
    }

    private static void Flush(StringBuilder literal, ImmutableArray<Piece>.Builder found)
    {
        if (literal.Length > 0)
        {
            found.Add(new Piece(PieceKind.Literal, literal.ToString()));
            literal.Clear();
        }
    }

    private static Piece? Parse(string inside)
    {
        if (inside.StartsWith(FilePrefix, StringComparison.Ordinal))
        {
            return inside.Length > FilePrefix.Length ? new Piece(PieceKind.File, inside[FilePrefix.Length..]) : null;
        }

        var split = inside.IndexOf(":-", StringComparison.Ordinal);
        var name = split < 0 ? inside : inside[..split];
        return IsName(name) ? new Piece(PieceKind.Variable, name, split < 0 ? null : inside[(split + 2)..]) : null;
    }

    private static bool IsName(string name) =>
        name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(c => char.IsAsciiLetterOrDigit(c) || c == '_');
}
