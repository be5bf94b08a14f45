namespace Millrace.DuckDb.Tests.Buckets;

/// <summary>Files whose blocks lie in a store have the rows of those on a disk, in the same order, however far a reader goes ahead.</summary>
public sealed class StoredBucketTests
{
    private const int Rows = 20_000;
    private const int Buckets = 32;

    private const string Select =
        """
        SELECT i AS place, CASE WHEN i % 7 > 0 THEN 'text ' || repeat('x', (i % 60)::INT) END AS words, hash(i) AS noise, [i, NULL] AS list
        FROM range(20000) AS r(i)
        """;

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    [InlineData(5_000_000)]
    public void A_sorted_file_has_the_same_rows_and_each_bucket_in_one_piece(int pieceBytes)
    {
        using var bed = new BucketTestbed(("threads", "1"));
        var path = bed.Write($"SELECT *, place % 977 FROM ({Select})", new BucketSettings(Buckets, 1, 2048));
        var sorted = StoredFiles.Sort(path, pieceBytes);
        var columns = bed.ColumnsOf(Select);
        Assert.Equal(0, bed.Differences($"FROM {bed.Source(columns, 0, Buckets, sorted)}", Select));
        Assert.Equal(bed.Database.Rows($"SELECT place FROM {bed.Source(columns, 5, 6, path)}"), bed.Database.Rows($"SELECT place FROM {bed.Source(columns, 5, 6, sorted)}"));

        using var file = new LocalBlockFile(sorted);
        using var list = BlockList.Read(file);
        var blocks = list.Entries.ToArray();
        Assert.True(blocks.Length > 2 * Buckets, "buckets have several blocks");
        Assert.Equal(blocks.Select(static block => block.Offset).Order(), blocks.Select(static block => block.Offset));
        for (var i = 1; i < blocks.Length; i++) Assert.Equal(blocks[i - 1].Offset + blocks[i - 1].Stored, blocks[i].Offset);
        Assert.Equal(new FileInfo(path).Length, new FileInfo(sorted).Length);
        using var frame = BlockFrame.TryOpen(sorted + ".index", "it")!;
        Assert.Equal(file.Length, frame.Length);
        using var framed = BlockList.Read(frame);
        Assert.Equal(blocks, framed.Entries.ToArray());
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3_000, 1_000, 2)]
    [InlineData(100_000, 20_000, 3)]
    [InlineData(8_000_000, 1_000_000, 16)]
    public void Rows_come_in_the_same_order_however_far_the_reader_goes_ahead(long bytesMax, int requestBytesMax, int filesMax)
    {
        using var bed = new BucketTestbed(("threads", "1"));
        var paths = Spread(bed, files: 7, Buckets);
        var columns = bed.ColumnsOf(Select);
        var files = new StoredFiles(new ReadAhead(bytesMax, requestBytesMax, filesMax));
        foreach (var (first, end, range, order) in (ReadOnlySpan<(int, int, RowRange?, MergeOrder?)>)
            [
                (0, Buckets, null, null), (3, 9, null, null), (4, 5, new RowRange(0, 7), null), (4, 5, new RowRange(201, 150), null), (4, 5, new RowRange(0, 1_000_000), null),
                (0, Buckets, null, new MergeOrder(0, long.MaxValue, MergeBy.File)), (7, 12, null, new MergeOrder(0, long.MaxValue, MergeBy.File)),
                (0, Buckets, null, new MergeOrder(0, long.MaxValue)), (4, 5, null, new MergeOrder(0, 1)), (4, 5, new RowRange(99, 333), new MergeOrder(0, long.MaxValue)),
                (0, Buckets, null, new MergeOrder(0, 200_000)), (0, Buckets, null, new MergeOrder(0, 200_000, MergeBy.Bucket)), (2, 9, null, new MergeOrder(0, long.MaxValue, MergeBy.Bucket)),
            ])
        {
            var local = bed.Database.Rows($"SELECT place, words, noise FROM {bed.Database.Add(new BucketRows(columns, paths, first, end, range: range, order: order))}");
            using var source = new BucketRows(columns, paths, first, end, range: range, order: order, files: files);
            Assert.Equal(local, bed.Database.Rows($"SELECT place, words, noise FROM {bed.Database.Add(source)}"));
            Assert.Equal(local.Count, source.RowsRead);
        }

        Assert.Equal(0, bed.Differences($"FROM {bed.Database.Add(new BucketRows(columns, paths, 0, Buckets, files: files))}", Select));
        Assert.Equal(Rows, new BucketRows(columns, paths, 0, Buckets, files: files).EstimatedRows);
        Assert.Equal(Rows, BucketIndex.ReadAll(paths, files).Sum(static index => index.Rows));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Portions_go_on_one_behind_the_other(bool merged)
    {
        using var bed = new BucketTestbed(("threads", "1"));
        var paths = Spread(bed, files: 5, buckets: 1);
        var columns = bed.ColumnsOf(Select);
        var files = new StoredFiles(new ReadAhead(10_000, 3_000, 2));
        using var rows = new BucketRows(columns, paths, 0, 1, order: merged ? new MergeOrder(0, long.MaxValue) : null, portion: 7001, files: files);
        var source = bed.Database.Add(rows);
        var all = new List<string>();
        for (var i = 0; i < 3; i++) all.AddRange(bed.Database.Rows($"SELECT place FROM {source}"));
        Assert.Equal(Rows, all.Distinct().Count());
        Assert.Equal(Rows, rows.RowsRead);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Neighbouring_buckets_of_a_file_take_one_request(bool merged)
    {
        using var bed = new BucketTestbed(("threads", "1"));
        var paths = Spread(bed, files: 4, Buckets);
        var files = new StoredFiles(new ReadAhead(8_000_000, 1_000_000, 2));
        var order = merged ? new MergeOrder(0, long.MaxValue, MergeBy.File) : (MergeOrder?)null;
        using var source = new BucketRows(bed.ColumnsOf(Select), paths, 3, 19, order: order, files: files);
        bed.Database.Rows($"FROM {bed.Database.Add(source)}");
        Assert.Equal(4, files.Requests.Count);
        Assert.Equal(paths.Order(), files.Requests.Select(static request => request.Name).Order());
        Assert.Equal(source.BytesRead, files.Requests.Sum(static request => request.Length));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Values_larger_than_a_reader_may_hold_are_read(bool merged)
    {
        using var bed = new BucketTestbed(("threads", "1"));
        const string Large = "SELECT i AS place, CASE WHEN i % 20 = 0 THEN (SELECT string_agg(hash(i * 100000 + j), '') FROM range(20000) AS s(j)) ELSE 'v' || i END AS v FROM range(100) AS r(i)";
        var paths = Enumerable.Range(0, 3).Select(f => StoredFiles.Sort(bed.Write($"SELECT *, place FROM ({Large}) WHERE place % 3 = {f}", new BucketSettings(4, 1, 2048)), 10_000)).ToArray();
        var files = new StoredFiles(new ReadAhead(20_000, 10_000, 2));
        var order = merged ? new MergeOrder(0, long.MaxValue) : (MergeOrder?)null;
        Assert.Equal(0, bed.Differences($"FROM {bed.Database.Add(new BucketRows(bed.ColumnsOf(Large), paths, 0, 4, order: order, files: files))}", Large));
        Assert.Contains(files.Requests, static request => request.Length > 100_000);
    }

    [Fact]
    public async Task What_a_reader_has_asked_for_keeps_its_bound()
    {
        using var bed = new BucketTestbed(("threads", "1"));
        var paths = Spread(bed, files: 6, Buckets);
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var asked = new SemaphoreSlim(0);
        var files = new StoredFiles(new ReadAhead(40_000, 4_000, 3))
        {
            Meets = async (_, _) =>
            {
                asked.Release();
                await gate.Task;
            },
        };
        using var source = new BucketRows(bed.ColumnsOf(Select), paths, 0, Buckets, files: files);
        var reading = Task.Run(() => bed.Database.Rows($"SELECT place FROM {bed.Database.Add(source)}"), TestContext.Current.CancellationToken);
        // None has come, and the reader has asked for others all the same.
        for (var i = 0; i < 4; i++) await asked.WaitAsync(TestContext.Current.CancellationToken);
        Assert.InRange(files.Requests.Sum(static request => request.Length), 4, 40_000);
        gate.SetResult();
        Assert.Equal(Rows, (await reading).Count);
        Assert.All(files.Requests, static request => Assert.InRange(request.Length, 1, 4_000));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_request_that_fails_ends_the_reading_with_its_error(bool merged)
    {
        using var bed = new BucketTestbed(("threads", "1"));
        var paths = Spread(bed, files: 4, Buckets);
        var files = new StoredFiles(new ReadAhead(100_000, 5_000, 2)) { Meets = (name, _) => name == paths[2] ? throw new TimeoutException("the store is gone") : Task.CompletedTask };
        using var source = new BucketRows(bed.ColumnsOf(Select), paths, 0, Buckets, order: merged ? new MergeOrder(0, long.MaxValue) : null, files: files);
        var error = Assert.Throws<DuckDbException>(() => bed.Database.Rows($"FROM {bed.Database.Add(source)}"));
        Assert.Equal("the store is gone", Assert.IsType<TimeoutException>(error.InnerException).Message);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_reader_that_waits_for_the_store_can_be_stopped(bool merged)
    {
        using var bed = new BucketTestbed(("threads", "1"));
        var paths = Spread(bed, files: 4, Buckets);
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var files = new StoredFiles(new ReadAhead(100_000, 5_000, 2))
        {
            Meets = async (_, cancel) =>
            {
                asked.TrySetResult();
                await Task.Delay(Timeout.Infinite, cancel);
            },
        };
        using var source = new BucketRows(bed.ColumnsOf(Select), paths, 0, Buckets, order: merged ? new MergeOrder(0, long.MaxValue) : null, files: files);
        var reading = Task.Run(() => bed.Database.Rows($"FROM {bed.Database.Add(source)}"), TestContext.Current.CancellationToken);
        await asked.Task;
        source.Stop();
        await Assert.ThrowsAsync<DuckDbException>(() => reading);
    }

    [Fact]
    public void A_block_that_was_changed_in_the_store_is_named()
    {
        using var bed = new BucketTestbed(("threads", "1"));
        var paths = Spread(bed, files: 2, Buckets);
        var bytes = File.ReadAllBytes(paths[1]);
        bytes[bytes.Length / 3] ^= 4;
        File.WriteAllBytes(paths[1], bytes);
        using var source = new BucketRows(bed.ColumnsOf(Select), paths, 0, Buckets, files: new StoredFiles(new ReadAhead(100_000, 5_000, 2)));
        var error = Assert.Throws<DuckDbException>(() => bed.Database.Rows($"FROM {bed.Database.Add(source)}"));
        Assert.StartsWith($"store:{Path.GetFileName(paths[1])}", Assert.IsType<BucketFileException>(error.InnerException).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_damaged_file_is_not_sorted()
    {
        using var bed = new BucketTestbed(("threads", "1"));
        var path = bed.Write($"SELECT *, place FROM ({Select})", new BucketSettings(Buckets, 1, 2048));
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 3] ^= 4;
        File.WriteAllBytes(path, bytes);
        Assert.Throws<BucketFileException>(() => StoredFiles.Sort(path, 100));
    }

    private static string[] Spread(BucketTestbed bed, int files, int buckets) =>
        [.. Enumerable.Range(0, files).Select(f => StoredFiles.Sort(bed.Write($"SELECT *{(buckets > 1 ? ", place % 977" : "")} FROM ({Select}) WHERE hash(place // 100) % {files} = {f}", new BucketSettings(buckets, buckets > 1 ? 1 : 0, 2048)), 10_000))];
}
