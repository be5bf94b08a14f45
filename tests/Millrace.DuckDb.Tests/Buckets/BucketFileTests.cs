using System.Globalization;

namespace Millrace.DuckDb.Tests.Buckets;

/// <summary>What is written comes back: the same rows, each from the bucket of its key.</summary>
public sealed class BucketFileTests
{
    private const string Mixed =
        """
        SELECT i AS id, CASE WHEN i % 7 > 0 THEN 'text ' || repeat('x', (i % 40)::INT) END AS words, i * 0.5 AS half, (i % 100)::TINYINT AS small,
               CASE WHEN i % 3 = 0 THEN [i, NULL, i + 1] WHEN i % 3 = 1 THEN [] END AS list,
               CASE WHEN i % 11 > 0 THEN {'a': CASE WHEN i % 2 = 0 THEN i END, 'b': ['x' || i, NULL]} END AS pair,
               DATE '2020-01-01' + (i % 1000)::INT AS day
        FROM range(20000) AS r(i)
        """;

    [Theory]
    [InlineData(1, 4096)]
    [InlineData(7, 16 * 1024)]
    [InlineData(64, 4096)]
    [InlineData(4096, 4096)]
    public void Each_row_comes_back_from_the_bucket_of_its_key(int buckets, int blockBytes)
    {
        using var bed = new BucketTestbed();
        var path = bed.Write($"SELECT *, id, words FROM ({Mixed})", new BucketSettings(buckets, 2, blockBytes));
        var columns = bed.ColumnsOf(Mixed);
        Assert.Equal(0, bed.Differences($"FROM {bed.Source(columns, 0, buckets, path)}", Mixed));

        var index = BucketIndex.Read(path);
        Assert.Equal(buckets, index.Buckets);
        var step = Math.Max(1, buckets / 20);
        for (var bucket = 0; bucket < buckets; bucket += step)
        {
            var rows = bed.Database.Rows($"SELECT count(*), count(DISTINCT id) FROM {bed.Source(columns, bucket, bucket + 1, path)}");
            Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"{index.RowsOf(bucket)}|{index.RowsOf(bucket)}"), Assert.Single(rows));
            Assert.Equal(index.RowsOf(bucket) > 0, index.BytesOf(bucket) > 0);
        }

        // No key twice: each bucket has about its share.
        if (buckets == 64) Assert.All(Enumerable.Range(0, 64), b => Assert.InRange(index.RowsOf(b), 200, 430));
    }

    [Fact]
    public void The_same_keys_share_a_bucket_in_all_files_and_integer_types()
    {
        using var bed = new BucketTestbed();
        var settings = new BucketSettings(50, 1, 4096);
        var narrow = bed.Write("SELECT i, i::SMALLINT FROM range(1000) AS r(i)", settings);
        var wide = bed.Write("SELECT i, i::HUGEINT FROM range(1000) AS r(i)", settings);
        TableColumn[] columns = [new("i", DuckDbType.BigInt)];
        for (var bucket = 0; bucket < 50; bucket++)
        {
            var (one, other) = (bed.Source(columns, bucket, bucket + 1, narrow), bed.Source(columns, bucket, bucket + 1, wide));
            Assert.Equal(0, bed.Differences($"FROM {one}", $"FROM {other}"));
        }
    }

    [Fact]
    public void Keys_that_DuckDB_calls_equal_share_a_bucket()
    {
        using var bed = new BucketTestbed();
        const string Rows =
            """
            SELECT * FROM (VALUES ('-0.0'::DOUBLE, '-0.0'::FLOAT, INTERVAL '1 month', [('-0.0'::DOUBLE)]), (0.0, 0.0, INTERVAL '30 days', [0.0]),
                                  (0.0, 0.0, INTERVAL '720 hours', [0.0])) AS v(d, f, i, l)
            """;
        Assert.Equal(["1"], bed.Database.Rows($"SELECT count(DISTINCT (d, f, i, l)) FROM ({Rows})"));
        Assert.Equal(["1"], bed.Database.Rows($"SELECT count(DISTINCT {bed.Writers.PartOf("d", "f", "i", "l")}) FROM ({Rows})"));
        var index = BucketIndex.Read(bed.Write($"SELECT 1, * FROM ({Rows})", new BucketSettings(4096, 4, 4096)));
        Assert.Contains(3, Enumerable.Range(0, 4096).Select(index.RowsOf));
    }

    [Fact]
    public void A_bucket_is_read_in_even_parts_by_the_keys_number()
    {
        using var bed = new BucketTestbed();
        const string Rows = "SELECT i AS id, 'key ' || (i // 3) AS k FROM range(90000) AS r(i)";
        var path = bed.Write($"SELECT *, k FROM ({Rows})", new BucketSettings(10, 1, 16 * 1024));
        var columns = bed.ColumnsOf(Rows);
        var rows = BucketIndex.Read(path).RowsOf(4);
        for (var part = 0; part < 3; part++)
        {
            var counts = bed.Database.Rows(
                $"SELECT count(*), count(DISTINCT k) * 3 FROM {bed.Source(columns, 4, 5, path)} WHERE {bed.Writers.PartOf("k")} % 3 = {part}");
            var numbers = Assert.Single(counts).Split('|').Select(static n => long.Parse(n, CultureInfo.InvariantCulture)).ToArray();
            Assert.Equal(numbers[0], numbers[1]);
            Assert.InRange(numbers[0], (rows / 3) - (rows / 20), (rows / 3) + (rows / 20));
        }
    }

    [Fact]
    public void Columns_are_chosen_and_skipped()
    {
        using var bed = new BucketTestbed();
        var path = bed.Write(Mixed, new BucketSettings(3, 0, 16 * 1024));
        var source = bed.Source(bed.ColumnsOf(Mixed), 0, 3, path);
        string[] lists =
            ["day", "list, id", "pair", "words, day", "half, small", "count(*)", "count(*) FILTER (words IS NULL), max(id)", "list[1], pair.b[1]"];
        foreach (var list in lists)
            Assert.Equal(0, bed.Differences($"SELECT {list} FROM {source}", $"SELECT {list} FROM ({Mixed})"));
        var index = BucketIndex.Read(path);
        Assert.Equal((20000, 0, 0), (index.RowsOf(0), index.RowsOf(1), index.RowsOf(2)));
    }

    [Fact]
    public void Several_files_come_in_order_and_each_time_alike()
    {
        using var bed = new BucketTestbed(("threads", "1"));
        var paths = Enumerable.Range(0, 4)
            .Select(f => $"SELECT i, 't' || i AS t, i % 100 FROM range({f * 1000}, {f + 1}000) AS r(i)")
            .Select(select => bed.Write(select, new BucketSettings(8, 1, 4096))).ToArray();
        TableColumn[] columns = [new("i", DuckDbType.BigInt), new("t", DuckDbType.Varchar)];
        var source = new BucketRows(columns, paths, 2, 6);
        var first = bed.Database.Rows($"FROM {bed.Database.Add(source)}");
        Assert.Equal(first, bed.Database.Rows($"FROM {bed.Database.Add(new BucketRows(columns, paths, 2, 6))}"));
        var files = first.Select(static row => int.Parse(row.Split('|')[0], CultureInfo.InvariantCulture) / 1000).ToArray();
        Assert.Equal(files.Order(), files);
        Assert.Equal(source.EstimatedRows, source.RowsRead);
        Assert.Equal(first.Count, source.RowsRead);
        Assert.True(source.BytesRead > 0);
    }

    [Fact]
    public void No_rows_make_an_empty_file()
    {
        using var bed = new BucketTestbed();
        var path = bed.Write("SELECT 1 AS a, 2 WHERE false", new BucketSettings(10, 1, 4096));
        Assert.Equal(0, BucketIndex.Read(path).Rows);
        Assert.Empty(bed.Database.Rows($"FROM {bed.Source([new("a", DuckDbType.Integer)], 0, 10, path)}"));
    }

    [Fact]
    public void Large_values_come_back_and_leave_no_memory_behind()
    {
        using var bed = new BucketTestbed();
        const string Rows =
            """
            SELECT i AS id,
                   CASE WHEN i = 3 THEN repeat('0123456789abcdef', 2_500_000) WHEN i % 10 = 0 THEN repeat('ab', 40_000) ELSE 'short' END AS words,
                   CASE WHEN i = 5 THEN range(1_000_000) END AS numbers
            FROM range(200) AS r(i)
            """;
        var path = bed.Write($"SELECT *, id FROM ({Rows})", new BucketSettings(16, 1, 16 * 1024));
        Assert.Equal(0, bed.Differences($"FROM {bed.Source(bed.ColumnsOf(Rows), 0, 16, path)}", Rows));
    }

    [Fact]
    public void A_writer_takes_its_blocks_and_gives_back_what_a_large_row_needed()
    {
        using var bed = new BucketTestbed(("threads", "1"));
        var (target, settings) = (new Watched(), new BucketSettings(200, 1, 16 * 1024));
        bed.Database.Connection.RegisterCopyFunction(
            "watched", binding => target.Over(new BucketSink(bed.Folder["watched"], settings, binding.Types, (_, _) => { })));
        bed.Database.Connection.Execute(
            """
            COPY (SELECT i, repeat(md5(i::VARCHAR), (i % 7)::INT) AS t,
                         CASE WHEN i = 200000 THEN range(4_000_000) WHEN i % 2 = 0 THEN range(i % 30) END, i
                  FROM range(400000) AS r(i)) TO 'x' (FORMAT watched)
            """);
        Assert.InRange(target.Usual, 200 * 16 * 1024 / 2, (200 * 16 * 1024 * 5 / 4) + (2 * 1024 * 1024));
        Assert.True(target.Last <= target.Usual + (1024 * 1024), $"{target.Last} bytes in the end, {target.Usual} before the large row");
    }

    [Fact]
    public void Threads_write_at_once()
    {
        using var bed = new BucketTestbed(("threads", "4"), ("preserve_insertion_order", "false"));
        bed.Database.Connection.Execute("CREATE TABLE t AS SELECT i AS id, 'text of ' || i AS words, [i, i] AS l FROM range(500000) AS r(i)");
        var path = bed.Write("SELECT *, id FROM t", new BucketSettings(100, 1, 16 * 1024));
        Assert.Equal(0, bed.Differences($"FROM {bed.Source(bed.ColumnsOf("FROM t"), 0, 100, path)}", "FROM t"));
    }

    [Fact]
    public void Reading_stops_when_it_is_told_to()
    {
        using var bed = new BucketTestbed();
        var path = bed.Write("SELECT i FROM range(100000) AS r(i)", new BucketSettings(1, 0, 4096));
        using var source = new BucketRows([new("i", DuckDbType.BigInt)], [path], 0, 1);
        source.Stop();
        var error = Assert.Throws<DuckDbException>(() => bed.Database.Rows($"FROM {bed.Database.Add(source)}"));
        Assert.IsType<OperationCanceledException>(error.InnerException);
    }

    /// <summary>Looks at what a sink holds: the most in the first half of the rows, and in the end.</summary>
    private sealed class Watched : ICopyTarget, ICopySink
    {
        private BucketSink? _sink;
        private long _rows;

        public long Usual { get; private set; }

        public long Last { get; private set; }

        public Watched Over(BucketSink sink)
        {
            _sink = sink;
            return this;
        }

        public ICopySink Open(string path) => this;

        public void Write(in ChunkReader chunk)
        {
            _sink!.Write(chunk);
            _rows += chunk.Rows;
            Last = _sink.HeldBytes;
            if (_rows < 190_000) Usual = Math.Max(Usual, Last);
        }

        public void Complete() => _sink!.Complete();

        public void Dispose() => _sink?.Dispose();
    }
}
