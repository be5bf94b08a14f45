using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Millrace.DuckDb;

namespace Millrace.Connectors.Postgres.Reading;

/// <summary>
/// A refused array or composite as PostgreSQL prints it (its documentation, "Array Input and Output Syntax" and "Composite Type Input and
/// Output Syntax"), with dates and times in ISO style and UTC. Only for rejects: it is slow, and stops when the text is as long as a reject tells.
/// </summary>
internal static class RejectedText
{
    private const long MicrosPerSecond = 1_000_000;
    private const long MicrosPerDay = 86_400 * MicrosPerSecond;
    // Digits before the point from which on PostgreSQL writes an exponent.
    private const int Float32FixedDigits = 6;
    private const int Float64FixedDigits = 15;
    private const long DaysTo2000SinceMarchOfYear0 = 730_425;

    private static readonly SearchValues<char> ElementQuoted = SearchValues.Create("\"\\{}, \t\n\r\v\f");
    private static readonly SearchValues<char> FieldQuoted = SearchValues.Create("\"\\(), \t\n\r\v\f");

    /// <summary>The text; null where it has a value that has none here.</summary>
    /// <param name="column">How the value is decoded; it is not changed.</param>
    /// <param name="type">What it becomes.</param>
    /// <param name="value">Its bytes, as they came.</param>
    internal static string? Of(ref ColumnDecoder column, DuckDbType type, ReadOnlySpan<byte> value)
    {
        var text = new StringBuilder();
        return Append(text, ref column, type, value) ? text.ToString() : null;
    }

    private static bool Append(StringBuilder text, ref ColumnDecoder column, DuckDbType type, ReadOnlySpan<byte> value)
    {
        switch (column.Step)
        {
            case DecodeStep.Array:
                return AppendArray(text, ref column, type, value);
            case DecodeStep.Record:
                return AppendRecord(text, ref column, type, value);
            case DecodeStep.Numeric16 or DecodeStep.Numeric32 or DecodeStep.Numeric64 or DecodeStep.Numeric128:
                text.Append(NumericText.Of(value, Limits.RejectValueCharsMax));
                return true;
            case DecodeStep.Text:
                return AppendText(text, value);
            case DecodeStep.Jsonb:
                return AppendText(text, value[1..]);
            case DecodeStep.Uuid:
                text.Append(new Guid(value, bigEndian: true));
                return true;
            case DecodeStep.Bytes:
                text.Append("\\x").Append(Convert.ToHexStringLower(value[..Math.Min(value.Length, Limits.RejectValueCharsMax)]));
                return true;
            default:
                return AppendFixed(text, column.Step, type, value);
        }
    }

    // What is no text is told as bytes, which lose nothing.
    private static bool AppendText(StringBuilder text, ReadOnlySpan<byte> value)
    {
        if (!Utf8.IsValid(value)) return false;
        text.Append(Encoding.UTF8.GetString(value));
        return true;
    }

    /// <summary>Numbers and times of a fixed length.</summary>
    private static bool AppendFixed(StringBuilder text, DecodeStep step, DuckDbType type, ReadOnlySpan<byte> value)
    {
        switch (step)
        {
            case DecodeStep.Bool:
                text.Append(value[0] == 0 ? 'f' : 't');
                return true;
            case DecodeStep.Int16:
                text.Append(BinaryPrimitives.ReadInt16BigEndian(value));
                return true;
            case DecodeStep.Int32 when type.Kind == DuckDbKind.UInteger:
                text.Append(BinaryPrimitives.ReadUInt32BigEndian(value));
                return true;
            case DecodeStep.Int32 when type.Kind == DuckDbKind.Integer:
                text.Append(BinaryPrimitives.ReadInt32BigEndian(value));
                return true;
            case DecodeStep.Int64 when type.Kind == DuckDbKind.BigInt:
                text.Append(BinaryPrimitives.ReadInt64BigEndian(value));
                return true;
            case DecodeStep.FiniteFloat64 or DecodeStep.Int64 when type.Kind == DuckDbKind.Double:
                AppendFloat(text, BinaryPrimitives.ReadDoubleBigEndian(value).ToString("R", CultureInfo.InvariantCulture), Float64FixedDigits);
                return true;
            case DecodeStep.FiniteFloat32 or DecodeStep.Int32 when type.Kind == DuckDbKind.Float:
                AppendFloat(text, BinaryPrimitives.ReadSingleBigEndian(value).ToString("R", CultureInfo.InvariantCulture), Float32FixedDigits);
                return true;
            case DecodeStep.Date or DecodeStep.FiniteDate:
                AppendDate(text, BinaryPrimitives.ReadInt32BigEndian(value));
                return true;
            case DecodeStep.Time or DecodeStep.TimeOfDay:
                AppendTime(text, BinaryPrimitives.ReadInt64BigEndian(value));
                return true;
            case DecodeStep.Timestamp or DecodeStep.FiniteTimestamp:
                AppendTimestamp(text, BinaryPrimitives.ReadInt64BigEndian(value), type.Kind == DuckDbKind.TimestampTz ? "+00" : "");
                return true;
            default:
                return false;
        }
    }

