using System.Globalization;

namespace Millrace.DuckDb.Tests.Buckets;

/// <summary>Rows of several files and buckets come back in the order of a column, none lost and none twice.</summary>
public sealed class BucketMergeTests
{
    private const string Mixed =
        """
        SELECT i AS place, CASE WHEN i % 7 > 0 THEN 'text ' || repeat('x', (i % 40)::INT) END AS words, i * 0.5 AS half, (i % 100)::TINYINT AS small,
               CASE WHEN i % 3 = 0 THEN [i, NULL, i + 1] WHEN i % 3 = 1 THEN [] END AS list, (i % 9)::SMALLINT AS short, i::HUGEINT AS huge, (i % 5)::INT AS wide,
               CASE WHEN i % 11 > 0 THEN {'a': CASE WHEN i % 2 = 0 THEN i END, 'b': ['x' || i, NULL]} END AS pair,
               [i, nullif(i % 4, 0)]::BIGINT[2] AS two
        FROM range(30000) AS r(i)
        """;

    [Theory]
    [InlineData(1L << 40, 0, 0)]
    [InlineData(300_000, 1, 7)]
    [InlineData(1, 8, 8)]
    public void Files_are_put_together_by_a_column(long bytesMax, int fallsMin, int fallsMax)
    {
        using var bed = new BucketTestbed(("threads", "1"));
        var paths = Spread(bed, files: 9);
        var columns = bed.ColumnsOf(Mixed);
        var source = new BucketRows(columns, paths, 0, 1, order: new MergeOrder(0, bytesMax));
        var places = Places(bed, $"SELECT place FROM {bed.Database.Add(source)}");
        Assert.Equal(30000, places.Distinct().Count());
        Assert.Equal(30000, source.RowsRead);
        Assert.InRange(Falls(places), fallsMin, fallsMax);
        Assert.Equal(0, bed.Differences($"FROM {Merged(bed, columns, paths, 0, 1, new MergeOrder(0, bytesMax))}", Mixed));
        foreach (var list in (string[])["words, small", "pair, list", "two, huge, short", "half, wide, place", "count(*)"])
            Assert.Equal(0, bed.Differences($"SELECT {list} FROM {Merged(bed, columns, paths, 0, 1, new MergeOrder(0, bytesMax))}", $"SELECT {list} FROM ({Mixed})"));
    }

    [Theory]
    [InlineData(16)]
    [InlineData(400)]
    public void Buckets_of_each_file_are_put_together_and_the_files_stay_one_behind_the_other(int buckets)
    {
        using var bed = new BucketTestbed(("threads", "1"));
        var paths = Enumerable.Range(0, 4).Select(f => bed.Write($"SELECT *, half FROM ({Mixed}) WHERE place // 7500 = {f}", new BucketSettings(buckets, 1, 4096))).ToArray();
        var columns = bed.ColumnsOf(Mixed);
        var order = new MergeOrder(0, long.MaxValue, MergeBy.File);
        var places = Places(bed, $"SELECT place FROM {Merged(bed, columns, paths, 0, buckets, order)}");
        Assert.Equal(Enumerable.Range(0, 30000).Select(static i => (long)i), places);
        Assert.Equal(0, bed.Differences($"FROM {Merged(bed, columns, paths, 0, buckets, order)}", Mixed));
        var some = Places(bed, $"SELECT place FROM {Merged(bed, columns, paths, 3, 6, order)}");
        Assert.Equal(BucketsRows(paths, 3, 6), some.Count);
        Assert.Equal(0, Falls(some));
    }

