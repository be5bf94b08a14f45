using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Millrace.Connectors.Files.Source;
using Millrace.Connectors.Files.Source.Text;
using Millrace.DuckDb;

namespace Millrace.Connectors.Tests.Files.Source.Text;

/// <summary>Random records through the quick readers, in buffers that end anywhere.</summary>
public sealed class TextTableTests
{
    private const int Rows = 3_000;

    private static readonly string[] s_pieces =
        ["a", "text", " ", ",", "\"", "\n", "\r\n", "é", "漢字", "😀", "'", "\\", "\t", "null", "0", "x,y", "\"\"", "\u00a0", "a longer piece of text"];

    [Theory]
    [InlineData("\n", true)]
    [InlineData("\r\n", true)]
    [InlineData("\n", false)]
    public void CSV_records_are_what_was_written(string lineEnd, bool endsWithLineEnd)
    {
        var (random, seed) = Seeded();
        var rows = Enumerable.Range(0, Rows).Select(i => (Id: (long)i, Note: Words(random), Amount: random.Next(5) == 0 ? null : (double?)(random.Next(-99_999, 99_999) / 100.0))).ToList();
        var text = new StringBuilder("\uFEFFid,note,amount").Append(lineEnd);
        foreach (var (id, note, amount) in rows)
        {
            if (random.Next(50) == 0) text.Append(lineEnd);
            var needs = note.Length == 0 || note.AsSpan().ContainsAny(",\"\n\r") || random.Next(4) == 0;
            text.Append(CultureInfo.InvariantCulture, $"{id},{(needs ? $"\"{note.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : note)},{amount}").Append(lineEnd);
        }

        if (!endsWithLineEnd) text.Length -= lineEnd.Length;
        var dialect = new CsvDialect { Delimiter = ",", Quote = "\"", Escape = "\"", Header = true, NullWords = [""] };
        var read = Read(text.ToString(), random, buffer => new CsvRecords(buffer, dialect, 3), [0, 1, 2]);
        AssertSame(rows.Select(row => $"{row.Id}|{row.Note}|{(row.Amount is { } a ? Print(a) : "NULL")}"), read, seed);
    }

    [Fact]
    public void NDJSON_records_are_what_was_written()
    {
        var (random, seed) = Seeded();
        var rows = Enumerable.Range(0, Rows).Select(i => (Id: (long)i, Note: random.Next(6) == 0 ? null : Words(random), Amount: random.Next(5) == 0 ? null : (double?)(random.Next(-99_999, 99_999) / 100.0))).ToList();
        var text = new StringBuilder();
        foreach (var (id, note, amount) in rows)
        {
            var members = new List<string>
            {
                $"\"id\": {id}",
                note is null && random.Next(2) == 0 ? "" : $"\"note\": {(note is null ? "null" : JsonSerializer.Serialize(note))}",
                amount is null && random.Next(2) == 0 ? "" : $"\"amount\": {(amount is { } a ? Print(a) : "null")}",
            };
            members.RemoveAll(member => member.Length == 0);
            if (random.Next(3) == 0) members.Reverse();
            text.Append(random.Next(9) == 0 ? " " : "").Append('{').AppendJoin(',', members).Append('}').Append(random.Next(3) == 0 ? "\r\n" : "\n");
            if (random.Next(50) == 0) text.Append("  \n");
        }

        var read = Read(text.ToString().TrimEnd(), random, buffer => new NdjsonRecords(buffer, [("id", false), ("note", false), ("amount", false)]), []);
        AssertSame(rows.Select(row => $"{row.Id}|{row.Note ?? "NULL"}|{(row.Amount is { } a ? Print(a) : "NULL")}"), read, seed);
    }

    [Theory]
    [InlineData("1,a,2,3\n")]
    [InlineData("1,a\n")]
    [InlineData("1,a\"b,2\n")]
    [InlineData("1,\"ab\n")]
    [InlineData("1,\"a\"b,2\n")]
    [InlineData("1, \"a\",2\n")]
    [InlineData("1,a\rb,2\n")]
    public void CSV_that_is_unusual_is_said_to_be(string record)
    {
        var dialect = new CsvDialect { Delimiter = ",", Quote = "\"", Escape = "\"", Header = true, NullWords = [""] };
        var error = Assert.Throws<DuckDbException>(() => Read("id,note,amount\n" + record, new Random(1), buffer => new CsvRecords(buffer, dialect, 3), [0, 1, 2]));
        Assert.IsType<UnusualText>(error.InnerException);
    }

    [Theory]
    [InlineData("[1]")]
    [InlineData("{\"id\": 1} {\"id\": 2}")]
    [InlineData("{\"id\": 1, \"id\": 2}")]
    [InlineData("{\"other\": 1}")]
    [InlineData("{\"id\": 1")]
    [InlineData("{\"note\": \"\\ud800\"}")]
    public void NDJSON_that_is_unusual_is_said_to_be(string line)
    {
        var error = Assert.Throws<DuckDbException>(() =>
            Read(line + "\n", new Random(1), buffer => new NdjsonRecords(buffer, [("id", false), ("note", false), ("amount", false)]), []));
        Assert.IsType<UnusualText>(error.InnerException);
    }

