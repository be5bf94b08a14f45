using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// Finds files below a folder, folder by folder in the order of their names: the same files give the same order every time. One folder's
/// names are in memory at a time, and of a huge folder a part of them.
/// </summary>
/// <remarks>
/// Links are followed; a folder that the way down has already passed is not entered again, so links in a circle end. Names that begin with
/// <c>.</c> or <c>_</c> are left out unless they are named exactly or the pattern's part begins with the same character; a folder
/// <c>_key=value</c> is not left out. A folder (also <c>**</c>) gives files with endings of data only. What can't be looked at is a fault.
/// </remarks>
internal sealed class FileFinder
{
    private readonly string _exact;
    private readonly string _start;
    private readonly string _prefix;
    private readonly PathPattern? _pattern;
    private readonly bool _knownEndings;

    /// <summary>Files below a folder that match a pattern: a file, a folder, or a glob with <c>*</c>, <c>?</c>, <c>[ab]</c>, <c>{a,b}</c>, <c>**</c>.</summary>
    /// <exception cref="Fault">The pattern makes no sense.</exception>
    public FileFinder(string root, string pattern)
    {
        var exact = Path.Combine(root, pattern);
        _exact = exact;
        _start = exact;
        _prefix = pattern;
        if (File.Exists(exact)) return;
        if (Directory.Exists(exact))
        {
            _prefix = pattern.Length == 0 ? "" : pattern.TrimEnd('/') + "/";
            _pattern = new PathPattern("**");
            _knownEndings = true;
            return;
        }

        if (!StreamNames.IsGlob(pattern)) return;
        var parts = pattern.Split('/');
        var named = 0;
        while (named < parts.Length - 1 && !StreamNames.IsGlob(parts[named])) named++;
        _prefix = string.Concat(parts[..named].Select(part => part + "/"));
        _start = named == 0 ? root : Path.Combine(root, Path.TrimEndingDirectorySeparator(_prefix));
        _knownEndings = parts[^1] == "**";
        try
        {
            _pattern = new PathPattern(string.Join('/', parts[named..]));
        }
        catch (ArgumentException error)
        {
            throw new Fault(FaultKind.JobFile, $"the pattern {pattern} makes no sense: {error.Message}", error)
            {
                Side = FaultSide.Job,
                Where = pattern,
                Advice = "Patterns have *, ?, [ab], {a,b} and ** for any folders.",
            };
        }
    }

    /// <summary>The files, as they are found.</summary>
    /// <param name="namesBytes">What the names of one folder may take in memory: little is quicker when only the first ones are wanted.</param>
    /// <param name="after">Goes on behind this file, which an earlier search of this finder gave, whether it is still there or not; null: from the first.</param>
    /// <exception cref="Fault">A folder or a file can't be looked at; thrown when the search comes to it.</exception>
    public IEnumerable<SourceFile> Find(long namesBytes = Limits.FolderNamesBytesMax, SourceFile? after = null)
    {
        if (_pattern is not null)
        {
            var passed = after is null ? ReadOnlyMemory<string>.Empty : after.Name[_prefix.Length..].Split('/');
            return Walk(new Place(_start, _prefix, _pattern.Start, LinkedFolders.At(_start)), namesBytes, passed);
        }

        if (after is not null) return [];
        return File.Exists(_start) ? [Look(_start, _prefix)] : MayBeHidden();
    }

    /// <summary>That nothing was found, and what was looked for.</summary>
    public Fault Nothing()
    {
        const string Relative = "Relative paths start at the current directory, a stream's name at the source's folder.";
        if (_pattern is null) return SourceFaults.Refused(_exact, "there is no such file or folder", Relative);
        return _knownEndings
            ? SourceFaults.Refused(_exact, "no data file is there", "Files are taken by their endings, such as .csv, .ndjson, .json, .parquet, also with .gz or .zst; a pattern such as 'folder/*' takes any. Names that begin with . or _ are left out.")
            : SourceFaults.Refused(_exact, "no file matches this pattern", "Names that begin with . or _ match only where the pattern says that character; ** stands for any folders. " + Relative);
    }

