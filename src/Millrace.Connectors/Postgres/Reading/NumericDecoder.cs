using System.Buffers.Binary;

namespace Millrace.Connectors.Postgres.Reading;

/// <summary>
/// numeric_send to a scaled integer: a header (number of digits, weight of the first, sign, display scale: 16 bits each), then digits
/// of base 10,000. Exact or refused: nothing is rounded.
/// </summary>
internal static class NumericDecoder
{
    private const int HeaderBytes = 8;
    private const int Base = 10_000;
    private const int BaseDigits = 4;
    private const int Negative = 0x4000;
    private const int NotANumber = 0xC000;
    private const int PositiveInfinity = 0xD000;
    private const int NegativeInfinity = 0xF000;

    /// <summary>Digits of base 10,000 that stay below 10^16, so that 64 bits hold them and a shift of two decimals more.</summary>
    private const int QuickDigitsMax = 4;

    private static readonly ulong[] s_powers =
    [
        1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000, 10_000_000_000, 100_000_000_000,
        1_000_000_000_000, 10_000_000_000_000, 100_000_000_000_000, 1_000_000_000_000_000, 10_000_000_000_000_000,
        100_000_000_000_000_000, 1_000_000_000_000_000_000, 10_000_000_000_000_000_000,
    ];

    /// <summary>The number for targets of 16, 32 and 64 bits.</summary>
    internal static long Decode64(ReadOnlySpan<byte> value, ref ColumnDecoder column)
    {
        if (value.Length < HeaderBytes) throw Malformed();
        int digits = BinaryPrimitives.ReadUInt16BigEndian(value);
        int sign = BinaryPrimitives.ReadUInt16BigEndian(value[4..]);
        var body = value[HeaderBytes..];
        if (digits > QuickDigitsMax || body.Length != digits * 2 || (sign & ~Negative) != 0)
            return (long)Decode128(value, ref column);

        ulong number = 0;
        for (var i = 0; i < body.Length; i += 2) number = (number * Base) + BinaryPrimitives.ReadUInt16BigEndian(body[i..]);
        // The last digit stands for Base^(weight - digits + 1); times 10^scale makes the number an integer.
        var shift = (BaseDigits * (BinaryPrimitives.ReadInt16BigEndian(value[2..]) - digits + 1)) + column.Scale;
        var limit = (ulong)column.Limit + (sign == 0 ? 0UL : column.NegativeExtra);
        if (number != 0)
        {
            if (shift >= 0)
            {
                if (shift >= s_powers.Length || number > limit / s_powers[shift]) throw TooLarge(value);
                number *= s_powers[shift];
            }
            else
            {
                // By a constant where the target has some of the last digit's four places, which is nearly always: a division by
                // what only the run knows takes ten times as long.
                (number, var lost) = shift switch
                {
                    -1 => (number / 10, number % 10),
                    -2 => (number / 100, number % 100),
                    -3 => (number / 1000, number % 1000),
                    _ when shift > -s_powers.Length => Math.DivRem(number, s_powers[-shift]),
                    _ => throw Inexact(value),
                };
                if (lost != 0) throw Inexact(value);
            }
        }

        if (number > limit) throw TooLarge(value);
        return sign == 0 ? (long)number : -(long)number;
    }

