using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>
/// Memory for one column's long texts of one chunk, taken from DuckDB's own string heap in blocks, so that a text costs a copy
/// instead of a native call. A block is a text of that length, assigned by DuckDB to the row at hand, whose bytes are then dealt
/// out: string heaps keep no record of the texts in them and live as long as the vector's content. It lies in native memory, shared
/// by all copies of a column's <see cref="VectorWriter"/>.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TextHeap
{
    private const int BlockBytesMin = 2 * 1024;
    private const int BlockBytesMax = 128 * 1024;

    // Longer texts are assigned one by one: the call is nothing beside their copy, and they would waste the rest of a block.
    private const int TextBytesMax = 1024;

    // Such texts lie in memory of our own: DuckDB would take the next power of two for each, count it as used, and end the whole process
    // when its limit does not allow it, since its exceptions can't pass a call from C#.
    private const int LargeTextBytesMin = 1024 * 1024;

    // What blocks are made of: DuckDB copies it into its heap.
    private static readonly byte* Blank = (byte*)NativeMemory.AllocZeroed(BlockBytesMax);

    private byte* _next;
    private byte* _end;
    private LargeText* _large;
    private int _used;
    private int _block;

    /// <summary>
    /// Forgets the blocks, which went with the chunk, and makes the next chunk's first as large as this one's texts were. Whoever asks for
    /// the next chunk has copied what it keeps of this one: large texts are freed.
    /// </summary>
    public void NextChunk()
    {
        FreeLarge();
        _block = _used + (_used >> 3);
        _used = 0;
        _next = _end = null;
    }

    /// <summary>Frees large texts.</summary>
    public void FreeLarge()
    {
        while (_large != null)
        {
            var next = _large->Next;
            NativeMemory.Free(_large);
            _large = next;
        }
    }

    /// <summary>Gives room for a text that is longer than fits into a string_t; null when it is DuckDB's to find.</summary>
    /// <exception cref="OutOfMemoryException">The system has no memory for a large text.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Take(nint vector, ulong* row, long index, int length)
    {
        if (length > _end - _next && !Refill(vector, row, index, length)) return length < LargeTextBytesMin ? null : TakeLarge(length);
        var text = _next;
        _next += length;
        _used += length;
        return text;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private byte* TakeLarge(int length)
    {
        var large = (LargeText*)NativeMemory.Alloc((nuint)sizeof(LargeText) + (nuint)length);
        large->Next = _large;
        _large = large;
        return (byte*)(large + 1);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Refill(nint vector, ulong* row, long index, int length)
    {
        if (length > TextBytesMax) return false;
        var size = Math.Clamp(Math.Max(_block, _used), BlockBytesMin, BlockBytesMax);
        NativeMethods.duckdb_unsafe_vector_assign_string_element_len(vector, (ulong)index, Blank, (ulong)size);
        _next = (byte*)row[1];
        _end = _next + size;
        return true;
    }

    // What stands before a large text's bytes; 16 bytes, so that they are aligned.
    [StructLayout(LayoutKind.Sequential, Size = 16)]
    private struct LargeText
    {
        public LargeText* Next;
    }
}
