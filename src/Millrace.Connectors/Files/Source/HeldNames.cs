using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// Many names in little memory, and hardly an object: they lie one behind the other, each with its length before it, one byte a character
/// where all of a name's characters are below U+0100, else two. Not thread safe.
/// </summary>
/// <param name="bytesExpected">What they will take at most, roughly: buffers do not grow beyond it unless they must.</param>
internal sealed class HeldNames(long bytesExpected)
{
    private const int HeadBytes = sizeof(ushort);
    private const int FolderBit = 0x8000;
    private const int WideBit = 0x4000;
    private const int LengthBits = 0x3fff;

    // Up to this buffers double. Behind it they grow to all that they may take: pages that nothing is written to cost nothing, and large
    // buffers that were outgrown would lie around for long.
    private const int DoublingBytesMax = 512 * 1024;

    // The name that is one too many.
    private const int SlackBytes = 4 * 1024;

    private byte[] _text = [];
    private int[] _starts = [];
    private int _used;

    /// <summary>How many names.</summary>
    public int Count { get; private set; }

    /// <summary>What they take, in bytes.</summary>
    public long Bytes => _used + ((long)Count * sizeof(int));

    /// <summary>A name; in order after <see cref="Sort"/>.</summary>
    public string this[int index]
    {
        get
        {
            var content = Content(_starts[index], out var isWide);
            return isWide ? new string(MemoryMarshal.Cast<byte, char>(content)) : Encoding.Latin1.GetString(content);
        }
    }

    /// <summary>Whether a name is a folder's.</summary>
    public bool IsFolder(int index) => (Head(_starts[index]) & FolderBit) != 0;

    /// <summary>Forgets all names and keeps the buffers.</summary>
    public void Clear()
    {
        Count = 0;
        _used = 0;
    }

    /// <summary>Adds a name.</summary>
    /// <exception cref="PathTooLongException">It has more than 16,383 characters, which no file system allows.</exception>
    public void Add(ReadOnlySpan<char> name, bool isFolder)
    {
        if (name.Length > LengthBits) throw new PathTooLongException();
        var isWide = name.ContainsAnyExceptInRange('\0', '\u00ff');
        var size = Size(name.Length, isWide);
        if (_used + size > _text.Length) Grow(ref _text, _used + size);
        if (Count == _starts.Length) Grow(ref _starts, Count + 1);
        var at = _text.AsSpan(_used, size);
        MemoryMarshal.Write(at, (ushort)(name.Length | (isFolder ? FolderBit : 0) | (isWide ? WideBit : 0)));
        if (isWide) MemoryMarshal.AsBytes(name).CopyTo(at[HeadBytes..]);
        else Encoding.Latin1.GetBytes(name, at[HeadBytes..]);
        _starts[Count++] = _used;
        _used += size;
    }

    /// <summary>Brings the names into the order of their UTF-16 units.</summary>
    public void Sort() => _starts.AsSpan(0, Count).Sort(Compare);

    /// <summary>Keeps the smaller half, moved together; gives the smallest name that went. There must be one.</summary>
    public string DropLargerHalf()
    {
        Sort();
        Count /= 2;
        var smallest = this[Count];
        var starts = _starts.AsSpan(0, Count);
        starts.Sort();
        _used = 0;
        foreach (ref var start in starts)
        {
            var size = Size(Head(start) & LengthBits, (Head(start) & WideBit) != 0);
            _text.AsSpan(start, size).CopyTo(_text.AsSpan(_used));
            start = _used;
            _used += size;
        }

        return smallest;
    }

    // Even, so that each name's characters are where a pair of bytes may be read at once.
    private static int Size(int length, bool isWide) => HeadBytes + (isWide ? length * sizeof(char) : (length + 1) & ~1);

    private int Head(int start) => MemoryMarshal.Read<ushort>(_text.AsSpan(start));

    private ReadOnlySpan<byte> Content(int start, out bool isWide)
    {
        var head = Head(start);
        isWide = (head & WideBit) != 0;
        return _text.AsSpan(start + HeadBytes, (head & LengthBits) * (isWide ? sizeof(char) : 1));
    }

    private int Compare(int a, int b)
    {
        var one = Content(a, out var oneIsWide);
        var other = Content(b, out var otherIsWide);
        if (oneIsWide && otherIsWide) return MemoryMarshal.Cast<byte, char>(one).SequenceCompareTo(MemoryMarshal.Cast<byte, char>(other));
        if (oneIsWide) return CompareMixed(MemoryMarshal.Cast<byte, char>(one), other);
        return otherIsWide ? -CompareMixed(MemoryMarshal.Cast<byte, char>(other), one) : one.SequenceCompareTo(other);
    }

    private static int CompareMixed(ReadOnlySpan<char> wide, ReadOnlySpan<byte> narrow)
    {
        for (var i = 0; i < Math.Min(wide.Length, narrow.Length); i++)
        {
            if (wide[i] != narrow[i]) return wide[i] - narrow[i];
        }

        return wide.Length - narrow.Length;
    }

    private void Grow<T>(ref T[] buffer, int needed)
        where T : unmanaged
    {
        var bytesEach = Unsafe.SizeOf<T>();
        var expected = (Math.Min(bytesExpected, Array.MaxLength - SlackBytes) + SlackBytes) / bytesEach;
        var next = buffer.Length * bytesEach < DoublingBytesMax ? Math.Min(Math.Max(256, buffer.Length * 2L), expected) : expected;
        var grown = GC.AllocateUninitializedArray<T>((int)Math.Max(next, needed));
        buffer.CopyTo(grown, 0);
        buffer = grown;
    }
}
