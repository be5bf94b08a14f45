using System.IO.Enumeration;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// The names in one folder in the order of their UTF-16 units, however many they are, in bounded memory: where they don't fit, the
/// folder is read again for the next ones. So nothing is spilled, and nothing is left behind by a process that dies. Not thread safe.
/// </summary>
/// <param name="folder">The folder.</param>
/// <param name="wanted">Which names are wanted.</param>
/// <param name="bytesMax">What may be held; at least one name fits whatever this is.</param>
/// <param name="after">Only names behind this one; null: all.</param>
internal sealed class FolderNames(string folder, FolderNames.Wanted wanted, long bytesMax, string? after = null)
{
    private static readonly EnumerationOptions Plain = new() { IgnoreInaccessible = false, AttributesToSkip = FileAttributes.None, ReturnSpecialDirectories = false };

    private readonly HeldNames _names = new(bytesMax);
    private string? _after = after;

    /// <summary>Whether a name is wanted.</summary>
    /// <param name="name">The name.</param>
    /// <param name="isFolder">True for a folder, and for a link to one.</param>
    public delegate bool Wanted(ReadOnlySpan<char> name, bool isFolder);

    /// <summary>How often the folder was read.</summary>
    public int Passes { get; private set; }

    /// <summary>The wanted names, each once.</summary>
    /// <exception cref="IOException">The folder is not there, or can't be read.</exception>
    /// <exception cref="UnauthorizedAccessException">There is no right to read it.</exception>
    public IEnumerable<(string Name, bool IsFolder)> InOrder()
    {
        for (var whole = false; !whole;)
        {
            whole = Collect();
            _names.Sort();
            for (var i = 0; i < _names.Count; i++)
            {
                var name = _names[i];
                if (i == _names.Count - 1) _after = name;
                yield return (name, _names.IsFolder(i));
            }
        }
    }

    // The smallest names behind the last ones that were given: whenever they get too many, the larger half goes.
    private bool Collect()
    {
        Passes++;
        _names.Clear();
        var whole = true;
        string? below = null;
        using var entries = new Entries(folder, (name, isFolder) => IsNext(name, below) && wanted(name, isFolder));
        while (entries.MoveNext())
        {
            _names.Add(entries.Name, entries.Current);
            if (_names.Count < 2 || _names.Bytes <= bytesMax) continue;
            below = _names.DropLargerHalf();
            whole = false;
        }

        return whole;
    }

    private bool IsNext(ReadOnlySpan<char> name, string? below) =>
        (_after is null || name.SequenceCompareTo(_after) > 0) && (below is null || name.SequenceCompareTo(below) < 0);

    // The names as the system gives them, without a string for each.
    private sealed class Entries(string folder, Wanted wanted) : FileSystemEnumerator<bool>(folder, Plain)
    {
        private char[] _name = new char[256];
        private int _length;

        /// <summary>The current name; <see cref="FileSystemEnumerator{T}.Current"/> is true for a folder.</summary>
        public ReadOnlySpan<char> Name => _name.AsSpan(0, _length);

        protected override bool ShouldIncludeEntry(ref FileSystemEntry entry) => wanted(entry.FileName, entry.IsDirectory);

        protected override bool TransformEntry(ref FileSystemEntry entry)
        {
            _length = entry.FileName.Length;
            if (_length > _name.Length) _name = new char[_length];
            entry.FileName.CopyTo(_name);
            return entry.IsDirectory;
        }
    }
}
