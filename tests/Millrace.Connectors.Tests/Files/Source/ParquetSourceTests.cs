using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using static Millrace.Connectors.Tests.Files.Source.FilesRun;

namespace Millrace.Connectors.Tests.Files.Source;

public sealed class ParquetSourceTests : IDisposable
{
    private readonly FilesRun _run = new();

    [Fact]
    public async Task Row_groups_of_one_file_are_units_and_together_the_file()
    {
        Write("a.parquet", "SELECT i AS id, 'x' || i AS s FROM range(100000) t(i)", "ROW_GROUP_SIZE 2048");
        var small = await _run.PlanAsync(Stream("a.parquet"));
        Assert.Equal((100_000L, 1L, PartitionBy.None), (small.EstimatedRows, small.EstimatedUnits, small.Strategy));

        var plan = await Cut("a.parquet", 10_000);
        var units = await UnitsAsync(plan);
        Assert.Equal((PartitionBy.RowGroups, 10), (plan.Strategy, units.Count));
        Assert.Equal(100_000, units.Sum(unit => unit.EstimatedRows));
        Assert.Equal(Enumerable.Range(0, 100_000).Select(i => $"{i}|x{i}"), await RowsAsync(plan));
    }

    [Fact]
    public async Task Only_the_row_groups_of_a_unit_are_read()
    {
        Write("a.parquet", "SELECT i AS id, md5(i::VARCHAR) AS s FROM range(200000) t(i)", "ROW_GROUP_SIZE 10240");
        var plan = await Cut("a.parquet", 20_000);
        var units = await UnitsAsync(plan);
        await using var reader = new Connectors.Files.Source.FilesSourceConnector().OpenReader(
            new Planning.SourceContext { Address = "x", Mark = new Mark("source"), BaseDirectory = "/", Connections = 1 });
        var rows = await ReadAsync(reader, plan, units[3], 3);
        Assert.Equal(units[3].EstimatedRows, rows.Count);
    }

    [Fact]
    public async Task Columns_by_name_over_files_with_narrower_types()
    {
        Write("in/1.parquet", "SELECT 1::BIGINT AS a, 'x' AS b");
        Write("in/2.parquet", "SELECT 'y' AS b, 2::INTEGER AS a");
        Write("in/3.parquet", "SELECT 3::SMALLINT AS a");
        Assert.Equal(["1|x", "2|y", "3|NULL"], (await _run.RowsAsync(Stream("in"))).Order());
        Write("in/4.parquet", "SELECT 'text' AS a");
        var fault = await _run.FaultAsync(Stream("in"));
        Assert.Contains("4.parquet", fault.Where);
        Assert.Contains("\"a\"", fault.Message);
    }

    [Fact]
    public async Task A_later_file_of_another_type_is_refused()
    {
        for (var i = 10; i < 10 + (Limits.SampleFilesMax * 3); i++) Write($"in/{i}.parquet", i == 11 ? "SELECT 1.5::DOUBLE AS a" : "SELECT 1::INTEGER AS a");
        var fault = await _run.FaultAsync(Stream("in"));
        Assert.Equal(FaultKind.Data, fault.Kind);
        Assert.Contains("11.parquet", fault.Where);
        Assert.Contains("DOUBLE", fault.Message);
    }

    [Theory]
    [InlineData("INTERVAL '14 months 3 days 1.5 seconds'", "VARCHAR", "P14M3DT1.500000S")]
    [InlineData("'\\xAA\\x00'::BLOB", "BLOB", "\\xAA\\x00")]
    [InlineData("TIME '10:00:00'", "TIME", "10:00:00")]
    [InlineData("{'a': 1, 'b': [1.5]}", "STRUCT(\"a\" INTEGER, \"b\" DECIMAL(2,1)[])", "{'a': 1, 'b': [1.5]}")]
    [InlineData("MAP {'k': 1}", "MAP(VARCHAR, INTEGER)", "{k=1}")]
    [InlineData("'a'::ENUM('a','b')", "VARCHAR", "a")]
    [InlineData("uuid '00000000-0000-0000-0000-00000000000a'", "UUID", "00000000-0000-0000-0000-00000000000a")]
    [InlineData("TIMESTAMP_NS '2024-01-01 00:00:00.123456789'", "TIMESTAMP_NS", "2024-01-01 00:00:00.123456789")]
    [InlineData("12345678901234567890::UBIGINT", "UBIGINT", "12345678901234567890")]
    [InlineData("1.5::DECIMAL(38,10)", "DECIMAL(38,10)", "1.5000000000")]
    public async Task Types_into_parquet(string value, string type, string text)
    {
        Write("a.parquet", $"SELECT {value} AS v");
        var plan = await _run.PlanAsync(Stream("a.parquet"));
        Assert.Equal(type, plan.Columns[0].Type);
        Assert.Equal([text], await RowsAsync(plan));
    }

