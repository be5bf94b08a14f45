using System.Buffers.Binary;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>
/// Cuts the server's byte stream into messages (one byte type, four bytes length, payload) without copying them: a payload is a view
/// of the receive buffer, valid until the next call. One large buffer is asked to be filled by each system call; it grows only while
/// a larger message really arrives (a length alone allocates nothing) and shrinks back behind it.
/// </summary>
internal sealed class PgReceiver
{
    private const int HeaderBytes = 5;
    private const int GrowthFactor = 8;

    private readonly PgTransport _transport;
    private readonly byte[] _standard = GC.AllocateUninitializedArray<byte>(Limits.PgReceiveBufferBytes);
    private byte[] _buffer;
    private int _start;
    private int _end;

    internal PgReceiver(PgTransport transport)
    {
        _transport = transport;
        _buffer = _standard;
    }

    /// <summary>The largest message that is no row; smaller before the server has proven who it is.</summary>
    internal int ControlBytesMax { get; set; } = Limits.PgStartupBytesMax;

    /// <summary>Bytes received so far, for the metrics.</summary>
    internal long BytesReceived { get; private set; }

    /// <summary>
    /// The hot path of a COPY: the next message when it is a tuple and stands complete in the buffer. False for everything else, the
    /// trailer too; nothing is consumed then.
    /// </summary>
    internal bool TryNextTuple(out ReadOnlySpan<byte> tuple)
    {
        var bytes = _buffer.AsSpan(_start, _end - _start);
        if (bytes.Length > HeaderBytes && bytes[0] == (byte)'d')
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(bytes[1..]) - 4;
            // The first bit of a tuple's count of fields is 0; the trailer is a count of -1.
            if (length >= 2 && length <= bytes.Length - HeaderBytes && bytes[HeaderBytes] < 0x80)
            {
                tuple = bytes.Slice(HeaderBytes, length);
                _start += HeaderBytes + length;
                return true;
            }
        }

        tuple = default;
        return false;
    }

    /// <summary>Whether the next message stands whole in the buffer.</summary>
    internal bool HasMessage => _end - _start >= HeaderBytes && _end - _start > BinaryPrimitives.ReadUInt32BigEndian(_buffer.AsSpan(_start + 1));

    /// <summary>Takes what has come, at most what fits; waits when nothing has.</summary>
    internal void Take() => Fill(_end - _start + 1);

    /// <summary>The next message's type and payload, waiting for it.</summary>
    internal char Next(out ReadOnlySpan<byte> payload)
    {
        Fill(HeaderBytes);
        var type = (char)_buffer[_start];
        var length = BinaryPrimitives.ReadInt32BigEndian(_buffer.AsSpan(_start + 1));
        var isRow = type is 'd' or 'D';
        if (type is < '1' or > 'z' || length < 4)
            throw PgPayload.Violation("what it sent is no message");
        if (length - 4 > (isRow ? Limits.PgRowBytesMax : ControlBytesMax))
            throw TooLarge(length, isRow);
        Fill(1 + length);
        payload = _buffer.AsSpan(_start + HeaderBytes, length - 4);
        _start += 1 + length;
        return type;
    }

    private static Fault TooLarge(int length, bool isRow) => isRow
        ? new Fault(FaultKind.Limit, $"a row has {length} bytes; at most {Limits.PgRowBytesMax} are taken")
        {
            Side = FaultSide.Source,
            Divisible = true,
            Advice = "Leave the large column out with 'columns'.",
        }
        : PgPayload.Violation($"a message claims {length} bytes");

    /// <summary>Waits until <paramref name="count"/> bytes stand in the buffer from <see cref="_start"/> on.</summary>
    private void Fill(int count)
    {
        if (_end - _start >= count)
            return;
        MoveToFront(count);
        while (_end < count)
        {
            if (_end == _buffer.Length)
                Grow(count);
            var received = _transport.Receive(_buffer.AsSpan(_end));
            _end += received;
            BytesReceived += received;
        }
    }

    /// <summary>
    /// Gives a large message's buffer back as soon as nobody looks at it any more, and at once: its rows are about to be written, which
    /// takes as much again.
    /// </summary>
    internal void Release()
    {
        if (_buffer == _standard || _end - _start > _standard.Length) return;
        var isLarge = _buffer.Length >= Limits.LargeBufferBytes;
        MoveToFront(0);
        if (isLarge) GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    /// <summary>Makes room; behind a large message it goes back to the standard buffer.</summary>
    private void MoveToFront(int count)
    {
        var target = count <= _standard.Length ? _standard : _buffer;
        Buffer.BlockCopy(_buffer, _start, target, 0, _end - _start);
        _buffer = target;
        _end -= _start;
        _start = 0;
    }

    private void Grow(int count)
    {
        try
        {
            // A few times what has arrived, not what is claimed: a lying length costs its sender, too. Pages count only when they are filled.
            var larger = GC.AllocateUninitializedArray<byte>((int)Math.Min(count, (long)GrowthFactor * _buffer.Length));
            Buffer.BlockCopy(_buffer, 0, larger, 0, _end);
            _buffer = larger;
        }
        catch (OutOfMemoryException e)
        {
            throw new Fault(FaultKind.Limit, $"a row of {count} bytes does not fit into the memory of this process", e)
            {
                Side = FaultSide.Source,
                Divisible = true,
                Advice = "Raise limits.memory, lower the number of workers, or leave the large column out with 'columns'.",
            };
        }
    }
}
