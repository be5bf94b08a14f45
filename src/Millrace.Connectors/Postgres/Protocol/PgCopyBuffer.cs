using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>
/// Tuples of a COPY on their way to the server (PostgreSQL documentation, "COPY", "Binary Format"), many in one message of about
/// <see cref="Limits.PgCopyMessageBytes"/>. A text or blob that is larger goes out in pieces and is never held again; a nested value, whose
/// length stands before it, is. Used by one thread; several buffers share a <see cref="PgCopyWriter"/>.
/// </summary>
/// <remarks>
/// Fields of a fixed length don't look for room: the array has as many bytes behind a full message as those of one row take.
/// </remarks>
public sealed class PgCopyBuffer
{
    private const int HeaderBytes = 5;

    private readonly PgCopyWriter _writer;
    private readonly int _fixedBytes;
    private readonly byte[] _standard;
    private byte[] _bytes;
    private int _length = HeaderBytes;
    private int _nesting;
    private int _rows;
    private bool _holds;

    internal PgCopyBuffer(PgCopyWriter writer, int fixedBytes)
    {
        _writer = writer;
        _fixedBytes = fixedBytes;
        _standard = GC.AllocateUninitializedArray<byte>(Limits.PgCopyMessageBytes + fixedBytes);
        _bytes = _standard;
    }

    /// <summary>Begins a row; the one before it must have ended.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void BeginRow(short fields)
    {
        if (_length >= Limits.PgCopyMessageBytes) Send();
        BinaryPrimitives.WriteInt16BigEndian(_bytes.AsSpan(_length), fields);
        _length += 2;
    }

    /// <summary>Ends a row.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void EndRow()
    {
        _rows++;
        if (_holds) LetGo();
    }

    /// <summary>A whole tuple as another COPY has given it.</summary>
    public void Row(ReadOnlySpan<byte> tuple)
    {
        if (_length >= Limits.PgCopyMessageBytes) Send();
        Bytes(tuple);
        EndRow();
    }

    /// <summary>A field that is NULL.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Null()
    {
        BinaryPrimitives.WriteInt32BigEndian(_bytes.AsSpan(_length), -1);
        _length += 4;
    }

    /// <summary>The place of a field of a fixed length; its length is written.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public Span<byte> Field(int length)
    {
        var field = _bytes.AsSpan(_length, 4 + length);
        BinaryPrimitives.WriteInt32BigEndian(field, length);
        _length += 4 + length;
        return field[4..];
    }

    /// <summary>A field of any length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Field(ReadOnlySpan<byte> value)
    {
        BinaryPrimitives.WriteInt32BigEndian(_bytes.AsSpan(_length), value.Length);
        _length += 4;
        Bytes(value);
    }

    /// <summary>The length of a field whose <see cref="Bytes"/> follow.</summary>
    internal void Length(int length)
    {
        BinaryPrimitives.WriteInt32BigEndian(_bytes.AsSpan(_length), length);
        _length += 4;
    }

    /// <summary>A piece of a field of any length.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Bytes(ReadOnlySpan<byte> value)
    {
        if (value.Length > Limits.PgCopyMessageBytes - _length)
        {
            BytesOfMany(value);
            return;
        }

        value.CopyTo(_bytes.AsSpan(_length));
        _length += value.Length;
    }

    /// <summary>Begins a field that knows its length only at its end; its parts ask for room. Gives what <see cref="EndNested"/> needs.</summary>
    internal int BeginNested()
    {
        Reserve(4);
        _nesting++;
        _length += 4;
        return _length;
    }

    /// <summary>Ends it: the length goes where it belongs.</summary>
    internal void EndNested(int began)
    {
        BinaryPrimitives.WriteInt32BigEndian(_bytes.AsSpan(began - 4), _length - began);
        _nesting--;
        Reserve(_fixedBytes);
    }

    /// <summary>Makes room for fields of a fixed length within a nested one.</summary>
    internal void Reserve(int count)
    {
        if (_bytes.Length - _length >= count) return;
        var wanted = (long)_length + count;
        if (wanted > Limits.PgRowBytesMax) throw TooLarge();
        var larger = GC.AllocateUninitializedArray<byte>((int)Math.Min(Limits.PgRowBytesMax, Math.Max(wanted, 2L * _bytes.Length)));
        Buffer.BlockCopy(_bytes, 0, larger, 0, _length);
        _bytes = larger;
    }

    /// <summary>A number of 16 bits within a nested field; room is there.</summary>
    internal void Int16(short value)
    {
        BinaryPrimitives.WriteInt16BigEndian(_bytes.AsSpan(_length), value);
        _length += 2;
    }

    /// <summary>A number of 32 bits within a nested field; room is there.</summary>
    internal void Int32(int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(_bytes.AsSpan(_length), value);
        _length += 4;
    }

    /// <summary>Sends what is there. After the last row, before <see cref="PgCopyWriter.Complete"/>.</summary>
    public void Flush()
    {
        if (_length > HeaderBytes) Send();
    }

    /// <summary>After a row that was refused in its middle: nothing more may be sent, and nobody waits for the rest of the row.</summary>
    public void Abandon()
    {
        _length = HeaderBytes;
        _nesting = 0;
        _writer.Abandon();
        if (!_holds) return;
        _holds = false;
        _writer.Release();
    }

    private void BytesOfMany(ReadOnlySpan<byte> value)
    {
        if (_nesting > 0)
        {
            Reserve(value.Length);
            value.CopyTo(_bytes.AsSpan(_length));
            _length += value.Length;
            return;
        }

        while (true)
        {
            var count = Math.Min(value.Length, Math.Max(0, Limits.PgCopyMessageBytes - _length));
            value[..count].CopyTo(_bytes.AsSpan(_length));
            _length += count;
            value = value[count..];
            if (value.IsEmpty) return;
            // The rest of this row follows: other threads' rows wait.
            if (!_holds) _writer.Hold();
            _holds = true;
            SendHolding();
        }
    }

    /// <summary>What can't be sent is the end of this COPY: whoever ends it, on another thread, must not wait for this one.</summary>
    private void SendHolding()
    {
        try
        {
            Send();
        }
        catch
        {
            _holds = false;
            _writer.Release();
            throw;
        }
    }

    private void LetGo()
    {
        try
        {
            Flush();
        }
        finally
        {
            _holds = false;
            _writer.Release();
        }
    }

    private void Send()
    {
        _bytes[0] = (byte)'d';
        BinaryPrimitives.WriteInt32BigEndian(_bytes.AsSpan(1), _length - 1);
        var (length, rows) = (_length, _rows);
        (_length, _rows) = (HeaderBytes, 0);
        _writer.Send(_bytes.AsSpan(0, length), rows);
        _bytes = _standard;
    }

    private static Fault TooLarge() => new(FaultKind.Limit, $"a row has more than {Limits.PgRowBytesMax} bytes, PostgreSQL's own bound")
    {
        Side = FaultSide.Target,
        Advice = "Leave the large column out with 'columns'.",
    };
}
