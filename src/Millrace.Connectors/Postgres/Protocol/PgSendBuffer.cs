using System.Buffers.Binary;
using System.Text;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>Builds the messages of the frontend (PostgreSQL documentation, "Message Formats"); reused by one connection.</summary>
internal sealed class PgSendBuffer
{
    private byte[] _bytes = new byte[512];
    private int _length;
    private int _messageAt;

    internal ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _length);

    /// <summary>Forgets what was written and wipes it: it may hold a password.</summary>
    internal void Clear()
    {
        _bytes.AsSpan(0, _length).Clear();
        _length = 0;
    }

    /// <summary>Starts a message of a type; zero for the messages of the start that have none.</summary>
    internal PgSendBuffer Begin(char type)
    {
        if (type != '\0')
            Byte((byte)type);
        _messageAt = _length;
        return Int32(0);
    }

    /// <summary>Ends the message: its length counts itself but not the type.</summary>
    internal PgSendBuffer End()
    {
        BinaryPrimitives.WriteInt32BigEndian(_bytes.AsSpan(_messageAt), _length - _messageAt);
        return this;
    }

    internal PgSendBuffer Byte(byte value)
    {
        Take(1)[0] = value;
        return this;
    }

    internal PgSendBuffer Int16(short value)
    {
        BinaryPrimitives.WriteInt16BigEndian(Take(2), value);
        return this;
    }

    internal PgSendBuffer Int32(int value)
    {
        BinaryPrimitives.WriteInt32BigEndian(Take(4), value);
        return this;
    }

    internal PgSendBuffer Bytes(ReadOnlySpan<byte> value)
    {
        value.CopyTo(Take(value.Length));
        return this;
    }

    /// <summary>UTF-8 with its length before it and no zero byte behind: a parameter's value.</summary>
    internal PgSendBuffer Counted(string value)
    {
        Int32(Encoding.UTF8.GetByteCount(value));
        Encoding.UTF8.GetBytes(value, Take(Encoding.UTF8.GetByteCount(value)));
        return this;
    }

    /// <summary>UTF-8 and a zero byte. A zero inside would end it early, and the rest would be read as the next field.</summary>
    internal PgSendBuffer Text(string value)
    {
        if (value.Contains('\0', StringComparison.Ordinal))
            throw new Fault(FaultKind.JobFile, "a name, an option or an SQL text for PostgreSQL has a zero byte") { Side = FaultSide.Job, Advice = "Remove it." };
        Encoding.UTF8.GetBytes(value, Take(Encoding.UTF8.GetByteCount(value)));
        return Byte(0);
    }

    private Span<byte> Take(int count)
    {
        if (_bytes.Length - _length < count)
        {
            var larger = new byte[Math.Max(_bytes.Length * 2, _length + count)];
            Written.CopyTo(larger);
            Array.Clear(_bytes);
            _bytes = larger;
        }

        _length += count;
        return _bytes.AsSpan(_length - count, count);
    }
}
