using System.Runtime.InteropServices;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// A path pattern, matched folder by folder on the way down, so that folders that can't lead to a match are never entered:
/// <c>*</c>, <c>?</c>, <c>[ab]</c> within a name, <c>{a,b}</c> anywhere, <c>**</c> for any folders.
/// </summary>
internal sealed class PathPattern
{
    private readonly PathSegment[][] _ways;

    /// <summary>Understands a pattern.</summary>
    /// <exception cref="ArgumentException">It makes no sense.</exception>
    public PathPattern(string pattern)
    {
        var ways = new List<string>();
        Expand("", pattern, ways);
        _ways = [.. ways.Select(Segments)];
        Start = [];
        for (var way = 0; way < _ways.Length; way++) Reach(way, 0, Start);
    }

    /// <summary>Where matching begins: in the folder that the pattern is relative to.</summary>
    public List<Position> Start { get; }

    /// <summary>Whether a file in a folder matches.</summary>
    /// <param name="folder">The folder's positions: <see cref="Start"/>, or what <see cref="Enter"/> gave.</param>
    /// <param name="name">The file's name.</param>
    public bool Matches(List<Position> folder, ReadOnlySpan<char> name)
    {
        foreach (var (way, at) in folder)
        {
            if (at == _ways[way].Length - 1 && _ways[way][at].Matches(name)) return true;
        }

        return false;
    }

    /// <summary>Whether a folder in a folder can hold a match.</summary>
    public bool CanEnter(List<Position> folder, ReadOnlySpan<char> name)
    {
        foreach (var (way, at) in folder)
        {
            if (LeadsOn(way, at) && _ways[way][at].Matches(name)) return true;
        }

        return false;
    }

    /// <summary>The positions in a folder in a folder.</summary>
    public List<Position> Enter(List<Position> folder, ReadOnlySpan<char> name)
    {
        var inside = new List<Position>();
        foreach (var (way, at) in folder)
        {
            if (LeadsOn(way, at) && _ways[way][at].Matches(name)) Reach(way, _ways[way][at].IsAnyDepth ? at : at + 1, inside);
        }

        return inside;
    }

    private bool LeadsOn(int way, int at) => _ways[way][at].IsAnyDepth || at < _ways[way].Length - 1;

    // Any depth is also none: the part behind it counts here too.
    private void Reach(int way, int at, List<Position> positions)
    {
        if (!positions.Contains(new Position(way, at))) positions.Add(new Position(way, at));
        if (_ways[way][at].IsAnyDepth && at < _ways[way].Length - 1) Reach(way, at + 1, positions);
    }

    private static PathSegment[] Segments(string way)
    {
        var segments = new List<PathSegment>();
        foreach (var part in way.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            // `**.csv` is taken for `**/*.csv`.
            if (part.Length > 2 && part.StartsWith("**", StringComparison.Ordinal)) segments.Add(new PathSegment("**"));
            segments.Add(new PathSegment(part.Length > 2 && part.StartsWith("**", StringComparison.Ordinal) ? part[1..] : part));
        }

        return segments.Count == 0 ? [new PathSegment("**")] : [.. segments];
    }

    private static void Expand(string before, string rest, List<string> ways)
    {
        var open = rest.IndexOf('{');
        var close = open < 0 ? -1 : Close(rest, open);
        if (close < 0)
        {
            ways.Add(before + rest);
            return;
        }

        var from = open + 1;
        var depth = 0;
        for (var i = from; i <= close; i++)
        {
            if (i == close || (rest[i] == ',' && depth == 0))
            {
                Expand(before + rest[..open], rest[from..i] + rest[(close + 1)..], ways);
                from = i + 1;
            }

            depth += rest[i] switch { '{' => 1, '}' => -1, _ => 0 };
        }
    }

    private static int Close(string text, int open)
    {
        var depth = 0;
        for (var i = open; i < text.Length; i++)
        {
            depth += text[i] switch { '{' => 1, '}' => -1, _ => 0 };
            if (depth == 0) return i;
        }

        return -1;
    }

    /// <summary>How far a folder is matched: the part of the pattern that comes next.</summary>
    /// <param name="Way">Which of the ways that braces make.</param>
    /// <param name="At">The part's number.</param>
    [StructLayout(LayoutKind.Auto)]
    internal readonly record struct Position(int Way, int At);
}
