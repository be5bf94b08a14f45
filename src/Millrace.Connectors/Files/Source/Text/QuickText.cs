using System.Buffers.Text;
using System.Globalization;

namespace Millrace.Connectors.Files.Source.Text;

/// <summary>
/// Reads values that are spelled the usual way, which is nearly all of them. Every method takes less than <see cref="TextTypes"/> does and
/// gives the very same value; what it does not take is left to those expressions, which know every other spelling and what to refuse.
/// </summary>
internal static class QuickText
{
    // So many digits fit into 64 bits, whatever they are.
    private const int LongDigitsMax = 18;

    // So many digits are exact in a DOUBLE, and so is the power of ten that divides them: one rounding, the right one.
    private const int DoubleDigitsMax = 15;

    private const long MicrosPerSecond = 1_000_000;
    private const long MicrosPerDay = 86_400 * MicrosPerSecond;

    private static readonly double[] s_powers = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

    /// <summary>A whole number as it would be printed: no sign but a minus, no zero in front.</summary>
    public static bool TryLong(ReadOnlySpan<byte> text, out long value)
    {
        value = 0;
        var negative = text.Length > 0 && text[0] == (byte)'-';
        var digits = negative ? text[1..] : text;
        if (digits.IsEmpty || digits.Length > LongDigitsMax || (digits[0] == (byte)'0' && (digits.Length > 1 || negative))) return false;
        long number = 0;
        foreach (var character in digits)
        {
            var digit = (uint)(character - '0');
            if (digit > 9) return false;
            number = (number * 10) + digit;
        }

        value = negative ? -number : number;
        return true;
    }

    /// <summary>
    /// A number with a point, or none. Up to 15 digits it is computed exactly; a longer one is taken when it is how the nearest DOUBLE is
    /// printed at its shortest.
    /// </summary>
    public static bool TryDouble(ReadOnlySpan<byte> text, out double value)
    {
        value = 0;
        if (!TryDigits(text, out var negative, out var number, out var places, out var digits)) return false;
        if (digits <= DoubleDigitsMax)
        {
            value = number / s_powers[places];
            if (negative) value = -value;
            return true;
        }

        // Large whole numbers are printed in other ways by other programs.
        if (places == 0 || !Utf8Parser.TryParse(text, out value, out var used) || used != text.Length || !double.IsFinite(value)) return false;
        Span<byte> printed = stackalloc byte[32];
        return value.TryFormat(printed, out var length, default, CultureInfo.InvariantCulture) && printed[..length].SequenceEqual(text);
    }

    /// <summary>A decimal of at most so many places, times ten to their number.</summary>
    public static bool TryDecimal(ReadOnlySpan<byte> text, int scale, long limit, out long value)
    {
        value = 0;
        if (!TryDigits(text, out var negative, out var number, out var places, out var digits)) return false;
        if (places > scale || digits + scale - places > LongDigitsMax) return false;
        for (; places < scale; places++) number *= 10;
        if (number > limit) return false;
        value = negative ? -number : number;
        return true;
    }

    /// <summary>A date as year-month-day, ten characters; in days since 1970.</summary>
    public static bool TryDate(ReadOnlySpan<byte> text, out int days)
    {
        days = 0;
        if (text.Length != 10 || text[4] != (byte)'-' || text[7] != (byte)'-') return false;
        var (century, year, month, day) = (Pair(text), Pair(text[2..]), Pair(text[5..]), Pair(text[8..]));
        if ((century | year | month | day) < 0) return false;
        year += century * 100;
        if (year == 0 || month is 0 or > 12 || day == 0 || day > DateTime.DaysInMonth(year, month)) return false;
        days = new DateOnly(year, month, day).DayNumber - DateOnlyOf1970;
        return true;
    }

    /// <summary>A date, a space or T, a time to the second or with up to six places; in microseconds since 1970.</summary>
    public static bool TryTimestamp(ReadOnlySpan<byte> text, out long micros)
    {
        micros = 0;
        if (text.Length is < 19 or > 26 || text[10] is not ((byte)' ' or (byte)'T') || text[13] != (byte)':' || text[16] != (byte)':') return false;
        if (!TryDate(text[..10], out var days)) return false;
        var (hour, minute, second) = (Pair(text[11..]), Pair(text[14..]), Pair(text[17..]));
        if ((hour | minute | second) < 0 || hour > 23 || minute > 59 || second > 59) return false;
        long fraction = 0;
        if (text.Length > 19)
        {
            if (text[19] != (byte)'.' || text.Length == 20) return false;
            for (var i = 20; i < 26; i++)
            {
                var digit = i < text.Length ? (uint)(text[i] - '0') : 0;
                if (digit > 9) return false;
                fraction = (fraction * 10) + digit;
            }
        }

        micros = (days * MicrosPerDay) + ((((hour * 60L) + minute) * 60) + second) * MicrosPerSecond + fraction;
        return true;
    }

    /// <summary>The words true and false.</summary>
    public static bool TryBoolean(ReadOnlySpan<byte> text, out byte value)
    {
        value = text.Length == 4 ? (byte)1 : (byte)0;
        return text.SequenceEqual("true"u8) || text.SequenceEqual("false"u8);
    }

    private static int DateOnlyOf1970 { get; } = new DateOnly(1970, 1, 1).DayNumber;

    // Two digits; negative when they are none.
    private static int Pair(ReadOnlySpan<byte> text)
    {
        var (tens, ones) = ((uint)(text[0] - '0'), (uint)(text[1] - '0'));
        return tens > 9 || ones > 9 ? -1 : (int)((tens * 10) + ones);
    }

    // Digits, with a point among them or not, at least one on both of its sides, no zero in front of another digit.
    private static bool TryDigits(ReadOnlySpan<byte> text, out bool negative, out long number, out int places, out int digits)
    {
        (number, places, digits) = (0, 0, 0);
        negative = text.Length > 0 && text[0] == (byte)'-';
        var at = negative ? 1 : 0;
        var start = at;
        var point = -1;
        for (; at < text.Length; at++)
        {
            var digit = (uint)(text[at] - '0');
            if (digit <= 9)
            {
                if (++digits <= LongDigitsMax) number = (number * 10) + digit;
            }
            else if (text[at] == (byte)'.' && point < 0)
            {
                point = at;
            }
            else
            {
                return false;
            }
        }

        places = point < 0 ? 0 : text.Length - point - 1;
        var whole = digits - places;
        return whole > 0 && (point < 0 || places > 0) && (whole == 1 || text[start] != (byte)'0');
    }
}
