namespace Millrace.DuckDb.Tests.Buckets;

/// <summary>Whatever is compressed expands to itself; whatever is damaged expands to nothing worse than other bytes.</summary>
public sealed class BlockCodecTests
{
    private const byte Guard = 0xA5;

    [Fact]
    public void What_is_compressed_comes_back_and_damage_stays_within_bounds()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var (packed, times) = (0, 0);
        for (var round = 0; round < 3000; round++)
        {
            var input = Input(random, round < 100 ? round : random.Next(1, random.Next(2) == 0 ? 300 : BlockCodec.InputBytesMax + 1));
            var output = Compress(input, input.Length + (input.Length / 100) + 20);
            Assert.True(output.Length > 0, $"seed {seed}, round {round}: {input.Length} bytes have no room");
            Assert.True(ComesBack(output, input), $"seed {seed}, round {round}: {input.Length} bytes");
            times++;
            if (output.Length < input.Length) packed++;

            for (var damage = 0; damage < 5; damage++)
            {
                var broken = output.ToArray();
                if (random.Next(3) == 0) broken = broken[..random.Next(broken.Length)];
                for (var i = random.Next(1, 4); i > 0 && broken.Length > 0; i--) broken[random.Next(broken.Length)] = (byte)random.Next(256);
                Expand(broken, input.Length, out _);
            }
        }

        Assert.True(packed > times / 3, $"seed {seed}: only {packed} of {times} became smaller");
    }

    [Fact]
    public void Too_little_room_gives_nothing_and_writes_nothing_beyond()
    {
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        for (var round = 0; round < 3000; round++)
        {
            var input = Input(random, random.Next(1, 2000));
            var whole = Compress(input, input.Length + (input.Length / 100) + 20).Length;
            var capacity = random.Next(whole + 10);
            var output = Compress(input, capacity);
            Assert.True(output.Length <= capacity, $"seed {seed}, round {round}");
            if (output.Length > 0) Assert.True(ComesBack(output, input), $"seed {seed}, round {round}");
        }
    }

    private static byte[] Input(Random random, int length)
    {
        var bytes = new byte[length];
        var letters = random.Next(4) switch { 0 => 1, 1 => 3, 2 => 20, _ => 256 };
        for (var i = 0; i < length;)
        {
            // Runs that have been before, near and far, and new bytes.
            var run = Math.Min(length - i, random.Next(1, random.Next(8) == 0 ? 2000 : 20));
            if (i > 0 && random.Next(2) == 0)
            {
                var back = random.Next(1, (random.Next(2) == 0 ? Math.Min(i, 10) : i) + 1);
                for (var end = i + run; i < end; i++) bytes[i] = bytes[i - back];
            }
            else
            {
                for (var end = i + run; i < end; i++) bytes[i] = (byte)random.Next(letters);
            }
        }

        return bytes;
    }

    private static bool ComesBack(byte[] output, byte[] input) =>
        Expand(output, input.Length, out var expanded) && expanded.AsSpan().SequenceEqual(input);

    private static byte[] Compress(byte[] input, int capacity)
    {
        var from = new byte[input.Length + BlockCodec.SlackBytes];
        input.CopyTo(from, 0);
        var to = Guarded(capacity);
        var table = new ushort[BlockCodec.TableEntries];
        table.AsSpan().Fill(ushort.MaxValue);
        var length = BlockCodec.Compress(from, to.AsSpan(0, capacity + BlockCodec.SlackBytes), table);
        Assert.Equal(-1, to.AsSpan(capacity + BlockCodec.SlackBytes).IndexOfAnyExcept(Guard));
        return to[..length];
    }

    private static bool Expand(byte[] input, int length, out byte[] output)
    {
        var from = new byte[input.Length + BlockCodec.SlackBytes];
        input.CopyTo(from, 0);
        var to = Guarded(length);
        var sound = BlockCodec.Expand(from, to.AsSpan(0, length + BlockCodec.SlackBytes));
        Assert.Equal(-1, to.AsSpan(length + BlockCodec.SlackBytes).IndexOfAnyExcept(Guard));
        output = to[..length];
        return sound;
    }

    /// <summary>Room, and behind it bytes that must stay.</summary>
    private static byte[] Guarded(int length)
    {
        var bytes = new byte[length + BlockCodec.SlackBytes + 64];
        bytes.AsSpan().Fill(Guard);
        return bytes;
    }
}
