using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>
/// Puts one block together: a word for each column that says where it ends, then the columns' streams. A stream of values is the width that
/// they are stored with, the smallest value where that is narrower than they are, and their differences to it; a stream of bytes is its length
/// and its bytes. Both are cut into pieces of 64 KB, each compressed where that makes it smaller by a quarter.
/// </summary>
internal sealed unsafe class BlockBuilder : IDisposable
{
    /// <summary>The bit of a piece's length that says that it is compressed.</summary>
    public const uint CompressedBit = 0x8000_0000;

    // A buffer that one large row needed is given back.
    private const int KeptBytesMax = 4 * 1024 * 1024;

    private readonly int _columns;
    private readonly byte* _piece = (byte*)NativeMemory.Alloc(BlockCodec.InputBytesMax + BlockCodec.SlackBytes);
    private readonly ushort* _table = (ushort*)NativeMemory.Alloc(BlockCodec.TableEntries, sizeof(ushort));
    private byte* _bytes;
    private int _capacity;
    private int _length;
    private int _pieceLength;
    private int _ended;
    private long _rawBytes;

    /// <summary>An empty builder of blocks of so many columns.</summary>
    public BlockBuilder(int columns) => _columns = columns;

    /// <summary>What the columns took before they were packed.</summary>
    public int RawBytes => checked((int)_rawBytes);

    /// <summary>The block so far.</summary>
    public ReadOnlySpan<byte> Block => new(_bytes, _length);

    /// <summary>Bytes of native memory in use.</summary>
    public long HeldBytes => _capacity;

    /// <summary>Begins another block.</summary>
    public void Begin()
    {
        _length = 0;
        _ended = 0;
        _rawBytes = 0;
        Reserve(_columns * sizeof(uint));
        _length = _columns * sizeof(uint);
    }

    /// <summary>The block has been written: what a large row needed goes back.</summary>
    public void End()
    {
        _length = 0;
        if (_capacity <= KeptBytesMax) return;
        NativeMemory.Free(_bytes);
        _bytes = null;
        _capacity = 0;
    }

    /// <summary>Ends a column.</summary>
    public void EndColumn() => ((uint*)_bytes)[_ended++] = (uint)_length;

    /// <summary>No row is NULL.</summary>
    public void AllValid(int rows)
    {
        CountRaw((rows + 7) / 8);
        Put((byte)0);
    }

    /// <summary>A bit for each row, from bytes that are 0 or 1.</summary>
    public void Validity(PageStream stream, int bucket, int rows)
    {
        CountRaw((rows + 7) / 8);
        Put((byte)1);
        var (bits, filled) = (0u, 0);
        for (var page = stream.Seal(bucket); page != null; page = page->Next)
        {
            var bytes = (byte*)(page + 1);
            for (var i = 0; i < page->Length; i++)
            {
                bits |= (uint)bytes[i] << filled;
                if (++filled < 8) continue;
                PutPiece((byte)bits, ref stream.Luck);
                (bits, filled) = (0, 0);
            }
        }

        if (filled > 0) PutPiece((byte)bits, ref stream.Luck);
        EndPiece(ref stream.Luck);
    }

    /// <summary>Values of a fixed size.</summary>
    public void Values<T>(PageStream stream, int bucket, int rows)
        where T : unmanaged
    {
        CountRaw((long)rows * sizeof(T));
        var first = stream.Seal(bucket);
        var (low, width) = sizeof(T) switch
        {
            1 => ValuePacking.Range<sbyte>(first),
            2 => ValuePacking.Range<short>(first),
            4 => ValuePacking.Range<int>(first),
            8 => ValuePacking.Range<long>(first),
            _ => (0L, sizeof(T)),
        };
        Put((byte)width);
        if (width < sizeof(T)) Put(low);
        if (width == 0) return;
        for (var page = first; page != null; page = page->Next)
        {
            var count = page->Length / sizeof(T);
            for (var done = 0; done < count;)
            {
                var step = Math.Min(count - done, (BlockCodec.InputBytesMax - _pieceLength) / width);
                ValuePacking.Narrow((byte*)(page + 1) + ((long)done * sizeof(T)), sizeof(T), low, width, step, _piece + _pieceLength);
                _pieceLength += step * width;
                done += step;
                if (_pieceLength == BlockCodec.InputBytesMax) EndPiece(ref stream.Luck);
            }
        }

        EndPiece(ref stream.Luck);
    }

