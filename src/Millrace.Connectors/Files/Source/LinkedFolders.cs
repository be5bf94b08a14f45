namespace Millrace.Connectors.Files.Source;

/// <summary>
/// The folders from the source's folder down to one, by the paths that they really have: a link to one of them would lead around in a
/// circle.
/// </summary>
internal sealed class LinkedFolders
{
    private readonly string _real;
    private readonly LinkedFolders? _above;

    private LinkedFolders(string real, LinkedFolders? above)
    {
        _real = real;
        _above = above;
    }

    /// <summary>Begins at a folder.</summary>
    public static LinkedFolders At(string folder) => new(Follow("", Path.GetFullPath(folder)), null);

    /// <summary>A folder in this one; null when it is this one or one above, reached through a link.</summary>
    /// <exception cref="IOException">A link can't be followed.</exception>
    public LinkedFolders? Enter(string folder, string name)
    {
        // Only a link can lead back: any other folder is where its path says.
        var link = new DirectoryInfo(folder).LinkTarget;
        if (link is null) return new LinkedFolders(Path.Combine(_real, name), this);
        var real = Follow(_real, link);
        for (var at = this; at is not null; at = at._above)
        {
            if (at._real == real) return null;
        }

        return new LinkedFolders(real, this);
    }

    // Part by part as the system does it, since `..` behind a link is above what it leads to. The system itself has followed these links
    // to here, so they end.
    private static string Follow(string from, string path)
    {
        var root = Path.GetPathRoot(path)!;
        var real = root.Length > 0 ? root : from;
        foreach (var part in path[root.Length..].Split(Path.DirectorySeparatorChar, StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == ".") continue;
            if (part == "..")
            {
                real = Path.GetDirectoryName(real) ?? real;
                continue;
            }

            var next = Path.Combine(real, part);
            real = new DirectoryInfo(next).LinkTarget is { } link ? Follow(real, link) : next;
        }

        return real;
    }
}
