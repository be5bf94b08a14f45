using Millrace.Connectors.Postgres.Protocol;

namespace Millrace.Connectors.Postgres.Writing;

/// <summary>
/// Bit strings: DuckDB has the unused bits, and their number, before the first; PostgreSQL (varbit_recv) has the number of bits, and zeros
/// behind the last.
/// </summary>
internal static class BitEncoder
{
    private const int PieceBytes = 256;

    /// <summary>Encodes DuckDB's bytes of a bit string.</summary>
    internal static void Encode(ReadOnlySpan<byte> value, PgCopyBuffer buffer)
    {
        var unused = value[0];
        var bits = value[1..];
        buffer.Length(4 + bits.Length);
        buffer.Int32((bits.Length * 8) - unused);
        Span<byte> piece = stackalloc byte[PieceBytes];
        while (!bits.IsEmpty)
        {
            var count = Math.Min(bits.Length, PieceBytes);
            for (var i = 0; i < count; i++)
            {
                var next = i + 1 < bits.Length ? bits[i + 1] : 0;
                piece[i] = (byte)((bits[i] << unused) | (next >> (8 - unused)));
            }

            buffer.Bytes(piece[..count]);
            bits = bits[count..];
        }
    }
}
