using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>Values of a fixed size as a block has them: differences to the smallest one, or the values themselves.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly unsafe struct PackedValues(byte* bytes, long low, int width, int size)
{
    private readonly byte* _bytes = bytes;

    /// <summary>One value of at most eight bytes, whose upper ones mean nothing.</summary>
    public ulong One(int row) => width switch
    {
        0 => (ulong)low,
        1 => _bytes[row] + (ulong)low,
        2 => Unsafe.ReadUnaligned<ushort>(_bytes + (2L * row)) + (ulong)low,
        4 => Unsafe.ReadUnaligned<uint>(_bytes + (4L * row)) + (ulong)low,
        _ => Unsafe.ReadUnaligned<ulong>(_bytes + (8L * row)),
    };

    /// <summary>Unpacks values.</summary>
    public void Read(int first, int count, void* to) =>
        ValuePacking.Widen(_bytes + ((long)first * width), width, low, size, count, (byte*)to);
}

/// <summary>
/// Walks through a block's streams and unpacks them into memory that was set aside for it: no more than the index said that the block takes.
/// Streams that were left as they are stay where they lie.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal unsafe ref struct BlockCursor
{
    private readonly byte* _roomEnd;
    private byte* _at;
    private byte* _end;
    private byte* _room;
    private long _raw;

    /// <summary>A cursor over nothing yet.</summary>
    /// <param name="room">Where unpacked streams go; <see cref="BlockCodec.SlackBytes"/> behind them may be overwritten.</param>
    /// <param name="rawBytes">What the block takes unpacked.</param>
    public BlockCursor(byte* room, int rawBytes)
    {
        _room = room;
        _roomEnd = room + rawBytes;
        _raw = rawBytes;
        _at = _end = null;
    }

    /// <summary>Goes to a column.</summary>
    public void Enter(byte* start, byte* end)
    {
        _at = start;
        _end = end;
    }

    /// <summary>Ends a column, all of which must have been read.</summary>
    public readonly void Leave()
    {
        if (_at != _end) throw Damaged("a column is longer than its streams");
    }

    /// <summary>A bit for each row that is not NULL; null when none is.</summary>
    public byte* Validity(int rows)
    {
        var bytes = (rows + 7) / 8;
        Count(bytes);
        return Take<byte>() switch
        {
            0 => null,
            1 => Pieces(bytes),
            _ => throw Damaged("a stream has no known form"),
        };
    }

    /// <summary>Values of a fixed size.</summary>
    public PackedValues Values(int rows, int size)
    {
        Count((long)rows * size);
        int width = Take<byte>();
        if (width > size || (width & (width - 1)) != 0 || (size == 16 && width != 16)) throw Damaged("a stream has no known form");
        var low = width < size ? Take<long>() : 0;
        return new PackedValues(Pieces((long)rows * width), low, width, size);
    }

    /// <summary>Bytes, up to an end.</summary>
    public byte* Bytes(out byte* end)
    {
        var length = Take<uint>();
        Count(length);
        var start = Pieces(length);
        end = start + length;
        return start;
    }

    public static InvalidDataException Damaged(string found) => new(found);

    private byte* Pieces(long length)
    {
        if (length == 0) return _at;
        if (length <= BlockCodec.InputBytesMax)
        {
            var piece = Take<uint>();
            if (piece == (uint)length) return Skip((int)length);
            if (length > _roomEnd - _room) throw Damaged("a block takes more than its index says");
            var start = _room;
            _room += length;
            Piece(piece, start, (int)length);
            return start;
        }

        if (length > _roomEnd - _room) throw Damaged("a block takes more than its index says");
        var first = _room;
        for (var done = 0L; done < length;)
        {
            var step = (int)Math.Min(length - done, BlockCodec.InputBytesMax);
            Piece(Take<uint>(), _room, step);
            _room += step;
            done += step;
        }

        return first;
    }

    private void Piece(uint stored, byte* to, int length)
    {
        var bytes = (int)(stored & ~BlockBuilder.CompressedBit);
        var from = Skip(bytes);
        if (stored == (uint)length)
        {
            Buffer.MemoryCopy(from, to, length, length);
            return;
        }

        var input = new ReadOnlySpan<byte>(from, bytes + BlockCodec.SlackBytes);
        var output = new Span<byte>(to, length + BlockCodec.SlackBytes);
        if ((stored & BlockBuilder.CompressedBit) == 0 || !BlockCodec.Expand(input, output)) throw Damaged("a compressed piece is damaged");
    }

    private void Count(long bytes)
    {
        _raw -= bytes;
        if (_raw < 0) throw Damaged("a block takes more than its index says");
    }

    private byte* Skip(int bytes)
    {
        if (bytes > _end - _at) throw Damaged("a stream goes beyond its column");
        var start = _at;
        _at += bytes;
        return start;
    }

    private T Take<T>()
        where T : unmanaged => Unsafe.ReadUnaligned<T>(Skip(sizeof(T)));
}