    /// <summary>The files of a folder.</summary>
    /// <param name="at">The folder.</param>
    /// <param name="namesBytes">What its names may take in memory.</param>
    /// <param name="passed">The way from it to the last file that was found before; empty: none.</param>
    private IEnumerable<SourceFile> Walk(Place at, long namesBytes, ReadOnlyMemory<string> passed)
    {
        var last = passed.IsEmpty ? null : passed.Span[0];
        if (passed.Length > 1)
        {
            foreach (var file in Enter(at, last!, namesBytes, passed[1..])) yield return file;
        }

        using var names = new FolderNames(at.Folder, (name, isFolder) => IsWanted(at.Matched, name, isFolder), namesBytes, last).InOrder().GetEnumerator();
        while (Next(names, at.Folder))
        {
            var (name, isFolder) = names.Current;
            if (!isFolder)
            {
                yield return Look(Path.Combine(at.Folder, name), at.Prefix + name);
                continue;
            }

            foreach (var file in Enter(at, name, namesBytes, default)) yield return file;
        }
    }

    private IEnumerable<SourceFile> Enter(Place at, string name, long namesBytes, ReadOnlyMemory<string> passed)
    {
        var folder = Path.Combine(at.Folder, name);
        return Enter(at.Way, folder, name) is { } way
            ? Walk(new Place(folder, at.Prefix + name + "/", _pattern!.Enter(at.Matched, name), way), namesBytes, passed)
            : [];
    }

    private bool IsWanted(List<PathPattern.Position> at, ReadOnlySpan<char> name, bool isFolder) =>
        isFolder ? _pattern!.CanEnter(at, name) : _pattern!.Matches(at, name) && (!_knownEndings || StreamNames.HasDataEnding(name));

    private static bool Next(IEnumerator<(string Name, bool IsFolder)> names, string folder)
    {
        try
        {
            return names.MoveNext();
        }
        catch (DirectoryNotFoundException error)
        {
            throw SourceFaults.Refused(folder, "there is no such folder", "Relative paths start at the current directory. If it was there, check that nobody removes it while it is read.", error);
        }
        catch (UnauthorizedAccessException error)
        {
            throw SourceFaults.Refused(folder, "the folder can't be listed: no right to", "Give the right to read and enter it, or name the files so that it is left out.", error);
        }
        catch (IOException error)
        {
            throw SourceFaults.Refused(folder, $"the folder can't be listed: {error.Message}", "Check the disk or the network drive that it is on.", error);
        }
    }

    private static LinkedFolders? Enter(LinkedFolders way, string folder, string name)
    {
        try
        {
            return way.Enter(folder, name);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw SourceFaults.Refused(folder, $"the link can't be followed: {error.Message}", "Check where it leads, or name the files so that it is left out.", error);
        }
    }

    private static SourceFile Look(string path, string name)
    {
        try
        {
            var (bytes, ticks) = SourceFile.Look(path);
            return new SourceFile(path, name, bytes, ticks);
        }
        catch (UnauthorizedAccessException error)
        {
            throw SourceFaults.Refused(path, "the file can't be looked at: no right to", "Give the right to enter its folder.", error);
        }
        catch (IOException error)
        {
            throw new FileInfo(path).LinkTarget is { } link
                ? SourceFaults.Refused(path, $"leads to {link}, and there is no such file", "Remove the link, or name the files so that it is left out.", error)
                : SourceFaults.From(path, error);
        }
    }

    // A file that does not exist, or in a folder that must not be entered: only the second is a fault here.
    private IEnumerable<SourceFile> MayBeHidden()
    {
        try
        {
            File.GetAttributes(_start);
        }
        catch (UnauthorizedAccessException error)
        {
            throw SourceFaults.Refused(_start, "the file can't be looked at: no right to", "Give the right to enter its folder.", error);
        }
        catch (IOException)
        {
            return [];
        }

        return [Look(_start, _prefix)];
    }

    /// <summary>A folder on the way.</summary>
    /// <param name="Folder">Its path.</param>
    /// <param name="Prefix">What its files' names begin with.</param>
    /// <param name="Matched">How far the pattern is matched.</param>
    /// <param name="Way">The folders passed.</param>
    private sealed record Place(string Folder, string Prefix, List<PathPattern.Position> Matched, LinkedFolders Way);
}
