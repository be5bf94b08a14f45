using System.Text;
using Millrace.Connectors.Files.Splitting;

namespace Millrace.Connectors.Tests.Files.Splitting;

/// <summary>
/// Invariants, for random files and every cut: the ranges are the file after its header, without gap or overlap; each starts at a record
/// start; row numbers and counts are the slow parser's; a file on which the slow parser and quote parity could disagree is one unit.
/// </summary>
public sealed class CsvSplitterProperties : IDisposable
{
    private readonly string path = Path.GetTempFileName();
    private readonly int seed = Environment.TickCount;

    public void Dispose() => File.Delete(path);

    [Fact]
    public async Task Well_formed_files_are_cut_right_at_every_byte()
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        for (var round = 0; round < 60; round++)
        {
            var dialect = RandomDialect(random);
            var text = WellFormed(random, dialect);
            await File.WriteAllBytesAsync(path, text, TestContext.Current.CancellationToken);
            for (var block = 1; block <= text.Length; block++)
            {
                var plan = await Split(dialect, random.Next(3) == 0 ? random.Next(1, 200) : 1, block, random);
                Assert.True(plan.OneUnitReason is null, $"seed {seed}, block {block}, {dialect}: {plan.OneUnitReason}\n{Show(text)}");
                Check(text, dialect, plan, block);
            }
        }
    }

    [Fact]
    public async Task Random_bytes_are_cut_right_or_not_at_all()
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        var cut = 0;
        for (var round = 0; round < 8000; round++)
        {
            var dialect = RandomDialect(random);
            var text = Soup(random, dialect);
            await File.WriteAllBytesAsync(path, text, TestContext.Current.CancellationToken);
            var block = random.Next(1, 400);
            var plan = await Split(dialect, 1, block, random);
            if (plan.OneUnitReason is not null) continue;
            cut += plan.Ranges.Count > 1 ? 1 : 0;
            Check(text, dialect, plan, block);
        }
        Assert.True(cut > 100, $"only {cut} of the random files were cut: the test says nothing");
    }

    [Fact]
    public async Task One_stray_piece_in_a_long_file_is_noticed_or_harmless()
    {
        TestContext.Current.TestOutputHelper?.WriteLine($"seed {seed}");
        var random = new Random(seed);
        string[] strays = ["\"", "'", "\"\"", "\"x", "x\"", "\"\n", "\r", "\r\n", "\n", "\\", "#", ",\"", "||"];
        var refused = 0;
        for (var round = 0; round < 3000; round++)
        {
            var dialect = random.Next(3) == 0 ? RandomDialect(random) : new CsvSplitDialect { Header = false };
            var text = new List<byte>();
            while (text.Count < 600) text.AddRange(WellFormed(random, dialect with { SkipLines = 0 }, last: "\n"));
            text.InsertRange(random.Next(text.Count), Encoding.UTF8.GetBytes(strays[random.Next(strays.Length)]));
            await File.WriteAllBytesAsync(path, [.. text], TestContext.Current.CancellationToken);
            var block = random.Next(1, text.Count);
            var plan = await Split(dialect, 1, block, random);
            if (plan.OneUnitReason is null) Check([.. text], dialect, plan, block);
            else refused++;
        }
        Assert.InRange(refused, 300, 2700);
    }

    private ValueTask<SplitPlan> Split(CsvSplitDialect dialect, long target, long block, Random random) =>
        CsvSplitter.SplitAsync(path, dialect, target, random.Next(1, 4), block, TestContext.Current.CancellationToken);

    private void Check(byte[] text, CsvSplitDialect dialect, SplitPlan plan, long block)
    {
        var what = $"seed {seed}, block {block}, {dialect}, delimiter {Encoding.UTF8.GetString(dialect.Delimiter.Span)}\n{Show(text)}";
        var start = SlowCsv.DataStart(text, dialect);
        Assert.True(start == plan.DataStart, $"data starts at {start}, not {plan.DataStart}; {what}");
        var records = SlowCsv.Records(text, start, dialect);
        long rows = 0;
        long at = start;
        var next = 0;
        foreach (var range in plan.Ranges)
        {
            Assert.True(range.Start == at && range.End > at, $"{range} does not begin at {at}; {what}");
            Assert.True(records[next].Start == at, $"{range} does not begin at a record; {what}");
            Assert.True(range.FirstRow == rows, $"{range} does not begin with row {rows}; {what}");
            while (next < records.Count && records[next].Start < range.End) rows += records[next++].IsRow ? 1 : 0;
            Assert.True(range.FirstRow + range.Rows == rows, $"{range} does not end with row {rows}; {what}");
            at = range.End;
        }
        Assert.True(at == text.Length || (plan.Ranges.Count == 0 && start == text.Length), $"the ranges end at {at}; {what}");
        Assert.True(plan.Rows == rows, $"{plan.Rows} rows instead of {rows}; {what}");
    }

    private static CsvSplitDialect RandomDialect(Random random)
    {
        string[] delimiters = [",", ",", ";", "\t", "||", "|~|", "ab", "§"];
        var quote = random.Next(6) switch { 0 => (byte)'\'', 1 => (byte?)null, _ => (byte)'"' };
        var escape = random.Next(5) switch { 0 => (byte)'\\', 1 => (byte?)null, _ => quote };
        return new CsvSplitDialect
        {
            Delimiter = Encoding.UTF8.GetBytes(delimiters[random.Next(delimiters.Length)]),
            Quote = quote,
            Escape = quote is null ? null : escape,
            Header = random.Next(2) == 0,
            SingleColumn = random.Next(4) == 0,
            Comment = random.Next(6) == 0 ? (byte)'#' : null,
            SkipLines = random.Next(5) == 0 ? random.Next(1, 3) : 0,
        };
    }

    private static byte[] WellFormed(Random random, CsvSplitDialect dialect, string? last = null)
    {
        var text = new StringBuilder(random.Next(5) == 0 && last is null ? "\uFEFF" : "");
        var newline = last ?? (random.Next(2) == 0 ? "\n" : "\r\n");
        var delimiter = Encoding.UTF8.GetString(dialect.Delimiter.Span);
        for (var i = 0; i < dialect.SkipLines; i++) text.Append("skipped line").Append(newline);
        var records = random.Next(1, 12);
        var columns = dialect.SingleColumn ? 1 : random.Next(2, 4);
        for (var i = 0; i < records; i++)
        {
            for (var c = 0; c < columns; c++)
            {
                if (c > 0) text.Append(delimiter);
                text.Append(Field(random, dialect));
            }
            if (i < records - 1 || random.Next(2) == 0) text.Append(newline);
            if (random.Next(6) == 0 && i < records - 1) text.Append(newline);
            if (dialect is { Comment: not null, Quote: null } && random.Next(3) == 0) text.Append("# a comment").Append(newline);
        }
        if (last is not null && (text.Length == 0 || text[^1] != '\n')) text.Append(last);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static string Field(Random random, CsvSplitDialect dialect)
    {
        string[] plain = ["", "x", "zz", "é", "日本", "a long plain field that crosses words", "1.5", "🙂", "x y"];
        if (dialect.Quote is not { } q || random.Next(2) == 0) return plain[random.Next(plain.Length)];
        var quote = ((char)q).ToString();
        var escaped = dialect.Escape is { } e ? (char)e + quote : "";
        string[] parts = ["\n", "\r\n", "\r", ",", ";", "||", "ab", "§", "x", "é", "日本", "\n\n", escaped, escaped + "\n", " "];
        var field = new StringBuilder(quote);
        for (var i = random.Next(6); i > 0; i--) field.Append(parts[random.Next(parts.Length)]);
        if (dialect.Escape == (byte)'\\' && random.Next(3) == 0) field.Append("\\\\");
        return field.Append(quote).ToString();
    }

    private static byte[] Soup(Random random, CsvSplitDialect dialect)
    {
        var delimiter = Encoding.UTF8.GetString(dialect.Delimiter.Span);
        var quote = dialect.Quote is { } q ? ((char)q).ToString() : "\"";
        string[] parts =
        [
            "\n", "\n", "\n", "x", "é", delimiter, delimiter, delimiter[..1], quote, quote + delimiter, quote + "\n", "\n" + quote, delimiter + quote,
            "\\", "#", " ", "\r", "\r\n", quote + quote, "long enough to fill a good part of a word",
        ];
        var length = random.Next(1, 60);
        var kinds = random.Next(4, parts.Length + 1);
        var text = new StringBuilder();
        for (var i = 0; i < length; i++) text.Append(parts[random.Next(kinds)]);
        return Encoding.UTF8.GetBytes(text.ToString());
    }

    private static string Show(byte[] text) =>
        Encoding.UTF8.GetString(text).Replace("\r", "␍", StringComparison.Ordinal).Replace("\n", "␊\n", StringComparison.Ordinal);
}
