using System.Text;
using System.Text.RegularExpressions;

namespace Millrace.Connectors.Files.Source;

/// <summary>One part of a path pattern, between two slashes: what names it stands for.</summary>
internal sealed class PathSegment
{
    private readonly string _text;
    private readonly Regex? _matches;

    /// <summary>Understands one part: <c>*</c>, <c>?</c>, <c>[ab]</c>, <c>[!ab]</c>; anything else stands for itself.</summary>
    /// <exception cref="ArgumentException">A set of characters makes no sense, such as <c>[z-a]</c>.</exception>
    public PathSegment(string text)
    {
        _text = text;
        IsAnyDepth = text == "**";
        if (!IsAnyDepth && text.AsSpan().IndexOfAny("*?[") >= 0)
            _matches = new Regex(Translate(text), RegexOptions.CultureInvariant | RegexOptions.NonBacktracking);
    }

    /// <summary>True for <c>**</c>: any folders, also none.</summary>
    public bool IsAnyDepth { get; }

    /// <summary>Whether a name is one that patterns pass over unless they say so: <c>.tmp</c>, <c>_SUCCESS</c>; not <c>_key=value</c>.</summary>
    public static bool IsHidden(ReadOnlySpan<char> name) => name[0] == '.' || (name[0] == '_' && !name.Contains('='));

    /// <summary>Whether this part stands for a name. A hidden name needs its first character said.</summary>
    public bool Matches(ReadOnlySpan<char> name)
    {
        if (IsHidden(name) && _text[0] != name[0]) return false;
        return IsAnyDepth || (_matches is null ? name.SequenceEqual(_text) : _matches.IsMatch(name));
    }

    private static string Translate(string glob)
    {
        var regex = new StringBuilder("^");
        for (var i = 0; i < glob.Length; i++)
        {
            var close = glob[i] == '[' && i + 2 < glob.Length ? glob.IndexOf(']', i + 2) : -1;
            if (close < 0)
            {
                regex.Append(glob[i] switch { '*' => "[^/]*", '?' => "[^/]", var c => Regex.Escape(c.ToString()) });
                continue;
            }

            var not = glob[i + 1] is '!' or '^';
            var set = glob[(not ? i + 2 : i + 1)..close];
            regex.Append(not ? "[^" : "[");
            foreach (var c in set) regex.Append(c is '\\' or '[' or ']' or '^' ? "\\" : "").Append(c);
            regex.Append(']');
            i = close;
        }

        return regex.Append("\\z").ToString();
    }
}
