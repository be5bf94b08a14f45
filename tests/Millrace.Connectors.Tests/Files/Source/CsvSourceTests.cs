using System.Collections.Immutable;
using System.IO.Compression;
using System.Text;
using Millrace.Faults;
using Millrace.Jobs;
using static Millrace.Connectors.Tests.Files.Source.FilesRun;

namespace Millrace.Connectors.Tests.Files.Source;

public sealed class CsvSourceTests : IDisposable
{
    private readonly FilesRun _run = new();

    [Fact]
    public async Task Types_are_those_that_every_value_of_the_sample_keeps()
    {
        _run.File("a.csv", "id,zip,price,day,at,tz,flag,sex,name\n1,00501,1.50,2024-02-29,2024-01-01 10:00:00,2024-01-01T10:00:00+02:00,true,F,a\n2,90210,2,2024-03-01,2024-01-01 10:00:00.5,2024-01-01T10:00:00Z,false,T,\n");
        var plan = await _run.PlanAsync(Stream("a.csv"));
        Assert.Equal(
            ["BIGINT", "VARCHAR", "DOUBLE", "DATE", "TIMESTAMP", "TIMESTAMP WITH TIME ZONE", "BOOLEAN", "VARCHAR", "VARCHAR"],
            plan.Columns.Select(column => column.Type));
        Assert.Equal(
            ["1|00501|1.5|2024-02-29|2024-01-01 10:00:00|2024-01-01 08:00:00+00|true|F|a", "2|90210|2.0|2024-03-01|2024-01-01 10:00:00.5|2024-01-01 10:00:00+00|false|T|NULL"],
            await RowsAsync(plan));
    }

    [Fact]
    public async Task Each_of_a_thousand_columns_has_the_type_of_its_own_values()
    {
        // More columns than are looked at together, and values that only rows behind the first ones have.
        (string First, string Last, string Type)[] kinds =
        [
            ("1", "2", "BIGINT"), ("", "", "VARCHAR"), ("1", "1.5", "DOUBLE"), ("", "2024-02-29", "DATE"), ("true", "x", "VARCHAR"), ("10:00:00", "", "TIME"),
        ];
        var columns = Enumerable.Range(0, 1_100).Select(i => kinds[i % kinds.Length]).ToArray();
        var first = string.Concat(Enumerable.Repeat(string.Join(',', columns.Select(static column => column.First)) + "\n", 600));
        _run.File("wide.csv", $"{string.Join(',', columns.Select(static (_, i) => $"c{i}"))}\n{first}{string.Join(',', columns.Select(static column => column.Last))}\n");

        var plan = await _run.PlanAsync(Stream("wide.csv"));

        Assert.Equal(columns.Select(static column => column.Type), plan.Columns.Select(static column => column.Type));
    }

    [Theory]
    [InlineData("1", "007")]
    [InlineData("1", "1.5")]
    [InlineData("1", "1e3")]
    [InlineData("1", "99999999999999999999")]
    [InlineData("1.5", "12345678901234567.89")]
    [InlineData("1.5", "1e400")]
    [InlineData("1.5", "007.5")]
    [InlineData("2024-01-01", "2024-01-01 10:00:00")]
    [InlineData("2024-01-01", "01/02/2024")]
    [InlineData("2024-01-01 10:00:00", "2024-01-01 10:00:00+02:00")]
    [InlineData("2024-01-01 10:00:00", "2024-01-01 10:00:00.1234567")]
    [InlineData("true", "t")]
    [InlineData("10:00:00", "10:00:00.1234567")]
    public async Task A_later_value_that_its_type_would_bend_is_refused_with_its_place(string sampled, string later)
    {
        var rows = string.Concat(Enumerable.Range(1, Limits.SampleRowsMax + 100).Select(i => $"{i},{sampled}\n"));
        _run.File("big.csv", $"n,value\n{rows}x,{later}\n".Replace("x,", "7,"));
        var fault = await _run.FaultAsync(Stream("big.csv"));
        Assert.Equal(FaultKind.Data, fault.Kind);
        Assert.Equal(FaultSide.Source, fault.Side);
        Assert.False(fault.Retryable);
        Assert.Contains("big.csv", fault.Where);
        Assert.Contains($"row {Limits.SampleRowsMax + 101:N0}", fault.Where);
        Assert.Contains("column value", fault.Where);
        Assert.Contains($"'{later}'", fault.Message);
        Assert.Contains("types: {value: text}", fault.Advice);
    }

