using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>
/// Memory for one column's long texts of one chunk: a block that is kept from chunk to chunk, and more where it is not enough. It is ours
/// and not DuckDB's, for two reasons: whoever asks a table function for its next chunk has copied what it keeps of this one, so the same
/// pages serve all chunks; and where its limit allows no more, DuckDB throws, which ends the whole process from inside a call from C#.
/// It lies in native memory, shared by all copies of a column's <see cref="VectorWriter"/> and by its children's.
/// </summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct TextHeap
{
    private const int BlockBytesMin = 2 * 1024;
    private const int BlockBytesMax = 256 * 1024;

    private byte* _next;
    private byte* _end;
    private byte* _block;
    private Extra* _extras;
    private int _blockBytes;
    private int _used;

    /// <summary>Takes the texts back, and makes the kept block as large as they were.</summary>
    /// <exception cref="OutOfMemoryException">The system has no memory for it.</exception>
    public void NextChunk()
    {
        FreeExtras();
        var wanted = Math.Min(_used + (_used >> 3), BlockBytesMax);
        if (wanted > _blockBytes)
        {
            NativeMemory.Free(_block);
            _block = null;
            _blockBytes = 0;
            _block = (byte*)NativeMemory.Alloc((nuint)wanted);
            _blockBytes = wanted;
        }

        _used = 0;
        _next = _block;
        _end = _block + _blockBytes;
    }

    /// <summary>Frees everything. The heap can be used again.</summary>
    public void Free()
    {
        FreeExtras();
        NativeMemory.Free(_block);
        this = default;
    }

    /// <summary>Gives room for a text that is longer than fits into a string_t.</summary>
    /// <exception cref="OutOfMemoryException">The system has no memory for it.</exception>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public byte* Take(int length)
    {
        if (length > _end - _next) return TakeMore(length);
        var text = _next;
        _next += length;
        _used += length;
        return text;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private byte* TakeMore(int length)
    {
        // A text that is large beside a block gets memory of its own, and what is left of the block goes on to serve others.
        if (length > BlockBytesMax / 4) return Allocate(length);
        var size = Math.Clamp(_used, BlockBytesMin, BlockBytesMax);
        if (size < length) size = length;
        var text = Allocate(size);
        _next = text + length;
        _end = text + size;
        _used += length;
        return text;
    }

    private byte* Allocate(int length)
    {
        var extra = (Extra*)NativeMemory.Alloc((nuint)sizeof(Extra) + (nuint)length);
        extra->Next = _extras;
        _extras = extra;
        return (byte*)(extra + 1);
    }

    private void FreeExtras()
    {
        while (_extras != null)
        {
            var next = _extras->Next;
            NativeMemory.Free(_extras);
            _extras = next;
        }
    }

    // What stands before its bytes; 16 bytes, so that they are aligned.
    [StructLayout(LayoutKind.Sequential, Size = 16)]
    private struct Extra
    {
        public Extra* Next;
    }
}
