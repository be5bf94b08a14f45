using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Unicode;
using Millrace.Connectors.Postgres.Reading;
using Millrace.DuckDb;

namespace Millrace.Connectors.Postgres.Writing;

/// <summary>Values that are neither text nor nested, as text: numbers with all of their digits, dates and times as in ISO 8601.</summary>
internal static class ScalarText
{
    /// <summary>The longest: an interval with its three numbers.</summary>
    internal const int BytesMax = 96;

    private const long MicrosPerSecond = 1_000_000;
    private const long MicrosPerDay = 86_400 * MicrosPerSecond;
    private const string Advice = "Correct the value in the source, or leave it out with 'where'.";

    /// <summary>Whether a kind's values are numbers.</summary>
    internal static bool IsNumber(DuckDbKind kind) => kind is DuckDbKind.TinyInt or DuckDbKind.SmallInt or DuckDbKind.Integer or DuckDbKind.BigInt
        or DuckDbKind.UTinyInt or DuckDbKind.USmallInt or DuckDbKind.UInteger or DuckDbKind.UBigInt or DuckDbKind.HugeInt or DuckDbKind.UHugeInt
        or DuckDbKind.Float or DuckDbKind.Double or DuckDbKind.Decimal;

    /// <summary>Writes the text; gives its length. It has no character that JSON escapes.</summary>
    internal static int Format(VectorReader vector, int row, Span<byte> text) => vector.Type.Kind switch
    {
        DuckDbKind.Boolean => vector.Get<byte>(row) != 0 ? Write(text, $"true") : Write(text, $"false"),
        DuckDbKind.TinyInt => Write(text, $"{vector.Get<sbyte>(row)}"),
        DuckDbKind.SmallInt => Write(text, $"{vector.Get<short>(row)}"),
        DuckDbKind.Integer => Write(text, $"{vector.Get<int>(row)}"),
        DuckDbKind.BigInt => Write(text, $"{vector.Get<long>(row)}"),
        DuckDbKind.UTinyInt => Write(text, $"{vector.Get<byte>(row)}"),
        DuckDbKind.USmallInt => Write(text, $"{vector.Get<ushort>(row)}"),
        DuckDbKind.UInteger => Write(text, $"{vector.Get<uint>(row)}"),
        DuckDbKind.UBigInt => Write(text, $"{vector.Get<ulong>(row)}"),
        DuckDbKind.HugeInt => Write(text, $"{vector.Get<Int128>(row)}"),
        DuckDbKind.UHugeInt => Write(text, $"{vector.Get<UInt128>(row)}"),
        DuckDbKind.Float => Write(text, $"{vector.Get<float>(row):R}"),
        DuckDbKind.Double => Write(text, $"{vector.Get<double>(row):R}"),
        DuckDbKind.Decimal => Decimal(vector, row, text),
        DuckDbKind.Uuid => Uuid(vector, row, text),
        DuckDbKind.Interval => Interval(vector.Get<DuckDbInterval>(row), text),
        _ => Time(vector, row, text),
    };

    private static int Time(VectorReader vector, int row, Span<byte> text)
    {
        switch (vector.Type.Kind)
        {
            case DuckDbKind.Date:
                var days = vector.Get<int>(row);
                return days is int.MaxValue or -int.MaxValue ? Infinite(days > 0, text) : Date(days, text);
            case DuckDbKind.Time:
                return TimeOfDay(vector.Get<long>(row), text);
            case DuckDbKind.TimeNs:
                return TimeOfDay(PgTimes.MicrosOfNanos(vector.Get<long>(row)), text);
            case DuckDbKind.TimeTz:
                var (micros, offset) = vector.TimeTz(row);
                var length = TimeOfDay(micros, text);
                var away = Math.Abs(offset);
                length += Write(text[length..], $"{(offset < 0 ? '-' : '+')}{away / 3600:00}:{away / 60 % 60:00}");
                return away % 60 == 0 ? length : length + Write(text[length..], $":{away % 60:00}");
            case DuckDbKind.TimestampTz:
                var local = Timestamp(vector.Get<long>(row), text);
                return char.IsAsciiDigit((char)text[local - 1]) ? local + Write(text[local..], $"Z") : local;
            case DuckDbKind.Timestamp:
                return Timestamp(vector.Get<long>(row), text);
            case DuckDbKind.TimestampS:
                return Timestamp(PgTimes.Micros(vector.Get<long>(row), 1_000_000), text);
            case DuckDbKind.TimestampMs:
                return Timestamp(PgTimes.Micros(vector.Get<long>(row), 1_000), text);
            case DuckDbKind.TimestampNs:
                return Timestamp(PgTimes.MicrosOfNanos(vector.Get<long>(row)), text);
            default:
                throw new InvalidOperationException($"a value of {vector.Type.ToSql()} has no text");
        }
    }