    [Theory]
    [InlineData("0.30000000000000004", "DOUBLE")]
    [InlineData("1.2345678901234567e-05", "DOUBLE")]
    [InlineData("123456789012345678", "BIGINT")]
    [InlineData("123456789012345678901", "VARCHAR")]
    [InlineData("12345678901234567.89", "VARCHAR")]
    [InlineData("1.10", "DOUBLE")]
    [InlineData("+5", "DOUBLE")]
    [InlineData("01.5", "VARCHAR")]
    [InlineData("nan", "VARCHAR")]
    [InlineData("01/02/2024", "VARCHAR")]
    [InlineData("2024-1-5", "VARCHAR")]
    [InlineData("infinity", "VARCHAR")]
    [InlineData("0x1F", "VARCHAR")]
    [InlineData("1_000", "VARCHAR")]
    public async Task What_would_not_come_back_as_it_was_stays_text(string value, string type)
    {
        _run.File("a.csv", $"v,w\n{value},1\n");
        Assert.Equal(type, (await _run.PlanAsync(Stream("a.csv"))).Columns[0].Type);
    }

    [Fact]
    public async Task Types_that_are_asked_for_take_other_spellings_but_no_other_values()
    {
        _run.File("a.csv", "a,b,c,d\n007,1.50,t,1e3\n+5,2.500,no,2\n");
        var stream = Stream("a.csv") with { Types = Map(("a", "int"), ("b", "decimal(10,2)"), ("c", "boolean"), ("d", "double")) };
        Assert.Equal(["7|1.50|true|1000.0", "5|2.50|false|2.0"], await _run.RowsAsync(stream));

        _run.File("b.csv", "b\n1.505\n");
        var fault = await _run.FaultAsync(Stream("b.csv") with { Types = Map(("b", "decimal(10,2)")) });
        Assert.Contains("'1.505'", fault.Message);
        Assert.Contains("row 1, column b", fault.Where);
    }

