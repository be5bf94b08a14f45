using System.Buffers.Binary;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.DuckDb;

namespace Millrace.Connectors.Postgres.Writing;

/// <summary>
/// A scaled integer as numeric_recv takes it: number of digits, weight of the first, sign, display scale (16 bits each), then digits of base
/// 10,000. Zeros at either end are allowed there: the server drops them.
/// </summary>
internal static class NumericEncoder
{
    private const int HeaderBytes = 8;
    private const int Base = 10_000;
    private const int BaseDigits = 4;
    private const short Negative = 0x4000;

    /// <summary>Decimal digits of a 64-bit number that is never too large.</summary>
    private const int QuickDigits = 19;

    /// <summary>Digits of base 10,000 in 128 bits, cut anywhere: 39 decimal digits, the first and the last group not whole.</summary>
    private const int DigitsMax = 14;

    private const ulong Piece = 10_000_000_000_000_000;
    private const int PieceDigits = 4;

    /// <summary>The most bytes of a value.</summary>
    internal const int BytesMax = HeaderBytes + (DigitsMax * 2);

    /// <summary>Whether the digits, the last group made whole, stay below 10^19.</summary>
    internal static bool IsQuick(DuckDbType type) => type.ValueBytes == 8 && type.Width + (GroupsOf(type.Scale) * BaseDigits) - type.Scale <= QuickDigits;

    /// <summary>Whether a kind is an integer that only a numeric holds.</summary>
    internal static bool IsWide(DuckDbKind kind) => kind is DuckDbKind.UBigInt or DuckDbKind.HugeInt or DuckDbKind.UHugeInt;

    /// <summary>What the scaled integer is multiplied by so that its last group is whole.</summary>
    internal static short PadOf(int scale) => (scale % BaseDigits) switch
    {
        1 => 1000,
        2 => 100,
        3 => 10,
        _ => 1,
    };

    /// <summary>A quick decimal.</summary>
    internal static void Encode(long value, ref ColumnEncoder column, PgCopyBuffer buffer)
    {
        var magnitude = (ulong)Math.Abs(value) * (ulong)column.Pad;
        Span<short> digits = stackalloc short[5];
        var count = 0;
        for (; magnitude != 0; magnitude /= Base) digits[count++] = (short)(magnitude % Base);
        Write(digits[..count], value < 0, column.Scale, buffer);
    }

    /// <summary>Any other.</summary>
    internal static void Encode(UInt128 magnitude, bool isNegative, int scale, PgCopyBuffer buffer)
    {
        Span<short> digits = stackalloc short[DigitsMax + PieceDigits];
        var count = 0;
        var last = scale % BaseDigits;
        if (last > 0)
        {
            // The last group has so many digits of its own.
            var cut = (uint)(Base / PadOf(scale));
            var rest = magnitude / cut;
            digits[count++] = (short)((uint)(magnitude - (rest * cut)) * (uint)PadOf(scale));
            magnitude = rest;
        }

        while (magnitude != 0)
        {
            var rest = magnitude / Piece;
            var piece = (ulong)(magnitude - (rest * Piece));
            magnitude = rest;
            for (var i = 0; i < PieceDigits; i++, piece /= Base) digits[count++] = (short)(piece % Base);
        }

        while (count > 0 && digits[count - 1] == 0) count--;
        Write(digits[..count], isNegative, scale, buffer);
    }

    private static int GroupsOf(int scale) => (scale + BaseDigits - 1) / BaseDigits;

    private static void Write(ReadOnlySpan<short> digits, bool isNegative, int scale, PgCopyBuffer buffer)
    {
        var value = buffer.Field(HeaderBytes + (digits.Length * 2));
        BinaryPrimitives.WriteInt16BigEndian(value, (short)digits.Length);
        BinaryPrimitives.WriteInt16BigEndian(value[2..], (short)(digits.Length - 1 - GroupsOf(scale)));
        BinaryPrimitives.WriteInt16BigEndian(value[4..], isNegative ? Negative : (short)0);
        BinaryPrimitives.WriteInt16BigEndian(value[6..], (short)scale);
        value = value[HeaderBytes..];
        for (var i = digits.Length - 1; i >= 0; i--)
        {
            BinaryPrimitives.WriteInt16BigEndian(value, digits[i]);
            value = value[2..];
        }
    }
}