    /// <summary>Bytes.</summary>
    public void Bytes(PageStream stream, int bucket)
    {
        var first = stream.Seal(bucket);
        var length = 0L;
        for (var page = first; page != null; page = page->Next) length += page->Length;
        CountRaw(length);
        Put((uint)length);
        for (var page = first; page != null; page = page->Next)
        {
            for (var done = 0; done < page->Length;)
            {
                var step = Math.Min(page->Length - done, BlockCodec.InputBytesMax - _pieceLength);
                Unsafe.CopyBlockUnaligned(_piece + _pieceLength, (byte*)(page + 1) + done, (uint)step);
                _pieceLength += step;
                done += step;
                if (_pieceLength == BlockCodec.InputBytesMax) EndPiece(ref stream.Luck);
            }
        }

        EndPiece(ref stream.Luck);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        NativeMemory.Free(_bytes);
        NativeMemory.Free(_piece);
        NativeMemory.Free(_table);
        _bytes = null;
    }

    private void CountRaw(long bytes)
    {
        _rawBytes += bytes;
        if (_rawBytes > int.MaxValue) throw new IOException("a row, or one value of it, has more than 2 GB: it can't be put into a bucket");
    }

    private void PutPiece(byte value, ref PackingLuck luck)
    {
        _piece[_pieceLength] = value;
        if (++_pieceLength == BlockCodec.InputBytesMax) EndPiece(ref luck);
    }

    /// <summary>Adds the piece that has been filled.</summary>
    private void EndPiece(ref PackingLuck luck)
    {
        // Shorter ones have nothing to gain. What saves less than a quarter costs more than writing it does.
        const int WorthShift = 2;
        const int CompressedMin = 64;
        var length = _pieceLength;
        if (length == 0) return;
        _pieceLength = 0;
        Reserve(sizeof(uint) + length);
        var to = _bytes + _length + sizeof(uint);
        if (length >= CompressedMin && luck.Try())
        {
            var room = new Span<byte>(to, length - (length >> WorthShift) + BlockCodec.SlackBytes);
            var piece = new ReadOnlySpan<byte>(_piece, length + BlockCodec.SlackBytes);
            var packed = BlockCodec.Compress(piece, room, new Span<ushort>(_table, BlockCodec.TableEntries));
            luck.Tell(packed > 0);
            if (packed > 0)
            {
                *(uint*)(_bytes + _length) = (uint)packed | CompressedBit;
                _length += sizeof(uint) + packed;
                return;
            }
        }

        *(uint*)(_bytes + _length) = (uint)length;
        Unsafe.CopyBlockUnaligned(to, _piece, (uint)length);
        _length += sizeof(uint) + length;
    }

    private void Put<T>(T value)
        where T : unmanaged
    {
        Reserve(sizeof(T));
        Unsafe.WriteUnaligned(_bytes + _length, value);
        _length += sizeof(T);
    }

    private void Reserve(int bytes)
    {
        var wanted = (long)_length + bytes + BlockCodec.SlackBytes;
        if (wanted <= _capacity) return;
        if (wanted > int.MaxValue) throw new IOException("a block of rows has more than 2 GB");
        _capacity = (int)Math.Min(int.MaxValue, Math.Max(wanted, (long)_capacity * 3 / 2));
        _bytes = (byte*)NativeMemory.Realloc(_bytes, (nuint)_capacity);
    }
}