    [Theory]
    [InlineData(false, "utf-8", "\n")]
    [InlineData(true, "utf-8", "\r\n")]
    [InlineData(false, "iso-8859-1", "\r\n")]
    [InlineData(false, "windows-1252", "\n")]
    [InlineData(true, "utf-16", "\n")]
    [InlineData(true, "utf-16BE", "\r\n")]
    public async Task Encodings_and_line_ends(bool mark, string encoding, string lineEnd)
    {
        Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);
        var text = string.Join(lineEnd, "\"id\",\"name\"", "1,\"Zoë, \"\"x\"\"\"", "2,\"two" + lineEnd + "lines\"", "3,é", "");
        var coding = Encoding.GetEncoding(encoding);
        _run.File("a.csv", [.. mark ? coding.GetPreamble() : [], .. coding.GetBytes(text)]);
        var stream = Stream("a.csv", new ReadOptions { Encoding = encoding == "utf-8" ? null : encoding });
        Assert.Equal(["1|Zoë, \"x\"", $"2|two{lineEnd}lines", "3|é"], await _run.RowsAsync(stream));
    }

    [Theory]
    [InlineData("gz")]
    [InlineData("zst")]
    public async Task Packed_files(string packing)
    {
        var text = "id,name\n" + string.Concat(Enumerable.Range(0, 50_000).Select(i => $"{i},name {i * 7919 % 1000}\n"));
        _run.File("a.csv." + packing, packing == "gz" ? Gzip(text) : Zstd(text));
        var rows = await _run.RowsAsync(Stream("a.csv." + packing));
        Assert.Equal(50_000, rows.Count);
        Assert.Contains("49999|name " + (49_999 * 7919 % 1000), rows);
    }

    [Theory]
    [InlineData("gz", 0.5)]
    [InlineData("gz", 0.999)]
    [InlineData("zst", 0.5)]
    [InlineData("zst", 0.999)]
    public async Task A_packed_file_that_was_cut_off_is_refused(string packing, double part)
    {
        var text = "line\n" + string.Concat(Enumerable.Range(0, 100_000).Select(i => $"{i * 7919L % 1_000_003}\n"));
        var bytes = packing == "gz" ? Gzip(text) : Zstd(text);
        _run.File("a.csv." + packing, bytes[..(int)(bytes.Length * part)]);
        var fault = await _run.FaultAsync(Stream("a.csv." + packing));
        Assert.Equal(FaultKind.Data, fault.Kind);
        Assert.Contains("a.csv." + packing, fault.Where);
    }

    [Fact]
    public async Task Gzip_of_several_members_with_damage_in_the_last()
    {
        var bytes = Gzip("a\n1\n").Concat(Gzip("2\n")).ToArray();
        _run.File("two.csv.gz", bytes);
        Assert.Equal(["1", "2"], await _run.RowsAsync(Stream("two.csv.gz")));
        bytes[^6] ^= 0xFF;
        _run.File("two.csv.gz", bytes);
        Assert.Equal(FaultKind.Data, (await _run.FaultAsync(Stream("two.csv.gz"))).Kind);
    }

    [Fact]
    public async Task An_empty_text_is_no_number_where_other_words_mean_null()
    {
        _run.File("a.csv", "id,name\n1,a\nNA,b\n\"\",c\n");
        var only = new ReadOptions { NullWords = ["NA"], Header = true };
        var stream = Stream("a.csv", only) with { Types = ImmutableSortedDictionary<string, string>.Empty.Add("id", "bigint") };
        var fault = await _run.FaultAsync(stream);
        Assert.Contains("row 3, column id", fault.Where);
        var both = stream with { Read = only with { NullWords = ["NA", ""] } };
        Assert.Equal(["1|a", "NULL|b", "NULL|c"], await _run.RowsAsync(both));
    }

    [Fact]
    public async Task Ragged_rows_are_refused_or_padded()
    {
        _run.File("a.csv", "a,b\n1,2\n3\n4,5\n");
        var fault = await _run.FaultAsync(Stream("a.csv", new ReadOptions { Delimiter = ",", Header = true }));
        Assert.Contains("row 2", fault.Where);
        Assert.Contains("expected 2", fault.Message);
        Assert.Contains("ragged", fault.Advice);
        Assert.Equal(["1|2", "3|NULL", "4|5"], await _run.RowsAsync(Stream("a.csv", new ReadOptions { Ragged = "pad" })));
    }

    [Fact]
    public async Task Null_words_and_empty_texts()
    {
        _run.File("a.csv", "n,t\n1,\n,\"\"\nNA,NA\n3,\"NA\"\n");
        Assert.Equal(["1|NULL", "NULL|", "NA|NA", "3|NA"], await _run.RowsAsync(Stream("a.csv")));
        Assert.Equal(["1|NULL", "NULL|", "NULL|NULL", "3|NA"], await _run.RowsAsync(Stream("a.csv", new ReadOptions { NullWords = ["", "NA"] })));
    }

    [Fact]
    public async Task Decimal_commas_and_formats()
    {
        _run.File("a.csv", "x;d;t\n1,5;31.12.2024;31.12.2024 10:30\n-2,25;01.02.2024;01.02.2024 00:00\n");
        var stream = Stream("a.csv", new ReadOptions { Delimiter = ";", Decimal = ",", DateFormat = "%d.%m.%Y", TimestampFormat = "%d.%m.%Y %H:%M" });
        Assert.Equal(["1.5|2024-12-31|2024-12-31 10:30:00", "-2.25|2024-02-01|2024-02-01 00:00:00"], await _run.RowsAsync(stream));
        var money = stream with { Types = Map(("x", "decimal(10,2)")) };
        Assert.Equal(["1.50", "-2.25"], await _run.RowsAsync(money with { Columns = ["x"] }));
    }

    [Fact]
    public async Task Comment_lines_are_left_out_and_nothing_else()
    {
        _run.File("a.csv", "# made by x\na,b\n1,2#3\n#4,5\n6,\"\n#7\"\n");
        Assert.Equal(["1|2#3", "6|\n#7"], await _run.RowsAsync(Stream("a.csv", new ReadOptions { Comment = "#", Delimiter = ",", Header = true })));
    }

    [Fact]
    public async Task Quotes_that_only_later_rows_have()
    {
        var rows = string.Concat(Enumerable.Range(0, Limits.SampleRowsMax + 10).Select(i => $"{i},x\n"));
        _run.File("a.csv", $"a,b\n{rows}1,\"y, z\"\n");
        Assert.Equal("1|y, z", (await _run.RowsAsync(Stream("a.csv")))[^1]);
    }

    [Fact]
    public async Task Columns_by_name_over_many_files()
    {
        _run.File("in/1.csv", "a,b\n1,x\n").File("in/2.csv", "b,a\ny,2\n").File("in/3.csv", "a,c\n3,2024-01-01\n");
        Assert.Equal(["1|x|NULL", "2|y|NULL", "3|NULL|2024-01-01"], (await _run.RowsAsync(Stream("in/*.csv"))).Order());
        var fault = await _run.FaultAsync(Stream("in/*.csv", new ReadOptions { MissingColumns = "fail" }));
        Assert.Contains("1.csv", fault.Where);
        Assert.Contains("\"c\"", fault.Message);
    }

    [Fact]
    public async Task A_column_that_no_sampled_file_has_is_refused_by_name()
    {
        for (var i = 10; i < 10 + (Limits.SampleFilesMax * 3); i++) _run.File($"in/{i}.csv", i == 11 ? "a,extra\n1,2\n" : "a\n1\n");
        var fault = await _run.FaultAsync(Stream("in"));
        Assert.Contains("11.csv", fault.Where);
        Assert.Contains("\"extra\"", fault.Message);
        Assert.Contains("types: {extra: text}", fault.Advice);
        var rows = await _run.RowsAsync(Stream("in") with { Types = Map(("extra", "text")) });
        Assert.Contains("1|2", rows);
        Assert.Contains("1|NULL", rows);
    }

    [Fact]
    public async Task Hive_folders_and_the_file_name()
    {
        _run.File("d/year=2023/day=2023-01-05/name=a%20b/x.csv", "v\n1\n").File("d/year=2024/day=2024-01-05/name=__HIVE_DEFAULT_PARTITION__/y.csv.gz", Gzip("v\n2\n"));
        var plan = await _run.PlanAsync(Stream("d/**", new ReadOptions { FileNameColumn = "file" }));
        Assert.Equal(["BIGINT", "BIGINT", "DATE", "VARCHAR", "VARCHAR"], plan.Columns.Select(column => column.Type));
        Assert.Equal(
            ["1|2023|2023-01-05|a b|d/year=2023/day=2023-01-05/name=a%20b/x.csv", "2|2024|2024-01-05|NULL|d/year=2024/day=2024-01-05/name=__HIVE_DEFAULT_PARTITION__/y.csv.gz"],
            await RowsAsync(plan));
    }

    [Fact]
    public async Task A_file_that_changes_between_plan_and_reading_is_refused()
    {
        _run.File("a.csv", "a\n1\n");
        var plan = await _run.PlanAsync(Stream("a.csv"));
        _run.File("a.csv", "a\n1\n2\n");
        var fault = await Assert.ThrowsAsync<Fault>(() => RowsAsync(plan));
        Assert.Equal((FaultKind.Data, FaultSide.Source, false), (fault.Kind, fault.Side, fault.Retryable));
        Assert.Contains("changed while the run was reading it", fault.Message);
        Assert.Contains("a.csv", fault.Where);
    }

    [Fact]
    public async Task Columns_rename_and_where()
    {
        _run.File("a.csv", "id,amount,Note\n1,5.5,x\n2,0.5,y\n3,7.5,z\n");
        var stream = Stream("a.csv") with { Columns = ["note", "id"], Rename = Map(("id", "key")), Where = "amount > 1 -- only these" };
        var plan = await _run.PlanAsync(stream);
        Assert.Equal(["Note", "key"], plan.Columns.Select(column => column.Name));
        Assert.Equal(["x|1", "z|3"], await RowsAsync(plan));
        Assert.Equal(["1|5.5", "2|0.5", "3|7.5"], await _run.RowsAsync(Stream("a.csv") with { Columns = ["*", "-Note"] }));
    }

    [Theory]
    [InlineData("amount >")]
    [InlineData("nothing > 1")]
    [InlineData("true) UNION ALL SELECT 1 WHERE (true")]
    [InlineData("true); DROP TABLE x; SELECT (true")]
    [InlineData("id in (select 1 from read_csv('/etc/passwd'))")]
    public async Task A_where_that_is_no_condition_is_refused(string where)
    {
        _run.File("a.csv", "id,amount\n1,5.5\n");
        var fault = await _run.FaultAsync(Stream("a.csv") with { Where = where });
        Assert.Equal(FaultKind.JobFile, fault.Kind);
    }

    [Fact]
    public async Task Mistakes_in_the_job_name_key_and_column()
    {
        _run.File("a.csv", "id,amount\n1,5.5\n");
        Assert.Contains("'nope'", (await _run.FaultAsync(Stream("a.csv") with { Columns = ["nope"] })).Message);
        Assert.Contains("'nope'", (await _run.FaultAsync(Stream("a.csv") with { Rename = Map(("nope", "x")) })).Message);
        Assert.Contains("'integerr'", (await _run.FaultAsync(Stream("a.csv") with { Types = Map(("id", "integerr")) })).Message);
        Assert.Equal(FaultKind.Refused, (await _run.FaultAsync(Stream("b.csv"))).Kind);
    }

    [Fact]
    public async Task A_value_of_forty_megabytes()
    {
        _run.File("a.csv", "id,v\n1,a\n2," + new string('x', 40_000_000) + "\n3,c\n");
        var rows = await _run.RowsAsync(Stream("a.csv") with { Columns = ["id"] });
        Assert.Equal(["1", "2", "3"], rows);
    }

    [Fact]
    public async Task Names_with_every_kind_of_character()
    {
        _run.File("o'dd [1]*.csv", "\"a \"\"b\"\"; ž\",select,select,\n1,2,3,4\n").File("o'dd [1]x.csv", "no\n9\n");
        var plan = await _run.PlanAsync(Stream("s"), Path.Combine(_run.Folder, "o'dd [1]*.csv"));
        Assert.Equal(["a \"b\"; ž", "select", "select_1", "column3"], plan.Columns.Select(column => column.Name));
        Assert.Equal(["1|2|3|4"], await RowsAsync(plan));
    }

    [Fact]
    public async Task Empty_files()
    {
        _run.File("in/a.csv", "").File("in/b.csv", "x\n1\n").File("in/c.csv", "x\n");
        Assert.Equal(["1"], await _run.RowsAsync(Stream("in")));
        Assert.Equal(FaultKind.Data, (await _run.FaultAsync(Stream("in/a.csv"))).Kind);
    }

    [Fact]
    public async Task No_header()
    {
        _run.File("a.csv", "1,x\n2,y\n");
        var plan = await _run.PlanAsync(Stream("a.csv", new ReadOptions { Header = false }));
        Assert.Equal(["column0", "column1"], plan.Columns.Select(column => column.Name));
        Assert.Equal(["1|x", "2|y"], await RowsAsync(plan));
    }

    public void Dispose() => _run.Dispose();

    internal static byte[] Gzip(string text)
    {
        using var memory = new MemoryStream();
        using (var gzip = new GZipStream(memory, CompressionLevel.Fastest)) gzip.Write(Encoding.UTF8.GetBytes(text));
        return memory.ToArray();
    }

    /// <summary>DuckDB packs for us: .NET has no zstd.</summary>
    internal static byte[] Zstd(string text)
    {
        var folder = Directory.CreateTempSubdirectory("millrace-zstd-").FullName;
        try
        {
            System.IO.File.WriteAllText(Path.Combine(folder, "t"), text);
            using var database = DuckDb.DuckDbDatabase.Open(new Dictionary<string, string> { ["threads"] = "1" });
            using var connection = database.Connect();
            connection.Execute($"COPY (SELECT * FROM read_csv('{folder}/t', header = false, delim = chr(1), quote = '', escape = '', auto_detect = false, columns = {{l: 'VARCHAR'}})) TO '{folder}/z' (FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIM '\u0001', COMPRESSION zstd)");
            return System.IO.File.ReadAllBytes(Path.Combine(folder, "z"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static ImmutableSortedDictionary<string, string> Map(params (string Key, string Value)[] pairs) =>
        pairs.ToImmutableSortedDictionary(pair => pair.Key, pair => pair.Value);
}
