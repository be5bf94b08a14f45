using System.Buffers.Binary;

namespace Millrace.DuckDb.Tests.Hashing;

/// <summary>The hash of rows as bytes: what changes it, what does not, and that it is what the reference says.</summary>
public sealed class WireSumTests
{
    [Fact]
    public void Order_does_not_matter_parts_add_up_and_any_single_change_is_seen()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var rows = Enumerable.Range(0, 300).Select(_ => Row(random)).ToArray();
        var whole = Sum(rows);
        random.Shuffle(rows);

        Assert.Equal(whole, Sum(rows));
        Assert.Equal(whole, Sum(rows[..100]) + Sum(rows[100..]));
        Assert.True(ContentHash.TryParse(whole.ToString(), out var read) && read == whole, $"seed {seed}: {whole}");
        Assert.StartsWith("w1:300:", whole.ToString(), StringComparison.Ordinal);
        for (var round = 0; round < 1000; round++)
        {
            var changed = rows.Select(static row => row.ToArray()).ToArray();
            var row = random.Next(changed.Length);
            if (random.Next(4) == 0) changed[row] = [.. changed[row], 0];
            else if (random.Next(4) == 0) changed = [.. changed[..row], .. changed[(row + 1)..]];
            else changed[row][random.Next(changed[row].Length)] ^= (byte)(1 << random.Next(8));
            Assert.True(Sum(changed) != whole, $"seed {seed}, round {round}");
        }
    }

    [Fact]
    public void Two_equal_rows_that_are_missing_are_seen() => Assert.NotEqual(Sum([[1, 2, 3]]), Sum([[1, 2, 3], [1, 2, 3], [1, 2, 3]]));

    /// <summary>In plain arithmetic, from the reference's words.</summary>
    [Fact]
    public void It_is_what_the_reference_says()
    {
        var random = new Random(7);
        for (var round = 0; round < 200; round++)
        {
            var row = Row(random);
            var hash = Fold(row);
            var expected = new ContentHash(1, Mix(hash + First), MixAgain(hash ^ Second)) { IsOfWire = true };
            Assert.Equal(expected, Sum([row]));
        }
    }

    private const ulong First = 0x9E37_79B9_7F4A_7C15;
    private const ulong Second = 0xD6E8_FEB8_6659_FD93;

    private static byte[] Row(Random random)
    {
        var row = new byte[random.Next(2, random.Next(2) == 0 ? 20 : 200)];
        random.NextBytes(row);
        return row;
    }

    private static ContentHash Sum(byte[][] rows)
    {
        var sum = new WireSum();
        foreach (var row in rows) sum.Add(row);
        return sum.Value;
    }

    private static ulong Fold(byte[] row)
    {
        var seed = 0x5731UL + (row.Length < 16 ? (ulong)row.Length : 0);
        var text = row.Length < 16 ? [.. row, .. new byte[16 - row.Length]] : row;
        var (even, odd, at) = (seed ^ ((ulong)text.Length * First), seed + Second, 0);
        for (; text.Length - at >= 32; at += 32)
        {
            even = Step(text, at, even);
            odd = Step(text, at + 16, odd);
        }

        even ^= odd;
        if (text.Length - at >= 16) even = Step(text, at, even);
        return Mix(text.Length % 16 == 0 ? even : Step(text, text.Length - 16, even));
    }

    private static ulong Step(byte[] text, int at, ulong folded)
    {
        var product = (UInt128)(BinaryPrimitives.ReadUInt64LittleEndian(text.AsSpan(at)) ^ Second) * (BinaryPrimitives.ReadUInt64LittleEndian(text.AsSpan(at + 8)) ^ folded);
        return (ulong)(product >> 64) ^ (ulong)product;
    }

    private static ulong Mix(ulong x)
    {
        x ^= x >> 32;
        x *= Second;
        x ^= x >> 32;
        x *= Second;
        return x ^ (x >> 32);
    }

    private static ulong MixAgain(ulong x)
    {
        x ^= x >> 30;
        x *= 0xBF58_476D_1CE4_E5B9;
        x ^= x >> 27;
        x *= 0x94D0_49BB_1331_11EB;
        return x ^ (x >> 31);
    }
}