    [Theory]
    [InlineData("'\\xAA\\x00'::BLOB", "\\xaa00")]
    [InlineData("{'a': 1, 'b': [1.5]}", "{\"a\":1,\"b\":[1.5]}")]
    [InlineData("[1, NULL]", "[1,null]")]
    public async Task Types_into_plain_text(string value, string text)
    {
        _run.Traits = Plain;
        Write("a.parquet", $"SELECT {value} AS v");
        var plan = await _run.PlanAsync(Stream("a.parquet"));
        Assert.Equal("VARCHAR", plan.Columns[0].Type);
        Assert.Equal([text], await RowsAsync(plan));
    }

    [Theory]
    [InlineData("'infinity'::DATE", "infinity")]
    [InlineData("'-infinity'::TIMESTAMP", "-infinity")]
    [InlineData("'24:00:00'::TIME", "24:00:00")]
    [InlineData("'nan'::DOUBLE", "nan")]
    public async Task Values_that_the_target_can_not_hold(string value, string text)
    {
        _run.Traits = Plain;
        Write("a.parquet", $"SELECT i, CASE WHEN i = 7 THEN {value} END AS v FROM range(10) t(i)");
        var fault = await _run.FaultAsync(Stream("a.parquet"));
        Assert.Equal(FaultKind.Data, fault.Kind);
        Assert.Contains("a.parquet, row 8, column v", fault.Where);
        Assert.Contains($"'{text}'", fault.Message);
    }

    [Fact]
    public async Task Asked_types_keep_values_or_refuse()
    {
        Write("a.parquet", "SELECT 1.5::DOUBLE AS a, '007' AS b, 300 AS c");
        Assert.Equal(["1.50|7|300"], await _run.RowsAsync(Stream("a.parquet") with { Types = Map(("a", "decimal(10,2)"), ("b", "int"), ("c", "text")) }));
        Assert.Contains("column a", (await _run.FaultAsync(Stream("a.parquet") with { Types = Map(("a", "bigint")) })).Where);
        Assert.Contains("column c", (await _run.FaultAsync(Stream("a.parquet") with { Types = Map(("c", "utinyint")) })).Where);
    }

    [Fact]
    public async Task Many_small_files_are_grouped_in_order()
    {
        for (var i = 0; i < 30; i++) Write($"in/p={i % 3}/{i:00}.parquet", $"SELECT {i} AS a");
        var plan = await _run.PlanAsync(Stream("in/**/*.parquet", new ReadOptions { FileNameColumn = "file" }));
        Assert.Equal((PartitionBy.Files, 1), (plan.Strategy, plan.EstimatedUnits));
        var rows = await RowsAsync(plan);
        Assert.Equal(30, rows.Count);
        Assert.Contains("4|1|in/p=1/04.parquet", rows);
    }

    [Fact]
    public async Task Golden_files_are_read_right_and_damaged_ones_refused_by_name()
    {
        var folder = Golden();
        foreach (var path in Directory.GetFiles(folder, "*.parquet").Order(StringComparer.Ordinal))
        {
            var stream = Stream(Path.GetFileName(path));
            if (Path.GetFileName(path).StartsWith("bad_", StringComparison.Ordinal))
            {
                var fault = await _run.FaultAsync(stream, folder);
                Assert.Equal(FaultKind.Data, fault.Kind);
                Assert.Contains(Path.GetFileName(path), fault.Where);
                continue;
            }

            var rows = await _run.RowsAsync(stream, folder);
            Assert.Equal(Rows($"SELECT * FROM read_parquet('{path}')"), rows.Count);
        }
    }

    public void Dispose() => _run.Dispose();

    internal static string Golden()
    {
        var folder = Environment.GetEnvironmentVariable("MILLRACE_GOLDEN");
        for (var at = AppContext.BaseDirectory; folder is null && at is not null; at = Path.GetDirectoryName(at))
        {
            var beside = Path.Combine(at, "..", "shared", "golden");
            if (System.IO.File.Exists(Path.Combine(at, "Millrace.slnx")) && Directory.Exists(beside)) folder = Path.GetFullPath(beside);
        }

        var found = folder is not null && Directory.Exists(Path.Combine(folder, "parquet"));
        Assert.SkipWhen(!found && Environment.GetEnvironmentVariable("CI") != "true", "no golden files: set MILLRACE_GOLDEN to their folder");
        Assert.True(found, "the golden files are missing");
        return Path.Combine(folder!, "parquet");
    }

    private static ImmutableSortedDictionary<string, string> Map(params (string Key, string Value)[] pairs) =>
        pairs.ToImmutableSortedDictionary(pair => pair.Key, pair => pair.Value);

    private Task<Planning.StreamPlan> Cut(string name, long rows) => _run.PlanAsync(Stream(name) with { Partition = new PartitionSpec { Rows = rows } });

    private static long Rows(string sql)
    {
        using var database = DuckDbDatabase.Open();
        using var connection = database.Connect();
        using var result = connection.Query($"SELECT count(*) FROM ({sql})");
        return result.Read() ? result.GetInt64(0) : -1;
    }

    private void Write(string name, string select, string options = "ROW_GROUP_SIZE 122880")
    {
        var path = Path.Combine(_run.Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        using var database = DuckDbDatabase.Open(new Dictionary<string, string> { ["threads"] = "1" });
        using var connection = database.Connect();
        connection.Execute($"COPY ({select}) TO '{path}' (FORMAT parquet, {options})");
    }
}
