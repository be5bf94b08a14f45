using System.Globalization;

namespace Millrace.DuckDb.Tests.Buckets;

/// <summary>Files in which each key has a bucket of its own, and reading some of a bucket's rows.</summary>
public sealed class BucketByValueTests
{
    private const string Rows =
        """
        SELECT i AS id, CASE WHEN (i * 7919) % {0} > 0 THEN (i * 7919) % {0} END AS k, CASE WHEN i % 7 > 0 THEN 'text ' || repeat('x', (i % 40)::INT) END AS words,
               CASE WHEN i % 3 = 0 THEN [i, NULL, i + 1] WHEN i % 3 = 1 THEN [] END AS list, {'a': i, 'b': ['x' || i]} AS pair, [i, -i]::BIGINT[2] AS two
        FROM range(20000) AS r(i)
        """;

    [Theory]
    [InlineData(48, 64)]
    [InlineData(300, 64)]
    [InlineData(5000, 4096)]
    public void Each_key_has_a_bucket_of_its_own(int keys, int slots)
    {
        using var bed = new BucketTestbed();
        var rows = Rows.Replace("{0}", keys.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal);
        var columns = bed.ColumnsOf(rows);
        var settings = new BucketSettings(slots, 1, 4096, ByValue: true);
        string[] paths = [bed.Write($"SELECT *, k FROM ({rows}) WHERE id < 12000", settings), bed.Write($"SELECT *, k FROM ({rows}) WHERE id >= 12000", settings)];
        Assert.Equal(0, bed.Differences($"FROM {bed.Source(columns, 0, int.MaxValue, paths)}", rows));
        var sizes = new BucketSizes();
        sizes.Add(paths);
        var sorted = sizes.Sorted();
        Assert.Equal(keys, sorted.Length);
        Assert.Equal(20_000, sorted.Sum(static size => size.Rows));
        foreach (var size in sorted.Take(50))
            Assert.Equal([$"{size.Rows}|1"], bed.Database.Rows($"SELECT count(*), count(DISTINCT coalesce(k, -1)) FROM {bed.Source(columns, size.Bucket, size.Bucket + 1, paths)}"));
    }

    [Fact]
    public void Blocks_of_more_keys_than_the_memory_has_large_blocks_for_have_some_rows_each()
    {
        using var bed = new BucketTestbed();
        const string Many = "SELECT i AS a, i AS b, i AS c, i AS d, i AS e, i AS f, 'text' || i AS g, 'text' || i AS h, hash(i) % 2500 AS k FROM range(300000) AS t(i)";
        var path = bed.Write($"SELECT *, k FROM ({Many})", new BucketSettings(4096, 1, 1024, ByValue: true));
        using var file = new LocalBlockFile(path);
        using var blocks = BlockList.Read(file);
        Assert.Equal(2500, blocks.Entries.ToArray().DistinctBy(static block => block.Bucket).Count());
        Assert.InRange(blocks.Entries.Length, 2500, 300_000 / 6);
    }

    [Fact]
    public void Keys_that_share_a_number_are_seen()
    {
        using var bed = new BucketTestbed();
        var settings = new BucketSettings(4096, 1, 1024, ByValue: true);
        string[] paths = [bed.Write("SELECT i AS k, i FROM range(150000) AS t(i)", settings), bed.Write("SELECT i AS k, i FROM range(100000, 300000) AS t(i)", settings)];
        var sizes = new BucketSizes();
        sizes.Add(paths);
        var shared = sizes.Sorted().Where(static size => size.IsShared).ToArray();
        Assert.InRange(shared.Length, 5, 60);
        var columns = bed.ColumnsOf("SELECT 1::BIGINT AS k");
        var pair = 0;
        foreach (var size in sizes.Sorted().Where(size => size.IsShared || size.Bucket % 9973 == 0))
        {
            var keys = bed.Database.Rows($"SELECT count(DISTINCT k), string_agg(DISTINCT k, ' ' ORDER BY k DESC) FROM {bed.Source(columns, size.Bucket, size.Bucket + 1, paths)}")[0];
            Assert.Equal(size.IsShared, keys[0] != '1');
            if (keys.EndsWith("133007 125666", StringComparison.Ordinal)) pair++;
        }

        // Tests of whole runs use these two.
        Assert.Equal(1, pair);
    }

    [Fact]
    public void Stretches_of_a_bucket_are_its_rows_each_once_and_the_same_each_time()
    {
        using var bed = new BucketTestbed();
        var rows = Rows.Replace("{0}", "3", StringComparison.Ordinal);
        var columns = bed.ColumnsOf(rows);
        var settings = new BucketSettings(64, 1, 4096, ByValue: true);
        string[] paths = [bed.Write($"SELECT *, k FROM ({rows}) WHERE id < 9000", settings), bed.Write($"SELECT *, k FROM ({rows}) WHERE id >= 9000", settings)];
        var sizes = new BucketSizes();
        sizes.Add(paths);
        foreach (var size in sizes.Sorted())
        {
            var whole = bed.Database.Rows($"FROM {bed.Source(columns, size.Bucket, size.Bucket + 1, paths)}");
            foreach (var step in (int[])[1, 97, 2048, 2500, 6_000, 10_000])
            {
                if (step == 1 && size.Rows > 100) continue;
                var read = new List<string>();
                for (var from = 0L; from < size.Rows; from += step)
                {
                    var range = new RowRange(from, Math.Min(step, size.Rows - from));
                    read.AddRange(bed.Database.Rows($"FROM {bed.Database.Add(new BucketRows(columns, paths, size.Bucket, size.Bucket + 1, range: range))}"));
                }

                Assert.Equal(whole, read);
            }
        }
    }
}