    /// <summary>Among rows whose texts are left to SQL, which a broken record must not leave behind, and in parts that begin at any row.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Broken_records_are_told_with_their_number(bool isCsv)
    {
        var (random, seed) = Seeded();
        var text = new StringBuilder(isCsv ? "id,note,amount\n" : "");
        var expected = new List<string>();
        for (var i = 1; i <= Rows; i++)
        {
            var note = random.Next(1000).ToString(CultureInfo.InvariantCulture);
            var line = random.Next(4) switch
            {
                0 => isCsv ? $"0{i},\"a \"\"{note}\"\"\"" : $"{{\"id\":0.{i},\"amount\":\"x\",\"extra\":{{\"a\":\"{note}\"}}}}",
                1 => isCsv ? $"x{i},{note},1e,,x" : $"[\"{note}\"]",
                2 => isCsv ? $"{i},{note},x" : $"{{\"id\":{i},\"note\":\"{note}\",\"amount\":\"x\"}}",
                _ => isCsv ? $"{i},{note}," : $"{{\"note\":\"{note}\",\"id\":{i}}}",
            };
            var isBroken = isCsv ? !line.StartsWith($"{i},", StringComparison.Ordinal) : !line.Contains($"\"id\":{i}", StringComparison.Ordinal);
            expected.Add(isBroken ? $"{i}|NULL|NULL|NULL|NULL|{line}" : $"{i}|{i}|{note}|NULL|{(line.Contains('x', StringComparison.Ordinal) ? "x" : "NULL")}|NULL");
            text.Append(line).Append('\n');
        }

        var dialect = new CsvDialect { Delimiter = ",", Quote = "\"", Escape = "\"", Header = true, NullWords = [""] };
        var from = random.Next(Rows);
        foreach (var part in (SliceRange?[])[null, new SliceRange(0, from, 0, from, ByRow: true), new SliceRange(from, long.MaxValue, from, Rows - from, ByRow: true)])
        {
            var broken = new BrokenRecords();
            var read = Read(
                text.ToString(), random,
                buffer => isCsv ? new CsvRecords(buffer, dialect, 3, broken) : new NdjsonRecords(buffer, [("id", false), ("note", false), ("amount", false)], broken),
                [0, 1, 2], broken, part);
            AssertSame(part is null ? expected : part.Start == 0 ? expected[..from] : expected[from..], read, seed);
        }
    }

    private static List<string> Read(string text, Random random, Func<TextBuffer, IRecordReader> records, int[] columns) =>
        Read(text, random, records, columns, null, null);

    private static List<string> Read(string text, Random random, Func<TextBuffer, IRecordReader> records, int[] columns, BrokenRecords? broken, SliceRange? part)
    {
        var file = new TextFile("/file", () => new Trickle(Encoding.UTF8.GetBytes(text), random), FromStart: true, columns, part);
        var buffer = new TextBuffer();
        using var table = new TextTable(
            [file], buffer, records(buffer),
            [
                (TextColumn.For(DuckDbType.BigInt, isUsual: true, emptyIsNull: true), DuckDbType.BigInt),
                (TextColumn.For(DuckDbType.Varchar, isUsual: true, emptyIsNull: true), DuckDbType.Varchar),
                (TextColumn.For(DuckDbType.Double, isUsual: true, emptyIsNull: true), DuckDbType.Double),
            ],
            broken);
        using var database = DuckDbDatabase.Open(new Dictionary<string, string> { ["threads"] = "1" });
        using var connection = database.Connect();
        var tables = new TableRegistry("millrace_text");
        tables.Attach(connection);
        var (_, call) = tables.Add(table);
        var rows = new List<string>();
        if (broken is not null)
        {
            using var told = connection.Query(
                $"SELECT concat_ws('|', \"{UnitScan.Row}\", coalesce(c0::VARCHAR, r0, 'NULL'), coalesce(c1, 'NULL'), coalesce(c2::VARCHAR, 'NULL'), coalesce(r2, 'NULL'),"
                + $" coalesce(\"{UnitScan.Record}\", 'NULL')) FROM {call} WHERE (\"{UnitScan.Record}\" IS NULL) = (\"{UnitScan.Broken}\" IS NULL)");
            while (told.Read()) rows.Add(told.GetText(0)!);
            return rows;
        }

        using var result = connection.Query($"SELECT CASE WHEN r0 IS NULL THEN c0 ELSE error('r0') END, c1, CASE WHEN r2 IS NULL THEN c2 ELSE error('r2') END FROM {call}");
        while (result.Read())
            rows.Add(string.Create(CultureInfo.InvariantCulture, $"{result.GetInt64(0)}|{result.GetText(1) ?? "NULL"}|{(result.IsNull(2) ? "NULL" : Print(result.GetDouble(2)))}"));
        return rows;
    }

    private static string Print(double number) => number.ToString("R", CultureInfo.InvariantCulture);

    private static string Words(Random random) => string.Concat(Enumerable.Range(0, random.Next(0, 6)).Select(_ => s_pieces[random.Next(s_pieces.Length)]));

    private static (Random Random, int Seed) Seeded()
    {
        var seed = Environment.TickCount;
        return (new Random(seed), seed);
    }

    private static void AssertSame(IEnumerable<string> expected, List<string> found, int seed)
    {
        var at = 0;
        foreach (var row in expected)
        {
            Assert.True(at < found.Count, $"seed {seed}: only {found.Count} rows");
            Assert.True(row == found[at], $"seed {seed}, row {at}: wrote {row}, read {found[at]}");
            at++;
        }

        Assert.Equal(at, found.Count);
    }

    /// <summary>A stream that gives a few bytes at a time.</summary>
    private sealed class Trickle(byte[] bytes, Random random) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(buffer.Length, random.Next(1, 200))]);
    }
}
