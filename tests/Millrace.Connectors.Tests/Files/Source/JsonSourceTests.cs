using System.Collections.Immutable;
using System.Text;
using Millrace.Faults;
using Millrace.Jobs;
using static Millrace.Connectors.Tests.Files.Source.FilesRun;

namespace Millrace.Connectors.Tests.Files.Source;

public sealed class JsonSourceTests : IDisposable
{
    private readonly FilesRun _run = new();

    [Fact]
    public async Task Keys_become_columns_and_nothing_is_bent()
    {
        _run.File("a.ndjson", "{\"id\": 1, \"s\": \"007\", \"d\": \"2024-01-01\", \"t\": \"2024-01-01T10:00:00\", \"f\": 1.5, \"b\": true, \"o\": {\"x\": 1.0}, \"l\": [1, 2], \"n\": null}\n\n{\"f\": 2, \"id\": 2, \"l\": null, \"o\": {\"y\": [1]}}\n");
        var plan = await _run.PlanAsync(Stream("a.ndjson"));
        Assert.Equal(["id", "s", "d", "t", "f", "b", "o", "l", "n"], plan.Columns.Select(column => column.Name));
        Assert.Equal(["BIGINT", "VARCHAR", "DATE", "TIMESTAMP", "DOUBLE", "BOOLEAN", "VARCHAR", "BIGINT[]", "VARCHAR"], plan.Columns.Select(column => column.Type));
        Assert.Equal(
            ["1|007|2024-01-01|2024-01-01 10:00:00|1.5|true|{\"x\":1.0}|[1, 2]|NULL", "2|NULL|NULL|NULL|2.0|NULL|{\"y\":[1]}|NULL|NULL"],
            await RowsAsync(plan));
    }

    [Theory]
    [InlineData("{\"v\": 1.5}", "column v", "'1.5'")]
    [InlineData("{\"v\": \"x\"}", "column v", "'x'")]
    [InlineData("{\"v\": 123456789012345678901}", "column v", "'123456789012345678901'")]
    [InlineData("{\"v\": {\"a\": 1}}", "column v", "{\"a\":1}")]
    [InlineData("{\"v\": 1, \"w\": 2}", "row", "key \"w\"")]
    [InlineData("{\"v\": 1, \"v\": 2}", "row", "key \"v\" twice")]
    [InlineData("[1]", "row", "expected a JSON object")]
    [InlineData("{\"v\": 1", "row", "no valid JSON")]
    [InlineData("{\"v\": 1} {\"v\": 2}", "row", "no valid JSON")]
    [InlineData("nonsense", "row", "no valid JSON")]
    public async Task A_later_row_that_does_not_fit_is_refused_with_its_place(string line, string where, string message)
    {
        _run.File("a.ndjson", string.Concat(Enumerable.Range(0, Limits.SampleRowsMax + 10).Select(i => $"{{\"v\": {i}}}\n")) + line + "\n{\"v\": 5}\n");
        var fault = await _run.FaultAsync(Stream("a.ndjson"));
        Assert.Equal((FaultKind.Data, FaultSide.Source), (fault.Kind, fault.Side));
        Assert.Contains("a.ndjson", fault.Where);
        Assert.Contains($"row {Limits.SampleRowsMax + 11:N0}", fault.Where);
        Assert.Contains(where, fault.Where);
        Assert.Contains(message, fault.Message);
    }

    [Fact]
    public async Task Json_arrays_and_objects_one_after_another()
    {
        _run.File("a.json", " [\n{\"a\": 1},\n{\"a\": 2, \"b\": \"x\"}\n]").File("b.json", "{\"a\": 3}{\"a\":\n4}").File("c.json.gz", CsvSourceTests.Gzip("[{\"a\": 5}]"));
        Assert.Equal(["1|NULL", "2|x"], await _run.RowsAsync(Stream("a.json")));
        Assert.Equal(["3", "4"], await _run.RowsAsync(Stream("b.json")));
        Assert.Equal(["5"], await _run.RowsAsync(Stream("c.json.gz")));
        Assert.Equal(["1|NULL", "2|x", "3|NULL", "4|NULL", "5|NULL"], (await _run.RowsAsync(Stream("*.{json,json.gz}"))).Order());
    }

