using System.IO.Enumeration;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// The names in one folder in the order of their UTF-16 units, however many they are, in bounded memory: where they don't fit, the
/// folder is read again for the next ones. So nothing is spilled, and nothing is left behind by a process that dies. Not thread safe.
/// </summary>
/// <param name="folder">The folder.</param>
/// <param name="wanted">Which names are wanted.</param>
/// <param name="bytesMax">What may be held; at least one name fits whatever this is.</param>
internal sealed class FolderNames(string folder, FolderNames.Wanted wanted, long bytesMax)
{
    private static readonly EnumerationOptions Plain = new() { IgnoreInaccessible = false, AttributesToSkip = FileAttributes.None, ReturnSpecialDirectories = false };

    private readonly List<Held> _names = [];
    private char[] _text = [];
    private int _used;
    private string? _after;

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
            _names.Sort(ByName);
            foreach (var held in _names) yield return (new string(TextOf(held)), held.IsFolder);
            if (_names.Count > 0) _after = new string(TextOf(_names[^1]));
        }
    }

    // The smallest names behind the last ones that were given: whenever they get too many, the larger half goes.
    private bool Collect()
    {
        Passes++;
        _names.Clear();
        _used = 0;
        var whole = true;
        string? below = null;
        using var entries = new Entries(folder, (name, isFolder) => IsNext(name, below) && wanted(name, isFolder));
        while (entries.MoveNext())
        {
            Hold(entries.Name, entries.Current);
            if (_names.Count < 2 || Bytes() <= bytesMax) continue;
            below = DropLargerHalf();
            whole = false;
        }

        return whole;
    }

    private bool IsNext(ReadOnlySpan<char> name, string? below) =>
        (_after is null || name.SequenceCompareTo(_after) > 0) && (below is null || name.SequenceCompareTo(below) < 0);

    private long Bytes() => ((long)_used * sizeof(char)) + ((long)_names.Count * Unsafe.SizeOf<Held>());

    private void Hold(ReadOnlySpan<char> name, bool isFolder)
    {
        if (_used + name.Length > _text.Length)
        {
            var doubled = Math.Min(Math.Max(1024, _text.Length * 2L), bytesMax / sizeof(char));
            Array.Resize(ref _text, (int)Math.Max(_used + name.Length, doubled));
        }

        name.CopyTo(_text.AsSpan(_used));
        _names.Add(new Held(_used, name.Length, isFolder));
        _used += name.Length;
    }

    /// <summary>Keeps the smaller half, moved together; gives the smallest name that went.</summary>
    private string DropLargerHalf()
    {
        _names.Sort(ByName);
        var keep = _names.Count / 2;
        var smallest = new string(TextOf(_names[keep]));
        _names.RemoveRange(keep, _names.Count - keep);
        _names.Sort(static (a, b) => a.Start.CompareTo(b.Start));
        _used = 0;
        var names = CollectionsMarshal.AsSpan(_names);
        foreach (ref var held in names)
        {
            TextOf(held).CopyTo(_text.AsSpan(_used));
            held = held with { Start = _used };
            _used += held.Length;
        }

        return smallest;
    }

    private ReadOnlySpan<char> TextOf(Held held) => _text.AsSpan(held.Start, held.Length);

    private int ByName(Held a, Held b) => TextOf(a).SequenceCompareTo(TextOf(b));

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Held(int Start, int Length, bool IsFolder);

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