    private static int Timestamp(long micros, Span<byte> text)
    {
        if (micros is long.MaxValue or -long.MaxValue) return Infinite(micros > 0, text);
        var days = Math.DivRem(micros, MicrosPerDay, out var time);
        if (time < 0) (days, time) = (days - 1, time + MicrosPerDay);
        var length = Date((int)days, text);
        text[length++] = (byte)'T';
        return length + TimeOfDay(time, text[length..]);
    }

    private static int Infinite(bool positive, Span<byte> text) => positive ? Write(text, $"infinity") : Write(text, $"-infinity");

    private static int Date(int days, Span<byte> text)
    {
        var number = days + (long)new DateOnly(1970, 1, 1).DayNumber;
        if (number < 0 || number > DateOnly.MaxValue.DayNumber)
            throw new ValueRefused("found a date before the year 1 or after 9999 inside of a value that becomes JSON", Advice);
        return Write(text, $"{DateOnly.FromDayNumber((int)number):yyyy-MM-dd}");
    }

    private static int TimeOfDay(long micros, Span<byte> text)
    {
        var seconds = Math.DivRem(micros, MicrosPerSecond, out var fraction);
        var length = Write(text, $"{seconds / 3600:00}:{seconds / 60 % 60:00}:{seconds % 60:00}");
        return length + Fraction(fraction, text[length..]);
    }

    private static int Fraction(long micros, Span<byte> text)
    {
        if (micros == 0) return 0;
        var length = Write(text, $".{micros:000000}");
        while (text[length - 1] == '0') length--;
        return length;
    }

    /// <summary>Months, days and microseconds as ISO 8601 has them; each has its own sign.</summary>
    private static int Interval(DuckDbInterval value, Span<byte> text)
    {
        var sign = value.Micros < 0 ? "-" : "";
        var micros = value.Micros < 0 ? (ulong)-(value.Micros + 1) + 1 : (ulong)value.Micros;
        var length = Write(text, $"P{value.Months}M{value.Days}DT{sign}{micros / MicrosPerSecond}");
        length += Fraction((long)(micros % MicrosPerSecond), text[length..]);
        return length + Write(text[length..], $"S");
    }

    private static int Decimal(VectorReader vector, int row, Span<byte> text)
    {
        Int128 value = vector.Type.ValueBytes switch
        {
            2 => vector.Get<short>(row),
            4 => vector.Get<int>(row),
            8 => vector.Get<long>(row),
            _ => vector.Get<Int128>(row),
        };
        var scale = vector.Type.Scale;
        if (scale == 0) return Write(text, $"{value}");
        Span<char> digits = stackalloc char[BytesMax];
        Int128.Abs(value).TryFormat(digits, out var count, "D" + (scale + 1).ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        return Write(text, $"{(value < 0 ? "-" : "")}{(ReadOnlySpan<char>)digits[..(count - scale)]}.{(ReadOnlySpan<char>)digits[(count - scale)..count]}");
    }

    private static int Uuid(VectorReader vector, int row, Span<byte> text)
    {
        Span<byte> bytes = stackalloc byte[16];
        vector.Uuid(row, bytes);
        return Write(text, $"{new Guid(bytes, bigEndian: true)}");
    }

    private static int Write(Span<byte> text, [InterpolatedStringHandlerArgument(nameof(text))] ref Utf8.TryWriteInterpolatedStringHandler value) =>
        Utf8.TryWrite(text, ref value, out var length) ? length : throw new InvalidOperationException("the text is longer than any can be");
}