    [Theory]
    [InlineData(1L << 40)]
    [InlineData(1)]
    public void Files_are_put_together_bucket_by_bucket(long bytesMax)
    {
        using var bed = new BucketTestbed(("threads", "1"));
        var paths = Enumerable.Range(0, 4).Select(f => bed.Write($"SELECT *, short FROM ({Mixed}) WHERE place % 4 = {f}", new BucketSettings(BucketSettings.BucketsMax, 1, 4096, ByValue: true))).ToArray();
        var columns = bed.ColumnsOf(Mixed);
        var order = new MergeOrder(0, bytesMax, MergeBy.Bucket);
        var places = Places(bed, $"SELECT short * 1000000 + place FROM {Merged(bed, columns, paths, 0, int.MaxValue, order)}");
        Assert.Equal(9 - 1, places.Zip(places.Skip(1)).Count(static pair => pair.First / 1000000 != pair.Second / 1000000));
        if (bytesMax > 1) Assert.Equal(places.GroupBy(static place => place / 1000000).SelectMany(static same => same.Order()), places);
        Assert.Equal(0, bed.Differences($"FROM {Merged(bed, columns, paths, 0, int.MaxValue, order)}", Mixed));
    }

    [Fact]
    public void Thousands_of_buckets_of_few_rows_are_put_together_bucket_by_bucket()
    {
        using var bed = new BucketTestbed(("threads", "1"));
        const string Few = "SELECT i AS place, i % 3000 AS k FROM range(48000) AS r(i)";
        var paths = Enumerable.Range(0, 8).Select(f => bed.Write($"SELECT *, k FROM ({Few}) WHERE place % 8 = {f}", new BucketSettings(BucketSettings.BucketsMax, 1, 1024, ByValue: true))).ToArray();
        var places = Places(bed, $"SELECT k * 1000000 + place FROM {Merged(bed, bed.ColumnsOf(Few), paths, 0, int.MaxValue, new MergeOrder(0, long.MaxValue, MergeBy.Bucket))}");
        Assert.Equal(places.GroupBy(static place => place / 1000000).SelectMany(static same => same.Order()), places);
        Assert.Equal(48000, places.Distinct().Count());
    }

