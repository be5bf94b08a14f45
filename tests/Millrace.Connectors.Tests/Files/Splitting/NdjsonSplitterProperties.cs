using System.Text;
using Millrace.Connectors.Files.Splitting;

namespace Millrace.Connectors.Tests.Files.Splitting;

/// <summary>Invariants: ranges are the file, start at line starts, and count the lines that hold anything but white space.</summary>
public sealed class NdjsonSplitterProperties : IDisposable
{
    private readonly string path = Path.GetTempFileName();

    public void Dispose() => File.Delete(path);

    [Fact]
    public async Task Every_cut_gives_the_same_rows()
    {
        var seed = Environment.TickCount;
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var round = 0; round < 80; round++)
        {
            var text = RandomLines(random);
            await File.WriteAllBytesAsync(path, text, TestContext.Current.CancellationToken);
            var start = text.AsSpan().StartsWith((ReadOnlySpan<byte>)[0xEF, 0xBB, 0xBF]) ? 3 : 0;
            for (var block = 1; block <= text.Length; block++)
            {
                var plan = await NdjsonSplitter.SplitAsync(path, "utf-8", 1, 2, block, TestContext.Current.CancellationToken);
                Check(text, start, plan, $"seed {seed}, block {block}\n{Encoding.UTF8.GetString(text)}");
            }
        }
    }

    private static void Check(byte[] text, int start, SplitPlan plan, string what)
    {
        Assert.Null(plan.OneUnitReason);
        long at = start;
        long rows = 0;
        foreach (var range in plan.Ranges)
        {
            Assert.True(range.Start == at && range.End > at, $"{range} does not begin at {at}; {what}");
            Assert.True(at == start || text[at - 1] == '\n', $"{range} does not begin at a line; {what}");
            Assert.True(range.FirstRow == rows, $"{range} does not begin with row {rows}; {what}");
            rows += Encoding.UTF8.GetString(text, (int)at, (int)range.Bytes).Split('\n').Count(line => line.Trim(" \t\r\v\f".ToCharArray()).Length > 0);
            Assert.True(range.FirstRow + range.Rows == rows, $"{range} does not end with row {rows}; {what}");
            at = range.End;
        }
        Assert.Equal(text.Length, at);
        Assert.Equal(rows, plan.Rows);
    }

    private static byte[] RandomLines(Random random)
    {
        string[] lines = ["{}", "{\"a\":\"x\\n\"}", "", " ", "\t\v", "\r", "{\"é\":1}\r", "  {}", "{} ", new string(' ', 70), new string('x', 90), "\f "];
        var text = new StringBuilder(random.Next(4) == 0 ? "\uFEFF" : "").Append("{}");
        for (var i = random.Next(14); i > 0; i--) text.Append('\n').Append(lines[random.Next(lines.Length)]);
        if (random.Next(2) == 0) text.Append('\n');
        return Encoding.UTF8.GetBytes(text.ToString());
    }
}