    /// <summary>The number for every target.</summary>
    internal static Int128 Decode128(ReadOnlySpan<byte> value, ref ColumnDecoder column)
    {
        if (value.Length < HeaderBytes) throw Malformed();
        int digits = BinaryPrimitives.ReadUInt16BigEndian(value);
        int weight = BinaryPrimitives.ReadInt16BigEndian(value[2..]);
        int sign = BinaryPrimitives.ReadUInt16BigEndian(value[4..]);
        var body = value[HeaderBytes..];
        if (sign is NotANumber or PositiveInfinity or NegativeInfinity) throw NotFinite(sign);
        if (sign is not (0 or Negative) || body.Length != digits * 2) throw Malformed();

        var limit = column.Limit + (sign == 0 ? UInt128.Zero : column.NegativeExtra);
        UInt128 number = 0;
        var shift = 0;
        for (var i = 0; i < digits; i++)
        {
            uint digit = BinaryPrimitives.ReadUInt16BigEndian(body[(i * 2)..]);
            shift = (BaseDigits * (weight - i)) + column.Scale;
            if (shift >= 0)
            {
                number = Append(number, Base, digit, limit, value);
                continue;
            }

            // The digit straddles the last place that the target has, or lies behind it.
            if (shift <= -BaseDigits)
            {
                if (digit != 0) throw Inexact(value);
                continue;
            }

            var cut = (uint)s_powers[-shift];
            if (digit % cut != 0) throw Inexact(value);
            number = Append(number, Base / cut, digit / cut, limit, value);
        }

        for (; shift > 0 && number != 0; shift--) number = Append(number, 10, 0, limit, value);
        return sign == 0 ? (Int128)number : -(Int128)(number - 1) - 1;
    }

    private static UInt128 Append(UInt128 number, uint scale, uint digit, UInt128 limit, ReadOnlySpan<byte> value)
    {
        if (digit > limit || number > (limit - digit) / scale) throw TooLarge(value);
        return (number * scale) + digit;
    }

    private static ValueRefused Malformed() => new("the numeric's bytes are not what PostgreSQL sends", RowDecoder.ReportAdvice);

    /// <summary>What a sign says that is no sign; null for a number's.</summary>
    internal static string? NotFiniteText(int sign) => sign switch
    {
        NotANumber => "NaN",
        PositiveInfinity => "Infinity",
        NegativeInfinity => "-Infinity",
        _ => null,
    };

    private static ValueRefused NotFinite(int sign)
    {
        var found = NotFiniteText(sign)!;
        return new ValueRefused($"found {found}, expected a number that a decimal can hold", RowDecoder.TextAdvice, found);
    }

    private static ValueRefused TooLarge(ReadOnlySpan<byte> value) => new($"found {NumericText.Of(value)}, which has more digits than the target type", RowDecoder.TextAdvice);

    private static ValueRefused Inexact(ReadOnlySpan<byte> value) => new(
        $"found {NumericText.Of(value)}, which has more digits after the point than the target type, and is not rounded", RowDecoder.TextAdvice);
}

/// <summary>A numeric's bytes as a decimal text, for errors.</summary>
internal static class NumericText
{
    private const int CharsMax = 80;

    internal static string Of(ReadOnlySpan<byte> value, int charsMax = CharsMax)
    {
        if (NumericDecoder.NotFiniteText(BinaryPrimitives.ReadUInt16BigEndian(value[4..])) is { } special) return special;
        int digits = BinaryPrimitives.ReadUInt16BigEndian(value);
        int weight = BinaryPrimitives.ReadInt16BigEndian(value[2..]);
        var text = new System.Text.StringBuilder(BinaryPrimitives.ReadUInt16BigEndian(value[4..]) == 0x4000 ? "-" : "");
        if (weight < 0) text.Append("0.");
        for (var i = -1; i > weight && text.Length < charsMax; i--) text.Append("0000");
        for (var i = 0; i < Math.Max(digits, weight + 1) && text.Length < charsMax; i++)
        {
            if (i > 0 && i == weight + 1) text.Append('.');
            int digit = i < digits ? BinaryPrimitives.ReadUInt16BigEndian(value[(8 + (i * 2))..]) : 0;
            text.Append(i == 0 && weight >= 0 ? $"{digit}" : $"{digit:0000}");
        }

        if (text.Length >= charsMax) return $"{text}…";
        // The last digit of base 10,000 may say more places than the number has.
        int places = BinaryPrimitives.ReadUInt16BigEndian(value[6..]);
        var point = text.ToString().IndexOf('.', StringComparison.Ordinal);
        if (point < 0 && places > 0)
        {
            point = text.Length;
            text.Append('.');
        }

        if (point >= 0) text.Append('0', Math.Max(0, places - (text.Length - point - 1))).Length = point + 1 + places;
        return text.ToString().TrimEnd('.');
    }
}
