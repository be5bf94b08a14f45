using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Millrace.Connectors.Files.Splitting;

/// <summary>64 bytes, and masks over them in which bit i speaks of byte i.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct ByteMask
{
    /// <summary>Bytes in one word.</summary>
    public const int Bytes = 64;

    private readonly Vector256<byte> low;
    private readonly Vector256<byte> high;

    /// <summary>Loads the first 64 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ByteMask(ReadOnlySpan<byte> bytes)
    {
        low = Vector256.Create(bytes);
        high = Vector256.Create(bytes[Vector256<byte>.Count..]);
    }

    /// <summary>Which bytes equal <paramref name="value"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Equal(Vector256<byte> value) =>
        Vector256.Equals(low, value).ExtractMostSignificantBits() | ((ulong)Vector256.Equals(high, value).ExtractMostSignificantBits() << 32);

    /// <summary>Which bytes are greater than <paramref name="value"/>, unsigned.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong Above(Vector256<byte> value) =>
        Vector256.GreaterThan(low, value).ExtractMostSignificantBits() | ((ulong)Vector256.GreaterThan(high, value).ExtractMostSignificantBits() << 32);

    /// <summary>Bit i becomes the parity of bits 0 to i: between two quotes, the first one included, all ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong PrefixXor(ulong bits)
    {
        if (Pclmulqdq.IsSupported)
            return Pclmulqdq.CarrylessMultiply(Vector128.CreateScalar(bits), Vector128<ulong>.AllBitsSet, 0).ToScalar();
        bits ^= bits << 1;
        bits ^= bits << 2;
        bits ^= bits << 4;
        bits ^= bits << 8;
        bits ^= bits << 16;
        return bits ^ (bits << 32);
    }

    /// <summary>Moves a mask by <paramref name="by"/> (1 to 63) bytes towards the end, filled from the word before.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong After(ulong mask, ulong before, int by) => (mask << by) | (before >> (64 - by));

    /// <summary>The lowest <paramref name="count"/> bits.</summary>
    public static ulong First(int count) => count >= 64 ? ulong.MaxValue : (1UL << count) - 1;

    /// <summary>
    /// Bytes that stand after an odd run of escape bytes.
    /// </summary>
    /// <param name="escapes">Where escape bytes are.</param>
    /// <param name="pending">In: the word before ended in an odd run. Out: this one did.</param>
    public static ulong Escaped(ulong escapes, ref bool pending)
    {
        ulong escaped = pending ? 1UL : 0UL;
        var open = escapes & ~escaped;
        pending = false;
        while (open != 0)
        {
            var bit = BitOperations.TrailingZeroCount(open);
            if (bit == 63)
            {
                pending = true;
                break;
            }
            escaped |= 2UL << bit;
            open &= ulong.MaxValue << (bit + 1) << 1;
        }
        return escaped;
    }
}
