namespace Millrace.Connectors.Files.Source;

/// <summary>
/// The files of a stream: the first ones in memory, for looking into, for estimates and for the first units; the others are looked for when
/// units are made of them.
/// </summary>
internal sealed class FileListing
{
    private readonly FileFinder _finder;

    private FileListing(FileFinder finder, IReadOnlyList<SourceFile> first, bool isWhole)
    {
        _finder = finder;
        First = first;
        IsWhole = isWhole;
        Bytes = first.Sum(file => file.Bytes);
    }

    /// <summary>The first files, at most <see cref="Limits.FilesListedAtPlanMax"/>.</summary>
    public IReadOnlyList<SourceFile> First { get; }

    /// <summary>Whether these are all.</summary>
    public bool IsWhole { get; }

    /// <summary>The first files' bytes.</summary>
    public long Bytes { get; }

    /// <summary>Lists the first files.</summary>
    public static FileListing Begin(FileFinder finder)
    {
        var first = finder.Find(Limits.FolderNamesBytesFirst).Take(Limits.FilesListedAtPlanMax + 1).ToList();
        var whole = first.Count <= Limits.FilesListedAtPlanMax;
        if (!whole) first.RemoveAt(first.Count - 1);
        return new FileListing(finder, first, whole);
    }

    /// <summary>All files in order. The first ones come at once and as they were when they were listed: so the first units are there before a huge folder has been read again.</summary>
    public IEnumerable<SourceFile> All() => IsWhole ? First : First.Concat(_finder.Find(after: First[^1]));
}