    [Fact]
    public void A_range_is_counted_file_by_file_and_then_put_in_order()
    {
        using var bed = new BucketTestbed(("threads", "1"));
        var paths = Spread(bed, files: 5);
        var columns = bed.ColumnsOf(Mixed);
        var all = new List<long>();
        foreach (var (first, count) in ((long, long)[])[(0, 1), (1, 7000), (7001, 12_000), (19_001, 10_999)])
        {
            var part = Places(bed, $"SELECT place FROM {bed.Database.Add(new BucketRows(columns, paths, 0, 1, range: new RowRange(first, count), order: new MergeOrder(0, long.MaxValue)))}");
            Assert.Equal(count, part.Count);
            Assert.Equal(0, Falls(part));
            all.AddRange(part);
        }

        Assert.Equal(30000, all.Distinct().Count());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Each_scan_of_portions_goes_on_behind_the_one_before(bool merged)
    {
        using var bed = new BucketTestbed(("threads", "1"));
        var paths = Spread(bed, files: 5);
        var columns = bed.ColumnsOf(Mixed);
        using var rows = new BucketRows(columns, paths, 0, 1, order: merged ? new MergeOrder(0, long.MaxValue) : null, portion: 7001);
        var source = bed.Database.Add(rows);
        var all = new List<long>();
        foreach (var list in (string[])["*", "place", "words, pair, list, place", "half, place", "place, words"])
        {
            bed.Database.Connection.Execute($"CREATE OR REPLACE TEMP TABLE portion AS SELECT {list} FROM {source}");
            var places = Places(bed, "SELECT place FROM portion");
            Assert.Equal(Math.Min(7001, 30000 - all.Count), places.Count);
            if (merged) Assert.Equal(0, Falls(places));
            Assert.Equal(0, bed.Differences("FROM portion", $"SELECT {list} FROM ({Mixed}) WHERE place IN (SELECT place FROM portion)"));
            all.AddRange(places);
        }

        Assert.Equal(30000, all.Distinct().Count());
        Assert.Equal(30000, rows.RowsRead);
        Assert.Empty(bed.Database.Rows($"FROM {source}"));
    }

    [Fact]
    public void Rows_that_do_not_ascend_are_all_there()
    {
        using var bed = new BucketTestbed(("threads", "1"));
        var paths = Enumerable.Range(0, 5).Select(f => bed.Write($"SELECT * FROM ({Mixed}) WHERE place % 5 = {f} ORDER BY hash(place)", new BucketSettings(1, 0, 4096))).ToArray();
        var columns = bed.ColumnsOf(Mixed);
        Assert.Equal(0, bed.Differences($"FROM {Merged(bed, columns, paths, 0, 1, new MergeOrder(0, long.MaxValue))}", Mixed));
    }

    [Fact]
    public void Large_values_are_put_together_as_well()
    {
        using var bed = new BucketTestbed(("threads", "1"));
        const string Rows = "SELECT i AS place, CASE WHEN i % 50 = 0 THEN repeat('0123456789abcdef' || i, 30_000) ELSE 'v' || i END AS v FROM range(1000) AS r(i)";
        var paths = Enumerable.Range(0, 4).Select(f => bed.Write($"SELECT * FROM ({Rows}) WHERE place % 4 = {f}", new BucketSettings(1, 0, 4096))).ToArray();
        var columns = bed.ColumnsOf(Rows);
        Assert.Equal(0, bed.Differences($"FROM {Merged(bed, columns, paths, 0, 1, new MergeOrder(0, long.MaxValue))}", Rows));
        Assert.Equal(0, Falls(Places(bed, $"SELECT place FROM {Merged(bed, columns, paths, 0, 1, new MergeOrder(0, long.MaxValue))}")));
    }

    [Fact]
    public void A_damaged_file_is_named()
    {
        using var bed = new BucketTestbed(("threads", "1"));
        var paths = Spread(bed, files: 3);
        var bytes = File.ReadAllBytes(paths[1]);
        bytes[100] ^= 1;
        File.WriteAllBytes(paths[1], bytes);
        var error = Assert.Throws<DuckDbException>(() => bed.Database.Rows($"SELECT sum(place) FROM {Merged(bed, bed.ColumnsOf(Mixed), paths, 0, 1, new MergeOrder(0, long.MaxValue))}"));
        Assert.Contains(paths[1], error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_are_put_together_by_whole_numbers_only()
    {
        TableColumn[] columns = [new("a", DuckDbType.Varchar), new("b", DuckDbType.BigInt)];
        Assert.Throws<ArgumentException>(() => new BucketRows(columns, [], 0, 1, order: new MergeOrder(0, 1)));
        Assert.Throws<ArgumentException>(() => new BucketRows(columns, [], 0, 2, range: new RowRange(0, 1), order: new MergeOrder(1, 1)));
    }

    /// <summary>Files with a random share of the rows each, in the order of their places.</summary>
    private static string[] Spread(BucketTestbed bed, int files) =>
        [.. Enumerable.Range(0, files).Select(f => bed.Write($"SELECT * FROM ({Mixed}) WHERE hash(place) % {files} = {f}", new BucketSettings(1, 0, 4096)))];

    private static string Merged(BucketTestbed bed, TableColumn[] columns, string[] paths, int first, int end, MergeOrder order) =>
        bed.Database.Add(new BucketRows(columns, paths, first, end, order: order));

    private static List<long> Places(BucketTestbed bed, string select) => bed.Database.Rows(select).ConvertAll(static row => long.Parse(row, CultureInfo.InvariantCulture));

    private static int Falls(List<long> places) => places.Zip(places.Skip(1)).Count(static pair => pair.First > pair.Second);

    private static long BucketsRows(string[] paths, int first, int end) =>
        paths.Sum(path => Enumerable.Range(first, end - first).Sum(bucket => BucketIndex.Read(path).RowsOf(bucket)));
}
