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

    // What blocks are made of: DuckDB copies it into its heap.
    private static readonly byte* Blank = (byte*)NativeMemory.AllocZeroed(BlockBytesMax);

    private byte* _next;
    private byte* _end;
    private int _used;
    private int _block;

    /// <summary>Forgets the blocks, which went with the chunk, and makes the next chunk's first as large as this one's texts were.</summary>
    public void NextChunk()
    {
        _block = _used + (_used >> 3);
        _used = 0;
        _next = _end = null;
    }

    /// <summary>Gives room for a text that is longer than fits into a string_t; null when it is too long for a block.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Take(nint vector, ulong* row, long index, int length)
    {
        if (length > _end - _next && !Refill(vector, row, index, length)) return null;
        var text = _next;
        _next += length;
        _used += length;
        return text;
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
}
