using System.IO.Compression;
using Millrace.Connectors.Files.Source;

namespace Millrace.Connectors.Tests.Files.Source;

/// <summary>Files of many members, as <c>cat a.gz b.gz</c>, bgzip and log rotation write them.</summary>
public sealed class GzipMembersTests
{
    private static readonly byte[] s_emptyMember = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    private readonly int _seed = Environment.TickCount;

    [Fact]
    public void Many_members_give_what_they_hold_whatever_their_sizes_and_however_alike_they_are()
    {
        var random = new Random(_seed);
        for (var round = 0; round < 300; round++)
        {
            var (packed, text) = Members(random, 1 + random.Next(40), alike: true);
            Assert.True(text.AsSpan().SequenceEqual(Unpacked(packed, random)), $"seed {_seed}, round {round}");
            // Some writers fill up with zeros, as tapes want it.
            Assert.True(text.AsSpan().SequenceEqual(Unpacked([.. packed, .. new byte[random.Next(5000)]], random)), $"seed {_seed}, round {round}, filled up");
        }
    }

    [Fact]
    public void What_is_cut_off_or_changed_is_never_taken_for_whole()
    {
        var random = new Random(_seed);
        for (var round = 0; round < 300; round++)
        {
            var (packed, text) = Members(random, 1 + random.Next(5), alike: false);
            var cut = packed[..random.Next(packed.Length)];
            if (Try(cut, random) is { } less)
            {
                // Whole members may be missing, never a part of one.
                Assert.True(text.AsSpan().StartsWith(less), $"seed {_seed}, round {round}: other bytes");
                Assert.True(Try([.. cut, .. s_emptyMember], random) is not null, $"seed {_seed}, round {round}: {cut.Length} of {packed.Length} bytes taken for whole");
            }

            var at = random.Next(packed.Length);
            packed[at] ^= (byte)(1 << random.Next(8));
            if (Try(packed, random) is { } changed)
            {
                // A header's time and system say nothing about its rows.
                Assert.True(text.AsSpan().SequenceEqual(changed), $"seed {_seed}, round {round}: a change at {at} was not seen");
            }
        }
    }

    // A trailer is known by its value, so a damaged one is not missed where an equal member follows within a piece: not for the second test.
    private static (byte[] Packed, byte[] Text) Members(Random random, int count, bool alike)
    {
        using var packed = new MemoryStream();
        using var text = new MemoryStream();
        var member = Array.Empty<byte>();
        var held = Array.Empty<byte>();
        for (var i = 0; i < count; i++)
        {
            if (i == 0 || !alike || random.Next(3) > 0) (member, held) = Member(random, empty: alike);
            packed.Write(member);
            text.Write(held);
        }

        return (packed.ToArray(), text.ToArray());
    }

    private static (byte[] Packed, byte[] Held) Member(Random random, bool empty)
    {
        if (empty && random.Next(6) == 0) return (s_emptyMember, []);
        var held = new byte[20 + random.Next(random.Next(2) == 0 ? 40 : 9000)];
        random.NextBytes(random.Next(2) == 0 ? held : held.AsSpan(0, 16));
        using var memory = new MemoryStream();
        using (var gzip = new GZipStream(memory, (CompressionLevel)random.Next(4), leaveOpen: true)) gzip.Write(held);
        return (memory.ToArray(), held);
    }

    private static byte[] Unpacked(byte[] packed, Random random)
    {
        using var stream = new GzipMembers(new MemoryStream(packed));
        using var all = new MemoryStream();
        var buffer = new byte[1 + random.Next(10000)];
        int got;
        while ((got = stream.Read(buffer)) > 0) all.Write(buffer, 0, got);
        return all.ToArray();
    }

    private static byte[]? Try(byte[] packed, Random random)
    {
        try
        {
            return Unpacked(packed, random);
        }
        catch (InvalidDataException)
        {
            return null;
        }
    }
}
