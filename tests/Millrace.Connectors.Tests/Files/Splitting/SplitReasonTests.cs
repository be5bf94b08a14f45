using System.Text;
using Millrace.Connectors.Files.Splitting;
using Millrace.Faults;
using Millrace.Testing;

namespace Millrace.Connectors.Tests.Files.Splitting;

/// <summary>What makes a file one unit, and how the plan says so.</summary>
public sealed class SplitReasonTests : IDisposable
{
    private static readonly CsvSplitDialect NoHeader = new() { Header = false };

    private readonly TempFolder folder = new();

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("1,5\" disk\n2,6\" disk\n", "quote at byte 3")]
    [InlineData("1,\"a\"b\n2,c\n", "quote at byte 4")]
    [InlineData("1, \"a\nb\"\n", "quote at byte 3")]
    [InlineData("1,a\r2,b\r", "\\r alone")]
    [InlineData("1,a\n2,b\r\n", "some records end in \\n and some in \\r\\n")]
    [InlineData("1,\"a\n2,b\n", "not closed")]
    [InlineData("\"1\"\"2\",\"\"\"\"\n3,\"\n\"\n", null)]
    [InlineData("1,a\n2,b", null)]
    public async Task A_file_that_readers_could_disagree_on_is_one_unit(string text, string? reason)
    {
        var plan = await CsvSplitter.SplitAsync(folder.Write("a.csv", text), NoHeader, 1, 1, Cancel);
        if (reason is null)
        {
            Assert.Null(plan.OneUnitReason);
            return;
        }
        Assert.Contains(reason, plan.OneUnitReason);
        Assert.Equal([new ByteRange(0, text.Length, 0, -1)], plan.Ranges);
        Assert.Equal(-1, plan.Rows);
    }

    [Theory]
    [InlineData("utf-16")]
    [InlineData("shift-jis")]
    [InlineData("gbk")]
    public async Task An_encoding_that_hides_line_ends_is_one_unit(string encoding)
    {
        var path = folder.Write("a.csv", "1,a\n2,b\n");
        Assert.Contains(encoding, (await CsvSplitter.SplitAsync(path, NoHeader with { Encoding = encoding }, 1, 1, Cancel)).OneUnitReason);
        Assert.Contains(encoding, (await NdjsonSplitter.SplitAsync(path, encoding, 1, 1, Cancel)).OneUnitReason);
    }

    [Fact]
    public async Task A_byte_order_mark_of_utf_16_is_one_unit()
    {
        await File.WriteAllTextAsync(folder["a.csv"], "1,a\n2,b\n", Encoding.Unicode, Cancel);
        Assert.Contains("UTF-16", (await CsvSplitter.SplitAsync(folder["a.csv"], NoHeader, 1, 1, Cancel)).OneUnitReason);
    }

    [Fact]
    public async Task Files_without_rows_have_no_ranges()
    {
        foreach (var text in (string[])["", "a,b", "a,b\n", "\uFEFFa,b\r\n"])
        {
            var plan = await CsvSplitter.SplitAsync(folder.Write("a.csv", text), new CsvSplitDialect(), 1, 1, Cancel);
            Assert.Empty(plan.Ranges);
            Assert.Equal((0, null), (plan.Rows, plan.OneUnitReason));
        }
    }

    [Fact]
    public async Task Ranges_come_close_to_the_target()
    {
        var path = folder.Write("a.csv", "a,b\n" + string.Concat(Enumerable.Repeat("1,\"x\ny\"\n", 100_000)));
        var plan = await CsvSplitter.SplitAsync(path, new CsvSplitDialect(), 100_000, 2, Cancel);
        Assert.All(plan.Ranges, range => Assert.InRange(range.Bytes, 25_000, 125_100));
        Assert.Equal((100_000, 8), (plan.Rows, plan.Ranges.Count));
    }

    [Fact]
    public async Task A_missing_file_is_refused_by_name()
    {
        var fault = await Assert.ThrowsAsync<Fault>(async () => await CsvSplitter.SplitAsync(folder["no.csv"], NoHeader, 1, 1, Cancel));
        Assert.Equal((FaultKind.Refused, folder["no.csv"]), (fault.Kind, fault.Where));
    }
}
