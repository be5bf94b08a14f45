using System.Text;
using Millrace.Transform;

namespace Millrace.Tests.Transform;

/// <summary>The cache of lookups: what it gives is what it got, and it keeps to its bytes.</summary>
public sealed class LookupCacheTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [InlineData(2_000)]
    [InlineData(64 * 1024)]
    [InlineData(8 * 1024 * 1024)]
    public void What_it_gives_is_what_it_got_within_its_bytes(int bytes)
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var cache = new LookupCache(bytes);
        var keys = new LookupKeySet(Limits.ChunkRows);
        var found = new LookupFound(Limits.ChunkRows);
        var hits = 0;
        for (var round = 0; round < 300; round++)
        {
            keys.Clear();
            for (var i = 0; i < 100; i++) keys.Add(Encoding.UTF8.GetBytes($"k{Math.Pow(random.NextDouble(), 3) * 5000:0}"));
            found.Clear(keys.Count);
            cache.Find(keys, found);
            var unknown = new List<int>();
            for (var key = 0; key < keys.Count; key++)
            {
                if (!found.IsKnown(key))
                {
                    unknown.Add(key);
                    if (RowOf(keys[key]) is { } row) found.Set(key, row);
                    else found.SetMissing(key);
                    continue;
                }

                hits++;
                Assert.Equal(RowOf(keys[key]) is not null, found.IsFound(key));
                Assert.Equal(RowOf(keys[key]) ?? [], found.RowOf(key).ToArray());
            }

            cache.Keep(keys, unknown.ToArray(), found);
            Assert.InRange(cache.Bytes, 0, bytes);
        }

        if (bytes >= 64 * 1024) Assert.InRange(hits, 3_000, 30_000);
        if (bytes == 0) Assert.Equal(0, hits);
    }

    /// <summary>A row that its key tells, of any length; some keys have none.</summary>
    private static byte[]? RowOf(ReadOnlySpan<byte> key)
    {
        var sum = 0;
        foreach (var one in key) sum = (sum * 31) + one;
        sum = Math.Abs(sum % 997);
        return sum % 10 == 0 ? null : [.. Enumerable.Range(0, sum % 60).Select(i => (byte)(i + sum))];
    }
}