    [Theory]
    [InlineData("a.json", false)]
    [InlineData("a.json.gz", false)]
    [InlineData("a.json.zst", false)]
    [InlineData("a.json", true)]
    public async Task A_large_array_is_read_element_by_element(string name, bool usual)
    {
        var text = "[" + string.Join(",\n", Enumerable.Range(0, 30_000).Select(i => $"{{\"id\": {i},\n \"s\": \"x{i % 7}\", \"l\": [{i}{(usual ? "" : ", null")}]}}")) + "]";
        _run.File(name, name.EndsWith("gz", StringComparison.Ordinal) ? CsvSourceTests.Gzip(text) : name.EndsWith("zst", StringComparison.Ordinal) ? CsvSourceTests.Zstd(text) : Encoding.UTF8.GetBytes(text));
        var rows = await _run.RowsAsync(Stream(name));
        Assert.Equal(30_000, rows.Distinct().Count());
        Assert.Equal(usual ? "29999|x4|[29999]" : "29999|x4|[29999, NULL]", rows[^1]);
    }

    [Theory]
    [InlineData("", "ends behind element 40,000 of the array", false)]
    [InlineData(",]", "found ']' behind value 40,000", false)]
    [InlineData(",{\"v\": 1", "ends inside of value 40,001", false)]
    [InlineData("] x", "found 'x' behind the end of the array", false)]
    [InlineData(",7]", "expected a JSON object", true)]
    [InlineData(",{\"v\": tru}]", "no valid JSON", true)]
    [InlineData(",{\"w\": 1}]", "key \"w\"", true)]
    public async Task A_damaged_array_is_refused(string end, string message, bool hasRow)
    {
        _run.File("a.json", "[" + string.Join(",", Enumerable.Range(0, 40_000).Select(i => $"{{\"v\": {i}}}")) + end);
        var fault = await _run.FaultAsync(Stream("a.json"));
        Assert.Equal((FaultKind.Data, FaultSide.Source), (fault.Kind, fault.Side));
        Assert.Contains(hasRow ? "a.json, row 40,001" : "a.json", fault.Where);
        Assert.Contains(message, fault.Message);
    }

    [Theory]
    [InlineData("gz")]
    [InlineData("zst")]
    public async Task Packed_files(string packing)
    {
        var text = string.Concat(Enumerable.Range(0, 30_000).Select(i => $"{{\"id\": {i}, \"s\": \"x{i % 7}\"}}\n"));
        _run.File("a.ndjson." + packing, packing == "gz" ? CsvSourceTests.Gzip(text) : CsvSourceTests.Zstd(text));
        Assert.Equal(30_000, (await _run.RowsAsync(Stream("a.ndjson." + packing))).Distinct().Count());
    }

    [Fact]
    public async Task Marks_encodings_and_line_ends()
    {
        var text = "{\"a\": \"é\"}\r\n{\"a\": \"\\u00e9\\n\"}\r\n";
        _run.File("utf8.ndjson", [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(text)]).File("utf16.ndjson", [0xFF, 0xFE, .. Encoding.Unicode.GetBytes(text)]);
        Assert.Equal(["é", "é\n"], await _run.RowsAsync(Stream("utf8.ndjson")));
        Assert.Equal(["é", "é\n"], await _run.RowsAsync(Stream("utf16.ndjson", new ReadOptions { Encoding = "utf-16" })));
    }

    [Fact]
    public async Task Asked_types_and_nested_values()
    {
        _run.File("a.ndjson", "{\"a\": 1.25, \"b\": [\"x\", null], \"c\": {\"k\": 1}}\n");
        var stream = Stream("a.ndjson") with { Types = new Dictionary<string, string> { ["a"] = "decimal(10,2)", ["c"] = "struct(k bigint)" }.ToImmutableSortedDictionary() };
        var plan = await _run.PlanAsync(stream);
        Assert.Equal(["DECIMAL(10,2)", "VARCHAR[]", "STRUCT(\"k\" BIGINT)"], plan.Columns.Select(column => column.Type));
        Assert.Equal(["1.25|[x, NULL]|{'k': 1}"], await RowsAsync(plan));
        _run.Traits = Plain;
        Assert.Equal(["1.25|[\"x\",null]|{\"k\":1}"], await _run.RowsAsync(stream));
    }

    public void Dispose() => _run.Dispose();
}