    private static bool AppendArray(StringBuilder text, ref ColumnDecoder column, DuckDbType type, ReadOnlySpan<byte> value)
    {
        var dimensions = BinaryPrimitives.ReadInt32BigEndian(value);
        var lengths = new int[dimensions];
        var bounds = new StringBuilder();
        var isUsual = true;
        for (var i = 0; i < dimensions; i++)
        {
            lengths[i] = BinaryPrimitives.ReadInt32BigEndian(value[(12 + (i * 8))..]);
            var from = BinaryPrimitives.ReadInt32BigEndian(value[(16 + (i * 8))..]);
            isUsual &= from == 1;
            bounds.Append(CultureInfo.InvariantCulture, $"[{from}:{from + (long)lengths[i] - 1}]");
        }

        if (!isUsual) text.Append(bounds).Append('=');
        for (var i = 0; i < column.Dimensions; i++) type = type.Element;
        var elements = value[(12 + (dimensions * 8))..];
        if (dimensions > 0) return AppendElements(text, ref column.Children[0], type, lengths, ref elements);
        text.Append("{}");
        return true;
    }

    private static bool AppendElements(StringBuilder text, ref ColumnDecoder element, DuckDbType type, ReadOnlySpan<int> lengths, ref ReadOnlySpan<byte> elements)
    {
        text.Append('{');
        for (var i = 0; i < lengths[0] && text.Length < Limits.RejectValueCharsMax; i++)
        {
            if (i > 0) text.Append(',');
            if (lengths.Length > 1)
            {
                if (!AppendElements(text, ref element, type, lengths[1..], ref elements)) return false;
                continue;
            }

            var value = Counted(ref elements, out var isNull);
            if (isNull)
            {
                text.Append("NULL");
                continue;
            }

            var inner = new StringBuilder();
            if (!Append(inner, ref element, type, value)) return false;
            AppendElement(text, inner.ToString());
        }

        text.Append('}');
        return true;
    }

    private static bool AppendRecord(StringBuilder text, ref ColumnDecoder column, DuckDbType type, ReadOnlySpan<byte> value)
    {
        var rest = value[4..];
        text.Append('(');
        for (var i = 0; i < column.Children.Length; i++)
        {
            if (i > 0) text.Append(',');
            rest = rest[4..];
            var field = Counted(ref rest, out var isNull);
            if (isNull) continue;
            var inner = new StringBuilder();
            if (!Append(inner, ref column.Children[i], type.Fields[i].Type, field)) return false;
            AppendField(text, inner.ToString());
        }

        text.Append(')');
        return true;
    }

    private static ReadOnlySpan<byte> Counted(ref ReadOnlySpan<byte> rest, out bool isNull)
    {
        var length = BinaryPrimitives.ReadInt32BigEndian(rest);
        rest = rest[4..];
        isNull = length == -1;
        if (isNull) return default;
        var value = rest[..length];
        rest = rest[length..];
        return value;
    }

