namespace Millrace.Connectors.Files.Source;

/// <summary>A file as it was found.</summary>
/// <param name="Path">The absolute path.</param>
/// <param name="Name">The path relative to the source's folder, with <c>/</c>.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Ticks">When it was last written, UTC, in units of 100 ns.</param>
internal sealed record SourceFile(string Path, string Name, long Bytes, long Ticks)
{
    /// <summary>The <c>key=value</c> folders on the way from the source's folder to the file, in order, with their escapes resolved.</summary>
    public IEnumerable<(string Key, string Value)> Folders() => FoldersOf(Name);

    /// <summary>A file's size and time, those of the file that a link leads to.</summary>
    /// <exception cref="FileNotFoundException">It is not there, or a link leads to nothing.</exception>
    /// <exception cref="IOException">It can't be looked at.</exception>
    /// <exception cref="UnauthorizedAccessException">There is no right to look at it.</exception>
    public static (long Bytes, long Ticks) Look(string path)
    {
        FileSystemInfo at = new FileInfo(path);
        if (at.Attributes.HasFlag(FileAttributes.ReparsePoint) && at.LinkTarget is not null) at = at.ResolveLinkTarget(returnFinalTarget: true)!;
        if (at is FileInfo { Exists: true } file) return (file.Length, file.LastWriteTimeUtc.Ticks);

        // Says why: no right to, or gone.
        File.GetAttributes(at.FullName);
        throw new FileNotFoundException(null, path);
    }

    /// <summary>The <c>key=value</c> folders of a relative path.</summary>
    public static IEnumerable<(string Key, string Value)> FoldersOf(string name)
    {
        var parts = name.Split('/');
        for (var i = 0; i < parts.Length - 1; i++)
        {
            var equals = parts[i].IndexOf('=');
            if (equals > 0) yield return (Uri.UnescapeDataString(parts[i][..equals]), Uri.UnescapeDataString(parts[i][(equals + 1)..]));
        }
    }
}
