using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Millrace.DuckDb;

/// <summary>Stores integers as narrow differences to the smallest of them, and makes them wide again.</summary>
internal static unsafe class ValuePacking
{
    /// <summary>The smallest value of a stream, as a signed integer, and the bytes of a difference to it: 0, 1, 2, 4, or all of T.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (long Low, int Width) Range<T>(PageHeader* first)
        where T : unmanaged, IBinaryInteger<T>, IMinMaxValue<T>
    {
        if (first == null) return (0, 0);
        var low = T.MaxValue;
        var high = T.MinValue;
        for (var page = first; page != null; page = page->Next)
        {
            var values = (T*)(page + 1);
            var count = page->Length / sizeof(T);
            var i = 0;
            if (count >= Vector256<T>.Count)
            {
                var lows = Vector256.Load(values);
                var highs = lows;
                for (i = Vector256<T>.Count; i + Vector256<T>.Count <= count; i += Vector256<T>.Count)
                {
                    var some = Vector256.Load(values + i);
                    lows = Vector256.Min(lows, some);
                    highs = Vector256.Max(highs, some);
                }

                for (var lane = 0; lane < Vector256<T>.Count; lane++)
                {
                    low = T.Min(low, lows[lane]);
                    high = T.Max(high, highs[lane]);
                }
            }

            for (; i < count; i++)
            {
                low = T.Min(low, values[i]);
                high = T.Max(high, values[i]);
            }
        }

        var start = long.CreateTruncating(low);
        var range = (ulong)(long.CreateTruncating(high) - start);
        var width = range == 0 ? 0 : range <= byte.MaxValue ? 1 : range <= ushort.MaxValue ? 2 : range <= uint.MaxValue ? 4 : 8;
        return (start, Math.Min(width, sizeof(T)));
    }

    /// <summary>Writes values as differences.</summary>
    public static void Narrow(byte* from, int size, long low, int width, int count, byte* to)
    {
        if (width == size)
        {
            Unsafe.CopyBlockUnaligned(to, from, (uint)(count * size));
            return;
        }

        switch (size, width)
        {
            case (8, 4):
                Narrow((ulong*)from, (ulong)low, (uint*)to, count);
                break;
            case (8, 2):
                Narrow((ulong*)from, (ulong)low, (ushort*)to, count);
                break;
            case (8, 1):
                Narrow((ulong*)from, (ulong)low, to, count);
                break;
            case (4, 2):
                Narrow((uint*)from, (uint)low, (ushort*)to, count);
                break;
            case (4, 1):
                Narrow((uint*)from, (uint)low, to, count);
                break;
            default:
                Narrow((ushort*)from, (ushort)low, to, count);
                break;
        }
    }

    /// <summary>Writes differences as values again.</summary>
    public static void Widen(byte* from, int width, long low, int size, int count, byte* to)
    {
        switch (size, width)
        {
            case (8, 4):
                Widen((uint*)from, (ulong)low, (ulong*)to, count);
                break;
            case (8, 2):
                Widen((ushort*)from, (ulong)low, (ulong*)to, count);
                break;
            case (8, 1):
                Widen(from, (ulong)low, (ulong*)to, count);
                break;
            case (8, 0):
                new Span<ulong>(to, count).Fill((ulong)low);
                break;
            case (4, 2):
                Widen((ushort*)from, (uint)low, (uint*)to, count);
                break;
            case (4, 1):
                Widen(from, (uint)low, (uint*)to, count);
                break;
            case (4, 0):
                new Span<uint>(to, count).Fill((uint)low);
                break;
            case (2, 1):
                Widen(from, (ushort)low, (ushort*)to, count);
                break;
            case (2, 0):
                new Span<ushort>(to, count).Fill((ushort)low);
                break;
            case (1, 0):
                new Span<byte>(to, count).Fill((byte)low);
                break;
            default:
                Buffer.MemoryCopy(from, to, (long)count * size, (long)count * size);
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Narrow<TFrom, TTo>(TFrom* from, TFrom low, TTo* to, int count)
        where TFrom : unmanaged, IBinaryInteger<TFrom>
        where TTo : unmanaged, IBinaryInteger<TTo>
    {
        for (var i = 0; i < count; i++) Unsafe.WriteUnaligned(to + i, TTo.CreateTruncating(from[i] - low));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen<TFrom, TTo>(TFrom* from, TTo low, TTo* to, int count)
        where TFrom : unmanaged, IBinaryInteger<TFrom>
        where TTo : unmanaged, IBinaryInteger<TTo>
    {
        for (var i = 0; i < count; i++) to[i] = TTo.CreateTruncating(Unsafe.ReadUnaligned<TFrom>(from + i)) + low;
    }
}
