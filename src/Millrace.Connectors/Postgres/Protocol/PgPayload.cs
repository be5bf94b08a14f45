using System.Buffers.Binary;
using System.Text;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>Reads the fields of one message's payload; a field that leaves it is a protocol violation, not an index error.</summary>
internal ref struct PgPayload
{
    private ReadOnlySpan<byte> _rest;

    internal PgPayload(ReadOnlySpan<byte> payload) => _rest = payload;

    internal readonly bool IsAtEnd => _rest.IsEmpty;

    internal byte Byte() => Bytes(1)[0];

    internal short Int16() => BinaryPrimitives.ReadInt16BigEndian(Bytes(2));

    internal int Int32() => BinaryPrimitives.ReadInt32BigEndian(Bytes(4));

    internal uint UInt32() => BinaryPrimitives.ReadUInt32BigEndian(Bytes(4));

    /// <summary>A string that ends with a zero byte. Bytes that are no UTF-8 become replacement characters: it is text for people.</summary>
    internal string Text()
    {
        var end = _rest.IndexOf((byte)0);
        if (end < 0)
            throw Violation("a text has no end");
        var text = Encoding.UTF8.GetString(_rest[..end]);
        _rest = _rest[(end + 1)..];
        return text;
    }

    internal ReadOnlySpan<byte> Bytes(int count)
    {
        if ((uint)count > (uint)_rest.Length)
            throw Violation("a field is longer than its message");
        var bytes = _rest[..count];
        _rest = _rest[count..];
        return bytes;
    }

    internal ReadOnlySpan<byte> Rest() => Bytes(_rest.Length);

    /// <summary>What answers is no PostgreSQL server, or a broken one; trying again shows the same.</summary>
    internal static Fault Violation(string what) =>
        new(FaultKind.Unreachable, $"the server does not speak the PostgreSQL protocol: {what}")
        {
            Side = FaultSide.Source,
            Advice = "Check that host and port are those of a PostgreSQL server (12 or later) or of a pooler before it.",
        };
}
