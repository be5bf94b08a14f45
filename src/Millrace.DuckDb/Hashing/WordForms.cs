using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Millrace.DuckDb;

/// <summary>
/// How a kind's value, as it lies in a vector, becomes the one word that is hashed. Types instead of delegates, so that each loop is
/// compiled for its own.
/// </summary>
internal unsafe interface IWordForm
{
    /// <summary>A row's word.</summary>
    static abstract ulong Word(byte* data, int row);

    /// <summary>The words of four rows.</summary>
    static abstract Vector256<ulong> Words(byte* data, int row);
}

/// <summary>Four rows at once for forms that have no quicker way.</summary>
internal static unsafe class FourWords
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Of<TForm>(byte* data, int row)
        where TForm : IWordForm =>
        Vector256.Create(TForm.Word(data, row), TForm.Word(data, row + 1), TForm.Word(data, row + 2), TForm.Word(data, row + 3));
}

/// <summary>A signed integer.</summary>
internal readonly unsafe struct SignedForm<T> : IWordForm
    where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Word(byte* data, int row) => sizeof(T) switch
    {
        1 => (ulong)((sbyte*)data)[row],
        2 => (ulong)((short*)data)[row],
        4 => (ulong)((int*)data)[row],
        _ => ((ulong*)data)[row],
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Words(byte* data, int row) => sizeof(T) switch
    {
        4 => Vector256.WidenLower(Vector128.Load((int*)data + row).ToVector256Unsafe()).AsUInt64(),
        8 => Vector256.Load((ulong*)data + row),
        _ => FourWords.Of<SignedForm<T>>(data, row),
    };
}

/// <summary>An unsigned integer that fits into a signed word.</summary>
internal readonly unsafe struct UnsignedForm<T> : IWordForm
    where T : unmanaged
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Word(byte* data, int row) => sizeof(T) switch
    {
        1 => data[row],
        2 => ((ushort*)data)[row],
        _ => ((uint*)data)[row],
    };

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Words(byte* data, int row) => FourWords.Of<UnsignedForm<T>>(data, row);
}

/// <summary>FLOAT.</summary>
internal readonly unsafe struct FloatForm : IWordForm
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Word(byte* data, int row) => DoubleForm.Bits(((float*)data)[row]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Words(byte* data, int row) => FourWords.Of<FloatForm>(data, row);
}

/// <summary>DOUBLE.</summary>
internal readonly unsafe struct DoubleForm : IWordForm
{
    private const ulong NotANumber = 0x7FF8_0000_0000_0000;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Word(byte* data, int row) => Bits(((double*)data)[row]);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Words(byte* data, int row)
    {
        var values = Vector256.Load((double*)data + row);
        return Vector256.ConditionalSelect(Vector256.Equals(values, values).AsUInt64(), values.AsUInt64(), Vector256.Create(NotANumber));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Bits(double value) => double.IsNaN(value) ? NotANumber : BitConverter.DoubleToUInt64Bits(value);
}

/// <summary>TIMESTAMP_S as microseconds.</summary>
internal readonly unsafe struct SecondsForm : IWordForm
{
    public static ulong Word(byte* data, int row) => Scaled(((long*)data)[row], 1_000_000);

    public static Vector256<ulong> Words(byte* data, int row) => FourWords.Of<SecondsForm>(data, row);

    public static ulong Scaled(long value, long factor) => value is long.MaxValue or -long.MaxValue ? (ulong)value : (ulong)(value * factor);
}

/// <summary>TIMESTAMP_MS as microseconds.</summary>
internal readonly unsafe struct MillisecondsForm : IWordForm
{
    public static ulong Word(byte* data, int row) => SecondsForm.Scaled(((long*)data)[row], 1_000);

    public static Vector256<ulong> Words(byte* data, int row) => FourWords.Of<MillisecondsForm>(data, row);
}

/// <summary>FLOAT as a key: -0.0 is 0.0.</summary>
internal readonly unsafe struct FloatKeyForm : IWordForm
{
    public static ulong Word(byte* data, int row) => DoubleForm.Bits(((float*)data)[row] + 0.0);

    public static Vector256<ulong> Words(byte* data, int row) => FourWords.Of<FloatKeyForm>(data, row);
}

/// <summary>DOUBLE as a key: -0.0 is 0.0.</summary>
internal readonly unsafe struct DoubleKeyForm : IWordForm
{
    public static ulong Word(byte* data, int row) => DoubleForm.Bits(((double*)data)[row] + 0.0);

    public static Vector256<ulong> Words(byte* data, int row) => FourWords.Of<DoubleKeyForm>(data, row);
}

/// <summary>INTERVAL as a key: its length in microseconds, a month as 30 days. What is longer than a word falls together with others.</summary>
internal readonly unsafe struct IntervalKeyForm : IWordForm
{
    private const long MicrosPerDay = 86_400_000_000;

    public static ulong Word(byte* data, int row)
    {
        var interval = ((DuckDbInterval*)data)[row];
        var days = ((long)interval.Months * 30) + interval.Days;
        return (ulong)((days * MicrosPerDay) + interval.Micros);
    }

    public static Vector256<ulong> Words(byte* data, int row) => FourWords.Of<IntervalKeyForm>(data, row);
}
