using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Millrace.DuckDb;

/// <summary>
/// The arithmetic of the content hash, version 1, modulo 2^64: shifts, additions and multiplications that every machine does alike.
/// <see cref="Mix(ulong)"/> and <see cref="MixAgain(ulong)"/> are bijections, so that a change of one word, and nothing else in its row, can't go unseen.
/// </summary>
internal static unsafe class HashMixing
{
    private const ulong First = 0x9E37_79B9_7F4A_7C15;
    private const ulong Second = 0xD6E8_FEB8_6659_FD93;
    private const ulong NullMark = 0xFFFF_FFFF;

    /// <summary>Spreads every bit of a word over all 64.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Mix(ulong x)
    {
        x ^= x >> 32;
        x *= Second;
        x ^= x >> 32;
        x *= Second;
        return x ^ (x >> 32);
    }

    /// <summary>The same for four words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Mix(Vector256<ulong> x)
    {
        x ^= x >>> 32;
        x *= Vector256.Create(Second);
        x ^= x >>> 32;
        x *= Vector256.Create(Second);
        return x ^ (x >>> 32);
    }

    /// <summary>The same with other constants, for the second sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong MixAgain(ulong x)
    {
        x ^= x >> 30;
        x *= 0xBF58_476D_1CE4_E5B9;
        x ^= x >> 27;
        x *= 0x94D0_49BB_1331_11EB;
        return x ^ (x >> 31);
    }

    /// <summary>The same for four words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> MixAgain(Vector256<ulong> x)
    {
        x ^= x >>> 30;
        x *= Vector256.Create(0xBF58_476D_1CE4_E5B9);
        x ^= x >>> 27;
        x *= Vector256.Create(0x94D0_49BB_1331_11EB);
        return x ^ (x >>> 31);
    }

    /// <summary>What a row adds to the first sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Low(ulong row) => Mix(row + First);

    /// <summary>What a row adds to the second sum.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong High(ulong row) => MixAgain(row ^ Second);

    /// <summary>What stands for a column in the hashes of its values.</summary>
    public static ulong SeedOf(int position, HashFamily family, int scale) => Mix(Mix((ulong)position + 1) ^ (((ulong)family << 8) + (ulong)scale));

    /// <summary>The hash of NULL in a column, of whatever type.</summary>
    public static ulong NullOf(int position) => Mix(Mix((ulong)position + 1) ^ NullMark);

    /// <summary>The hash of a value of one word.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Word(ulong seed, ulong word) => Mix(word ^ seed);

    /// <summary>The hash of a value of two words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Words(ulong seed, ulong first, ulong second) => Mix(Mix(first ^ seed) ^ second);

    /// <summary>The hashes of four values of two words.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<ulong> Words(Vector256<ulong> seed, ulong* pairs)
    {
        var first = Vector256.Create(pairs[0], pairs[2], pairs[4], pairs[6]);
        var second = Vector256.Create(pairs[1], pairs[3], pairs[5], pairs[7]);
        return Mix(Mix(first ^ seed) ^ second);
    }

    /// <summary>
    /// The hash of bytes. Up to twelve are two words: length and four bytes, then eight, as they lie in DuckDB's 16-byte string_t. More are
    /// folded 16 at a time; the last 16 are folded again unless the length is a multiple.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Text(ulong seed, ulong* text)
    {
        var length = (uint)text[0];
        return length <= 12 ? Words(seed, text[0], text[1]) : LongText(seed, (byte*)text[1], length);
    }

    /// <summary>The hash of more than twelve bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static ulong LongText(ulong seed, byte* text, uint length)
    {
        // Two chains, since each step of one waits for the step before.
        var even = seed ^ (length * First);
        var odd = seed + Second;
        var end = text + length;
        for (; end - text >= 32; text += 32)
        {
            even = Fold(text, text + 8, even);
            odd = Fold(text + 16, text + 24, odd);
        }

        even ^= odd;
        if (end - text >= 16) even = Fold(text, text + 8, even);
        if ((length & 15) == 0) return Mix(even);
        return Mix(Fold(length < 16 ? text : end - 16, end - 8, even));
    }

    /// <summary>The content's two sums, from the sums over columns that the rows have.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static (ulong Low, ulong High) Rows(ReadOnlySpan<ulong> rows)
    {
        var (lows, highs) = (Vector256<ulong>.Zero, Vector256<ulong>.Zero);
        for (; rows.Length >= 4; rows = rows[4..])
        {
            var four = Vector256.Create(rows);
            lows += Mix(four + Vector256.Create(First));
            highs += MixAgain(four ^ Vector256.Create(Second));
        }

        var (low, high) = (Vector256.Sum(lows), Vector256.Sum(highs));
        foreach (var row in rows)
        {
            low += Low(row);
            high += High(row);
        }

        return (low, high);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Fold(byte* first, byte* second, ulong folded)
    {
        // On every machine that .NET runs on, words are little-endian.
        var high = Math.BigMul(Unsafe.ReadUnaligned<ulong>(first) ^ Second, Unsafe.ReadUnaligned<ulong>(second) ^ folded, out var low);
        return high ^ low;
    }
}
