using System.Text;
using Millrace.Connectors.Files.Splitting;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Testing;

namespace Millrace.Connectors.Tests.Files.Splitting;

/// <summary>Pieces of files, read by DuckDB through pipes.</summary>
public sealed class RangePipeTests : IDisposable
{
    private const int Rows = 60_000;

    private readonly TempFolder folder = new();
    private readonly DuckDbDatabase database = DuckDbDatabase.Open([new("threads", "2"), new("memory_limit", "200MB")]);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        database.Dispose();
        folder.Dispose();
    }

    [Fact]
    public async Task Ranges_of_a_csv_file_give_its_rows_once()
    {
        var path = WriteCsv();
        var plan = await CsvSplitter.SplitAsync(path, new CsvSplitDialect(), 300_000, 2, Cancel);
        Assert.True(plan.OneUnitReason is null && plan.Ranges.Count > 5, plan.OneUnitReason);
        Assert.Equal(Rows, plan.Rows);
        long sum = 0, lengths = 0;
        foreach (var range in plan.Ranges)
        {
            await using var pipe = RangePipe.Open(path, plan.Stamp, [range]);
            var (rows, ids, characters, first) = Query($"SELECT count(*), sum(id)::BIGINT, sum(length(note))::BIGINT, min(id) FROM {Csv(pipe.Paths[0])}");
            await pipe.CompleteAsync(Cancel);
            Assert.Equal(range.Rows, rows);
            Assert.Equal(range.FirstRow, first);
            Assert.Equal(range.Bytes, pipe.Bytes);
            sum += ids;
            lengths += characters;
        }
        var whole = Query($"SELECT count(*), sum(id)::BIGINT, sum(length(note))::BIGINT, min(id) FROM read_csv('{path}', header = true, {CsvOptions})");
        Assert.Equal((Rows, sum, lengths, 0), whole);
    }

    [Fact]
    public async Task Many_pieces_of_ndjson_are_one_relation()
    {
        var path = folder["a.ndjson"];
        using (var connection = database.Connect())
            connection.Execute($"COPY (SELECT i AS id, repeat('é', i::INT % 50) AS note FROM range({Rows}) t(i)) TO '{path}' (FORMAT json)");
        var plan = await NdjsonSplitter.SplitAsync(path, "utf-8", 300_000, 2, Cancel);
        Assert.True(plan.Ranges.Count > 5);
        await using var pipe = RangePipe.Open(path, plan.Stamp, [.. plan.Ranges]);
        var paths = string.Join(", ", pipe.Paths.Select(p => $"'{p}'"));
        var options = "format = 'newline_delimited', auto_detect = false, columns = {'id': 'BIGINT', 'note': 'VARCHAR'}";
        var (rows, ids, _, _) = Query($"SELECT count(*), sum(id)::BIGINT, sum(length(note))::BIGINT, min(id) FROM read_json([{paths}], {options})");
        await pipe.CompleteAsync(Cancel);
        Assert.Equal(Rows, rows);
        Assert.Equal((long)Rows * (Rows - 1) / 2, ids);
        Assert.Equal(plan.Rows, rows);
    }

    [Fact]
    public async Task Each_piece_begins_with_the_prefix()
    {
        var path = folder.Write("a.csv", "1,x\n2,y\n");
        await using var pipe = RangePipe.Open(path, Stamp(path), [new ByteRange(4, 8, 1, 1)], "id,note\n"u8.ToArray());
        Assert.Equal("id,note\n2,y\n", await File.ReadAllTextAsync(pipe.Paths[0], Cancel));
        await pipe.CompleteAsync(Cancel);
    }

    [Fact]
    public async Task A_query_that_fails_early_leaves_no_feeder_behind()
    {
        var path = WriteCsv();
        var whole = new ByteRange(0, new FileInfo(path).Length, 0, Rows);
        var pipe = RangePipe.Open(path, Stamp(path), [whole, whole, whole]);
        Assert.Throws<DuckDbException>(() => Query($"SELECT count(*), sum(length(error(note)::VARCHAR))::BIGINT, 0, 0 FROM {Csv(pipe.Paths[0])}"));
        await pipe.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30), Cancel);
        Assert.Null(pipe.Failure);
        Assert.True(pipe.Bytes < 3 * whole.Bytes);
    }

    [Fact]
    public async Task A_pipe_that_nobody_opens_can_be_disposed()
    {
        var path = WriteCsv();
        var pipe = RangePipe.Open(path, Stamp(path), [new ByteRange(0, new FileInfo(path).Length, 0, Rows)]);
        await pipe.DisposeAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30), Cancel);
    }

    [Fact]
    public async Task Bytes_that_were_not_all_read_are_no_success()
    {
        var path = WriteCsv();
        await using var pipe = RangePipe.Open(path, Stamp(path), [new ByteRange(0, new FileInfo(path).Length, 0, Rows)]);
        var fault = await Assert.ThrowsAsync<Fault>(() => pipe.CompleteAsync(Cancel));
        Assert.Equal(path, fault.Where);
    }

    [Fact]
    public async Task A_file_that_was_cut_fails_the_unit_though_the_query_ends_well()
    {
        var path = folder.Write("a.csv", "1,x\n2,y\n");
        var stamp = Stamp(path);
        // The range speaks of bytes that are not there: what a file shows that is cut after it was opened.
        await using var pipe = RangePipe.Open(path, stamp, [new ByteRange(0, 4000, 0, 1000)]);
        Assert.Equal(2, Query($"SELECT count(*), 0, 0, 0 FROM {Csv(pipe.Paths[0])}").Rows);
        var fault = await Assert.ThrowsAsync<Fault>(() => pipe.CompleteAsync(Cancel));
        Assert.Equal((FaultKind.Data, FaultSide.Source, false, path), (fault.Kind, fault.Side, fault.Retryable, fault.Where));
    }

    [Fact]
    public async Task A_file_that_changes_meanwhile_is_refused()
    {
        var path = folder.Write("a.csv", "1,x\n2,y\n");
        var stamp = Stamp(path);
        await using (var pipe = RangePipe.Open(path, stamp, [new ByteRange(0, 8, 0, 2)]))
        {
            Query($"SELECT count(*), 0, 0, 0 FROM {Csv(pipe.Paths[0])}");
            File.SetLastWriteTimeUtc(path, new DateTime(stamp.ModifiedTicks, DateTimeKind.Utc).AddSeconds(1));
            var fault = await Assert.ThrowsAsync<Fault>(() => pipe.CompleteAsync(Cancel));
            Assert.Equal((FaultKind.Data, false, path), (fault.Kind, fault.Retryable, fault.Where));
        }
        Assert.Throws<Fault>(() => RangePipe.Open(path, stamp, [new ByteRange(0, 8, 0, 2)]));
    }

    [Fact]
    public void A_missing_file_is_refused_by_name()
    {
        var fault = Assert.Throws<Fault>(() => RangePipe.Open(folder["no.csv"], default, [new ByteRange(0, 8, 0, 2)]));
        Assert.Equal((FaultKind.Refused, FaultSide.Source, folder["no.csv"]), (fault.Kind, fault.Side, fault.Where));
    }

    private const string CsvOptions =
        "auto_detect = false, delim = ',', quote = '\"', escape = '\"', columns = {'id': 'BIGINT', 'note': 'VARCHAR'}, buffer_size = 4194304, max_line_size = 1048576";

    private static string Csv(string path) => $"read_csv('{path}', header = false, {CsvOptions})";

    private static FileStamp Stamp(string path)
    {
        using var file = FileStamp.Open(path);
        return FileStamp.Of(file);
    }

    private string WriteCsv()
    {
        var text = new StringBuilder("id,note\n");
        for (var i = 0; i < Rows; i++)
        {
            text.Append(i).Append(',');
            if (i % 3 == 0) text.Append("\"line\n").Append(i).Append(",\"\"é\"\"\"");
            else text.Append("plain 日本 text ").Append(i);
            text.Append('\n');
        }
        return folder.Write("a.csv", text.ToString());
    }

    private (long Rows, long Sum, long Lengths, long First) Query(string sql)
    {
        using var connection = database.Connect();
        using var result = connection.Query(sql);
        Assert.True(result.Read());
        return (result.GetInt64(0), result.GetInt64(1), result.GetInt64(2), result.GetInt64(3));
    }
}
