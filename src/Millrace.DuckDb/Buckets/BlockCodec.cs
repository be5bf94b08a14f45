using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Millrace.DuckDb;

/// <summary>
/// Compresses up to 64 KB as LZ4's blocks do: a token of two lengths, literals, and how far back what follows has been before. Expanding
/// checks every length against what there is, so damaged bytes give false or other bytes, and nothing else.
/// </summary>
internal static unsafe class BlockCodec
{
    /// <summary>The most that is compressed at once: positions are 16 bits.</summary>
    public const int InputBytesMax = 64 * 1024;

    /// <summary>Bytes behind both outputs that may be overwritten with anything, and behind both inputs that may be read.</summary>
    public const int SlackBytes = 32;

    /// <summary>Entries of the table that compressing takes.</summary>
    public const int TableEntries = 1 << TableBits;

    private const int TableBits = 12;
    private const int SmallTableBits = 9;
    private const int SmallInputBytes = 2048;
    private const int MatchMin = 4;
    private const int TailBytes = 12;
    private const int LengthMask = 15;
    private const int SkipShift = 5;

    /// <summary>Compresses bytes.</summary>
    /// <param name="input">The bytes, and <see cref="SlackBytes"/> behind them.</param>
    /// <param name="output">Where the compressed ones go; the last <see cref="SlackBytes"/> of it may be overwritten, and do not count.</param>
    /// <param name="table">Room for <see cref="TableEntries"/>; what it holds does not matter.</param>
    /// <returns>How many were used; 0 when they are not enough.</returns>
    public static int Compress(ReadOnlySpan<byte> input, Span<byte> output, Span<ushort> table)
    {
        var (length, capacity) = (input.Length - SlackBytes, output.Length - SlackBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, InputBytesMax);
        if (length < 0 || capacity < 0 || table.Length < TableEntries) throw new ArgumentException("the room behind is missing");
        fixed (byte* from = input, to = output)
        {
            fixed (ushort* entries = table) return Compress(from, length, to, capacity, entries);
        }
    }