    private static void AppendElement(StringBuilder text, string value)
    {
        if (value.Length > 0 && !value.Equals("NULL", StringComparison.OrdinalIgnoreCase) && value.AsSpan().IndexOfAny(ElementQuoted) < 0)
            text.Append(value);
        else
            text.Append('"').Append(value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
    }

    private static void AppendField(StringBuilder text, string value)
    {
        if (value.Length > 0 && value.AsSpan().IndexOfAny(FieldQuoted) < 0)
            text.Append(value);
        else
            text.Append('"').Append(value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\"\"", StringComparison.Ordinal)).Append('"');
    }

    /// <summary>The shortest digits that are the number, as .NET and PostgreSQL both find them, with an exponent where PostgreSQL writes one.</summary>
    private static void AppendFloat(StringBuilder text, string shortest, int fixedDigits)
    {
        var number = shortest.AsSpan().TrimStart('-');
        if (number.Length < shortest.Length) text.Append('-');
        if (!char.IsAsciiDigit(number[0]))
        {
            text.Append(number);
            return;
        }

        var end = number.IndexOf('E');
        var exponent = end < 0 ? 0 : int.Parse(number[(end + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        if (end >= 0) number = number[..end];
        var point = number.IndexOf('.');
        exponent += (point < 0 ? number.Length : point) - 1;
        var all = number.ToString().Replace(".", "", StringComparison.Ordinal);
        var digits = all.TrimStart('0');
        exponent -= all.Length - digits.Length;
        digits = digits.TrimEnd('0');
        if (digits.Length == 0) text.Append('0');
        else if (exponent < -4 || exponent >= fixedDigits) text.Append(digits[0]).Append(digits.Length > 1 ? "." : "").Append(digits.AsSpan(1)).Append(CultureInfo.InvariantCulture, $"e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):00}");
        else if (exponent < 0) text.Append("0.").Append('0', -exponent - 1).Append(digits);
        else if (digits.Length <= exponent + 1) text.Append(digits).Append('0', exponent + 1 - digits.Length);
        else text.Append(digits.AsSpan(0, exponent + 1)).Append('.').Append(digits.AsSpan(exponent + 1));
    }

    private static void AppendDate(StringBuilder text, int days)
    {
        if (days is int.MaxValue or int.MinValue) text.Append(days > 0 ? "infinity" : "-infinity");
        else text.Append(CalendarDate(days, out var era)).Append(era);
    }

    private static void AppendTimestamp(StringBuilder text, long micros, string zone)
    {
        if (micros is long.MaxValue or long.MinValue)
        {
            text.Append(micros > 0 ? "infinity" : "-infinity");
            return;
        }

        var days = Math.DivRem(micros, MicrosPerDay, out var time);
        if (time < 0) (days, time) = (days - 1, time + MicrosPerDay);
        text.Append(CalendarDate(days, out var era)).Append(' ');
        AppendTime(text, time);
        text.Append(zone).Append(era);
    }

    private static void AppendTime(StringBuilder text, long micros)
    {
        var seconds = Math.DivRem(micros, MicrosPerSecond, out var fraction);
        text.Append(CultureInfo.InvariantCulture, $"{seconds / 3600:00}:{seconds / 60 % 60:00}:{seconds % 60:00}");
        if (fraction != 0) text.Append('.').Append(fraction.ToString("000000", CultureInfo.InvariantCulture).TrimEnd('0'));
    }

    // Years that begin with March: a leap day is the last one then, and months follow from one division. 400 years have 146,097 days.
    private static string CalendarDate(long daysSince2000, out string era)
    {
        var days = daysSince2000 + DaysTo2000SinceMarchOfYear0;
        var cycle = Math.DivRem(days, 146_097, out var day);
        if (day < 0) (cycle, day) = (cycle - 1, day + 146_097);
        var year = (day - (day / 1_460) + (day / 36_524) - (day / 146_096)) / 365;
        var dayOfYear = day - ((365 * year) + (year / 4) - (year / 100));
        var march = ((5 * dayOfYear) + 2) / 153;
        var month = march < 10 ? march + 3 : march - 9;
        var number = year + (cycle * 400) + (month <= 2 ? 1 : 0);
        era = number > 0 ? "" : " BC";
        return string.Create(CultureInfo.InvariantCulture, $"{(number > 0 ? number : 1 - number):0000}-{month:00}-{dayOfYear - (((153 * march) + 2) / 5) + 1:00}");
    }
}
