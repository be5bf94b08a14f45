using System.Collections.Immutable;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using Millrace.Connectors.Files.Source;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;
using static Millrace.Connectors.Tests.Files.Source.FilesRun;

namespace Millrace.Connectors.Tests.Files.Source;

/// <summary>
/// The invariant of splitting: units of random files that are cut again and again, at random and some down to their floor, are together
/// the files' rows, each exactly once. A floor is one row, or one file that only DuckDB can read, and is reached. The seed of a failure
/// is in its message; run it again with MILLRACE_SEED.
/// </summary>
public sealed class FilesSplitTests : IAsyncDisposable
{
    private readonly FilesRun _run = new();

    private readonly IUnitReader _reader = new FilesSourceConnector().OpenReader(
        new SourceContext { Address = "x", Mark = new Mark("source"), BaseDirectory = "/", Connections = 1 });

    [Theory]
    [InlineData("csv")]
    [InlineData("ndjson")]
    [InlineData("json")]
    [InlineData("csv.gz")]
    [InlineData("ndjson.gz")]
    [InlineData("parquet")]
    public async Task Parts_are_the_unit_exactly_once_down_to_the_floor(string kind)
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("MILLRACE_SEED"), CultureInfo.InvariantCulture, out var given) ? given : Random.Shared.Next();
        for (var round = 0; round < 4; round++)
        {
            var random = new Random(seed + round);
            var story = new List<string> { $"MILLRACE_SEED={seed + round}" };
            try
            {
                await CheckAsync(kind, $"r{round}", random, story);
            }
            catch (Exception e)
            {
                Assert.Fail($"{string.Join("\n", story)}\n{e}");
            }
        }
    }

    [Fact]
    public async Task A_giant_record_is_alone_after_few_cuts()
    {
        var text = new StringBuilder("id,note\n");
        for (var i = 0; i < 20_000; i++) text.Append(i).Append(',').Append(i == 19_000 ? $"\"{new string('\n', 4_000_000)}\"" : "some note").Append('\n');
        _run.File("giant.csv", text.ToString());
        await using var source = _run.Open();
        var plan = await _run.PlanAsync(Stream("giant.csv"));
        var unit = (await UnitsAsync(plan))[0];
        var cuts = 0;
        while (unit.EstimatedRows != 1)
        {
            var parts = await source.SplitAsync(Header(plan), UnitOf(unit), CancellationToken.None);
            unit = parts.MaxBy(static part => part.EstimatedBytes)!;
            Assert.True(++cuts < 6, $"{cuts} cuts, and still {unit.Label}");
        }

        Assert.Equal("row 19001 of giant.csv", unit.Label);
        Assert.Equal(4_000_006, (await ReadAsync(_reader, plan, unit, 0))[0].Length);
    }

    [Theory]
    [InlineData("bad.csv")]
    [InlineData("bad.csv.gz")]
    [InlineData("bad.ndjson")]
    [InlineData("bad.json")]
    public async Task A_bad_value_in_a_part_has_its_row_in_the_file(string name)
    {
        const int Bad = 71;
        var rows = Enumerable.Range(0, 100).Select(static i => i == Bad ? "x" : i.ToString(CultureInfo.InvariantCulture)).ToList();
        var text = name.Contains("csv", StringComparison.Ordinal) ? "id,n\n" + string.Concat(rows.Select(static v => $"{v},1\n"))
            : name.EndsWith(".json", StringComparison.Ordinal) ? $"[{string.Join(",\n", rows.Select(static v => $$"""{"id": "{{v}}"}"""))}]"
            : string.Concat(rows.Select(static v => $$"""{"id": "{{v}}"}""" + "\n"));
        _run.File(name, name.EndsWith(".gz", StringComparison.Ordinal) ? Gzip(Encoding.UTF8.GetBytes(text)) : Encoding.UTF8.GetBytes(text));
        var plan = await _run.PlanAsync(Stream(name) with { Types = ImmutableSortedDictionary<string, string>.Empty.Add("id", "bigint") });
        await using var source = _run.Open();
        var unit = (await UnitsAsync(plan))[0];
        for (var depth = 0; depth < 4; depth++)
        {
            var parts = await source.SplitAsync(Header(plan), UnitOf(unit), CancellationToken.None);
            var faults = new List<PlannedUnit>();
            foreach (var part in parts)
            {
                try
                {
                    await ReadAsync(_reader, plan, part, 0);
                }
                catch (Fault fault)
                {
                    Assert.Contains($"row {Bad + 1}", fault.Where);
                    faults.Add(part);
                }
            }

            unit = Assert.Single(faults);
        }
    }

    [Fact]
    public async Task A_file_that_changed_is_not_cut()
    {
        _run.File("a.csv", "a,b\n1,2\n3,4\n");
        var plan = await _run.PlanAsync(Stream("a.csv"));
        var unit = (await UnitsAsync(plan))[0];
        _run.File("a.csv", "a,b\n1,2\n3,4\n5,6\n");
        await using var source = _run.Open();
        var fault = await Assert.ThrowsAsync<Fault>(async () => await source.SplitAsync(Header(plan), UnitOf(unit), CancellationToken.None));
        Assert.Contains("changed", fault.Message);
    }

    public async ValueTask DisposeAsync()
    {
        await _reader.DisposeAsync();
        _run.Dispose();
    }

    private async Task CheckAsync(string kind, string folder, Random random, List<string> story)
    {
        var files = random.Next(3) == 0 ? random.Next(2, 6) : 1;
        var shape = new TextShape(random);
        for (var i = 0; i < files; i++)
        {
            var rows = random.Next(4) switch { 0 => random.Next(3), 1 => random.Next(400), _ => random.Next(40) };
            if (kind == "parquet") WriteParquet($"{folder}/{i}.parquet", rows, random);
            else _run.File($"{folder}/{i}.{kind}", kind.EndsWith(".gz", StringComparison.Ordinal) ? Gzip(shape.Text(kind, rows)) : shape.Text(kind, rows));
        }

        // Every stream has one file with rows to find its columns in.
        if (kind == "parquet") WriteParquet($"{folder}/z.parquet", 3, random);
        else _run.File($"{folder}/z.{kind}", kind.EndsWith(".gz", StringComparison.Ordinal) ? Gzip(shape.Text(kind, 3)) : shape.Text(kind, 3));
        story.Add($"{files} files, {shape.Read}");
        var types = ImmutableSortedDictionary<string, string>.Empty.Add("id", "bigint");
        var stream = Stream(folder, shape.Read) with { Partition = new PartitionSpec { Rows = random.Next(2) == 0 ? random.Next(1, 200) : null }, Types = shape.Columns == 1 || kind == "parquet" ? ImmutableSortedDictionary<string, string>.Empty : types };
        var plan = await _run.PlanAsync(stream);
        var expected = await RowsAsync(plan);
        await using var source = _run.Open();
        var leaves = await LeavesAsync(source, plan, expected.Count > 100 ? random : null, story);
        var actual = new List<string>();
        foreach (var (unit, isFloor) in leaves)
        {
            story.Add($"reads {unit.Label}: {unit.Slice}");
            var rows = await ReadAsync(_reader, plan, unit, 1);
            actual.AddRange(rows);
            // What only DuckDB reads and what does not begin in the middle stays whole.
            if (isFloor && rows.Count > 1) Assert.True(shape.IsForDuckDb && (kind == "csv.gz" || shape.Read.Encoding == "utf-16"), $"{rows.Count} rows in {unit.Label}: {unit.Slice}");
        }

        Assert.Equal(expected.Order(StringComparer.Ordinal), actual.Order(StringComparer.Ordinal));
    }

    /// <summary>Cuts units until each is at its floor or, with a random, most of the time earlier: one path goes all the way down.</summary>
    private static async Task<List<(PlannedUnit Unit, bool IsFloor)>> LeavesAsync(ISource source, StreamPlan plan, Random? random, List<string> story)
    {
        var leaves = new List<(PlannedUnit, bool)>();
        var open = new Stack<(PlannedUnit Unit, int Depth, bool Drill)>((await UnitsAsync(plan)).Select(static (unit, i) => (unit, 0, i == 0)));
        var splits = 0;
        while (open.TryPop(out var next))
        {
            if (random is not null && !next.Drill && random.Next(3) < next.Depth)
            {
                leaves.Add((next.Unit, false));
                continue;
            }

            Assert.True(++splits < 2_000, $"it does not end: {next.Unit.Label}");
            var parts = await source.SplitAsync(Header(plan), UnitOf(next.Unit), CancellationToken.None);
            story.Add($"{next.Depth}: {next.Unit.Label} = {string.Join(" + ", parts.Select(static part => part.Label))}");
            if (parts.IsEmpty) leaves.Add((next.Unit, true));
            var drilled = random?.Next(2);
            for (var i = 0; i < parts.Length; i++) open.Push((parts[i], next.Depth + 1, next.Drill && (drilled is null || drilled == i)));
        }

        return leaves;
    }

    private static Unit UnitOf(PlannedUnit part) =>
        new() { Number = 1, Slice = part.Slice, Label = part.Label, EstimatedRows = part.EstimatedRows, EstimatedBytes = part.EstimatedBytes };

    private void WriteParquet(string name, int rows, Random random)
    {
        using var database = DuckDbDatabase.Open(new Dictionary<string, string> { ["threads"] = "1" });
        using var connection = database.Connect();
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_run.Folder, name))!);
        connection.Execute(
            $"COPY (SELECT i AS id, repeat('x', (i * 7919 % 50)::INTEGER) AS note FROM range({rows * 60}) t(i)) TO '{Path.Combine(_run.Folder, name)}' (FORMAT parquet, ROW_GROUP_SIZE {2048 * random.Next(1, 4)})");
    }

    private static byte[] Gzip(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest)) gzip.Write(bytes);
        return packed.ToArray();
    }

    /// <summary>How a stream's text files are written, at random.</summary>
    private sealed class TextShape
    {
        private readonly Random _random;
        private readonly string _delimiter;
        private readonly string _lineEnd;
        private readonly bool _hasBlankLines;
        private readonly bool _hasComments;
        private readonly Encoding _encoding;

        public TextShape(Random random)
        {
            _random = random;
            _delimiter = random.Next(4) == 0 ? "||" : ",";
            _lineEnd = random.Next(3) == 0 ? "\r\n" : "\n";
            _hasComments = random.Next(5) == 0;
            Columns = random.Next(5) == 0 ? 1 : 2;
            _hasBlankLines = Columns > 1 && random.Next(3) == 0;
            _encoding = random.Next(6) switch { 0 => new UnicodeEncoding(bigEndian: false, byteOrderMark: true), 1 => Encoding.Latin1, _ => new UTF8Encoding(false) };
            Read = new ReadOptions
            {
                Delimiter = _delimiter,
                Quote = "\"",
                Escape = "\"",
                Header = true,
                Comment = _hasComments ? "#" : null,
                Encoding = _encoding switch { UnicodeEncoding => "utf-16", UTF8Encoding => "utf-8", _ => "iso-8859-1" },
            };
        }

        public ReadOptions Read { get; private set; }

        public int Columns { get; }

        /// <summary>Whether CSV is of a kind that only DuckDB's reader takes.</summary>
        public bool IsForDuckDb => Columns == 1 || _delimiter.Length > 1;

        public byte[] Text(string kind, int rows)
        {
            var isCsv = kind.StartsWith("csv", StringComparison.Ordinal);
            if (!isCsv) Read = new ReadOptions();
            var text = isCsv ? Csv(rows) : kind.StartsWith("ndjson", StringComparison.Ordinal) ? Ndjson(rows) : $"[{string.Join(",\n ", Enumerable.Range(0, rows).Select(Object))}]";
            var encoding = isCsv ? _encoding : new UTF8Encoding(false);
            return [.. encoding.Preamble, .. encoding.GetBytes(text)];
        }

        private string Csv(int rows)
        {
            var text = new StringBuilder(Columns == 1 ? "id" : $"id{_delimiter}note").Append(_lineEnd);
            for (var i = 0; i < rows; i++)
            {
                if (_hasBlankLines && _random.Next(4) == 0) text.Append(_lineEnd);
                if (_hasComments && _random.Next(4) == 0) text.Append("# a remark, with a comma").Append(_lineEnd);
                text.Append(Columns == 1 ? $"v{i}" : $"{i}{_delimiter}{Note(i)}");
                if (i < rows - 1 || _random.Next(2) == 0) text.Append(_lineEnd);
            }

            return text.ToString();
        }

        private string Ndjson(int rows)
        {
            var text = new StringBuilder();
            for (var i = 0; i < rows; i++)
            {
                if (_random.Next(8) == 0) text.Append(' ').Append(_lineEnd);
                text.Append(Object(i));
                if (i < rows - 1 || _random.Next(2) == 0) text.Append(_lineEnd);
            }

            return text.ToString();
        }

        private string Object(int i) => $$"""{"id": {{i}}, "note": "{{new string('é', _random.Next(10))}}\n"}""";

        private string Note(int i) => _hasComments
            ? $"plain {i}"
            : _random.Next(5) switch
            {
                0 => $"\"a {i}\n{_delimiter} \"\"b\"\"\n\"",
                1 => "\"" + new string('\n', _random.Next(300)) + "\"",
                2 => "",
                _ => $"é {i}",
            };
    }
}