    /// <summary>Expands what <see cref="Compress(ReadOnlySpan{byte}, Span{byte}, Span{ushort})"/> made.</summary>
    /// <param name="input">The compressed bytes, and <see cref="SlackBytes"/> behind them.</param>
    /// <param name="output">Room for just the bytes, and behind them for <see cref="SlackBytes"/>, which may be overwritten.</param>
    /// <returns>False when the compressed bytes are damaged.</returns>
    public static bool Expand(ReadOnlySpan<byte> input, Span<byte> output)
    {
        if (input.Length < SlackBytes || output.Length < SlackBytes) throw new ArgumentException("the room behind is missing");
        fixed (byte* from = input, to = output) return Expand(from, input.Length - SlackBytes, to, output.Length - SlackBytes);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int Compress(byte* from, int length, byte* to, int capacity, ushort* table)
    {
        var next = to;
        var outEnd = to + capacity;
        var anchor = from;
        var end = from + length;
        if (length > TailBytes + MatchMin)
        {
            var bits = length <= SmallInputBytes ? SmallTableBits : TableBits;
            new Span<ushort>(table, 1 << bits).Clear();
            var shift = 32 - bits;
            var last = end - TailBytes;
            var matchEnd = end - 5;
            var at = from + 1;
            while (true)
            {
                // The longer nothing is found, the larger the steps.
                byte* match;
                var tries = 1 << SkipShift;
                while (true)
                {
                    if (at >= last) return Finish(anchor, end, to, next, outEnd);
                    var word = *(uint*)at;
                    var slot = table + ((word * 2654435761u) >> shift);
                    match = from + *slot;
                    *slot = (ushort)(at - from);
                    if (*(uint*)match == word) break;
                    at += tries++ >> SkipShift;
                }

                while (at > anchor && match > from && at[-1] == match[-1])
                {
                    at--;
                    match--;
                }

                var matched = Common(at + MatchMin, match + MatchMin, matchEnd);
                next = Emit(anchor, at, next, outEnd, (ushort)(at - match), matched);
                if (next == null) return 0;
                at += MatchMin + matched;
                anchor = at;
                if (at >= last) break;
                table[(*(uint*)(at - 2) * 2654435761u) >> shift] = (ushort)(at - 2 - from);
            }
        }

        return Finish(anchor, end, to, next, outEnd);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool Expand(byte* from, int stored, byte* to, int length)
    {
        var end = from + stored;
        var start = to;
        var outEnd = to + length;
        while (from < end)
        {
            int token = *from++;
            var literals = token >> 4;
            if (literals == LengthMask && !More(ref from, end, length, ref literals)) return false;
            if (literals > end - from || literals > outEnd - to) return false;
            Copy(from, to, literals);
            from += literals;
            to += literals;
            if (from == end) break;
            if (end - from < sizeof(ushort)) return false;
            int back = *(ushort*)from;
            from += sizeof(ushort);
            var matched = token & LengthMask;
            if (matched == LengthMask && !More(ref from, end, length, ref matched)) return false;
            matched += MatchMin;
            if (back == 0 || back > to - start || matched > outEnd - to) return false;
            Repeat(to, back, matched);
            to += matched;
        }

        return to == outEnd;
    }

    // Writes up to 15 bytes more than it is asked to.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Copy(byte* from, byte* to, int length)
    {
        for (var i = 0; i < length; i += 16) Vector128.Load(from + i).Store(to + i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Repeat(byte* to, int back, int length)
    {
        if (back >= 16)
        {
            Copy(to - back, to, length);
            return;
        }

        if (back < 8)
        {
            // What is repeated is as well repeated in steps of several times its length.
            var first = Math.Min(length, 16);
            for (var i = 0; i < first; i++) to[i] = to[i - back];
            to += first;
            length -= first;
            var lag = back;
            while (lag < 8) lag += back;
            back = lag;
        }

        for (var i = 0; i < length; i += 8) *(ulong*)(to + i) = *(ulong*)(to + i - back);
    }

    private static bool More(ref byte* from, byte* end, int max, ref int length)
    {
        while (from < end)
        {
            int more = *from++;
            length += more;
            if (more != byte.MaxValue) return true;
            if (length > max) return false;
        }

        return false;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Common(byte* at, byte* match, byte* end)
    {
        var start = at;
        while (at + 8 <= end)
        {
            var difference = *(ulong*)at ^ *(ulong*)match;
            if (difference != 0) return (int)(at - start) + (BitOperations.TrailingZeroCount(difference) >> 3);
            at += 8;
            match += 8;
        }

        while (at < end && *at == *match)
        {
            at++;
            match++;
        }

        return (int)Math.Max(0, at - start);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte* Emit(byte* anchor, byte* at, byte* next, byte* outEnd, ushort back, int matched)
    {
        var literals = (int)(at - anchor);
        if (outEnd - next < literals + (literals >> 7) + (matched >> 7) + 8) return null;
        var token = next++;
        *token = (byte)((Math.Min(literals, LengthMask) << 4) | Math.Min(matched, LengthMask));
        if (literals >= LengthMask) next = Rest(next, literals - LengthMask);
        Copy(anchor, next, literals);
        next += literals;
        *(ushort*)next = back;
        next += sizeof(ushort);
        return matched >= LengthMask ? Rest(next, matched - LengthMask) : next;
    }

    private static byte* Rest(byte* next, int rest)
    {
        for (; rest >= byte.MaxValue; rest -= byte.MaxValue) *next++ = byte.MaxValue;
        *next++ = (byte)rest;
        return next;
    }

    private static int Finish(byte* anchor, byte* end, byte* to, byte* next, byte* outEnd)
    {
        var literals = (int)(end - anchor);
        if (outEnd - next < literals + (literals >> 7) + 3) return 0;
        *next++ = (byte)(Math.Min(literals, LengthMask) << 4);
        if (literals >= LengthMask) next = Rest(next, literals - LengthMask);
        Copy(anchor, next, literals);
        return (int)(next + literals - to);
    }
}
