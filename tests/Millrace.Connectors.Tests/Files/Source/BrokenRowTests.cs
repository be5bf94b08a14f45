using System.Globalization;
using System.Text;
using System.Text.Json;
using Millrace.Faults;

namespace Millrace.Connectors.Tests.Files.Source;

/// <summary>Rows whose structure is broken, while it is certain where they begin and end: they go to quarantine as text, all others arrive.</summary>
public sealed class BrokenRowTests : FileRejectBench
{
    private const int Rows = 2_000;
    private const string Pieces = "streams.in.partition={by: bytes, rows: 150}";
    private const string Whole = "streams.in.partition.key=id";

    [Theory]
    [InlineData(Whole)]
    [InlineData(Pieces)]
    [InlineData("streams.in.where=id > 0 AND n >= 0")]
    public async Task CSV_rows_with_too_few_and_too_many_fields(string set)
    {
        var text = new StringBuilder("id,n,t\n");
        for (var i = 1; i <= Rows; i++)
        {
            text.Append(i switch
            {
                7 or 1_500 or Rows => $"{i},bad",
                8 => $"{i},8,\"a \"\"b\"\"\",more,\"\"",
                9 => $"{i}",
                _ => $"{i},{i * 2},{(i % 5 == 0 ? "\"two\nlines\"" : "one")}",
            });
            if (i < Rows) text.Append('\n');
        }

        var (summary, rejects) = await MoveAsync("in.csv", text.ToString(), "streams.in.types={id: bigint, n: bigint, t: text}", "streams.in.read.delimiter=','", "streams.in.read.header=true", set);
        Assert.Equal((Rows, Rows - 5), (summary.RowsRead, summary.RowsWritten));
        Assert.Equal(
            [
                $"in.csv, row 1500: found 2 fields, expected 3: 1500,bad", $"in.csv, row {Rows}: found 2 fields, expected 3: {Rows},bad", "in.csv, row 7: found 2 fields, expected 3: 7,bad",
                "in.csv, row 8: found 5 fields, expected 3: 8,8,\"a \"\"b\"\"\",more,\"\"", "in.csv, row 9: found 1 fields, expected 3: 9",
            ],
            rejects.Select(Told).Order(StringComparer.Ordinal));
        Assert.All(rejects, static line => Assert.False(line.TryGetProperty("row", out _) || line.TryGetProperty("key", out _)));
        Assert.Equal(set == Pieces, summary.Units > 1);
        Assert.Equal((Rows - 5).ToString(CultureInfo.InvariantCulture), Published("count(*)::VARCHAR"));
    }

    /// <summary>A lost quote would explain a wrong number of fields as well, and then nobody knows where the record ends.</summary>
    [Theory]
    [InlineData("8,\"two\nlines\"\n")]
    [InlineData("8,\"two\nlines\",x,y,z\n")]
    [InlineData("8,a\"b\n")]
    [InlineData("8,\"a\"b\n")]
    [InlineData("8,\"a\n")]
    public async Task CSV_whose_records_may_have_lost_their_borders_stays_a_fault(string record)
    {
        var rows = string.Concat(Enumerable.Range(0, 50).Select(static i => $"{i},2,x\n"));
        var fault = await Assert.ThrowsAsync<Fault>(() => MoveAsync(
            "in.csv", $"id,n,t\n{rows}{record}{rows}", "streams.in.types={id: bigint, n: bigint, t: text}", "streams.in.read={delimiter: ',', header: true, quote: '\"'}"));
        Assert.Equal(FaultKind.Data, fault.Kind);
    }

    /// <summary>DuckDB's reader has no record in hand, and says so.</summary>
    [Theory]
    [InlineData("8||2")]
    [InlineData("8||2||x||y")]
    public async Task In_CSV_that_only_DuckDB_reads_such_a_row_is_a_fault(string record)
    {
        var rows = string.Concat(Enumerable.Range(0, 50).Select(static i => $"{i}||2||x\n"));
        var fault = await Assert.ThrowsAsync<Fault>(() => MoveAsync(
            "in.csv", $"id||n||t\n{rows}{record}\n{rows}", "streams.in.types={id: bigint, n: bigint, t: text}", "streams.in.read={delimiter: '||', header: true}"));
        Assert.Contains("row 51", fault.Describe(), StringComparison.Ordinal);
        Assert.Contains("fields", fault.Describe(), StringComparison.Ordinal);
    }

    /// <summary>What is taken without a quarantine is taken with one: DuckDB's reader passes over empty fields behind the last column.</summary>
    [Fact]
    public async Task CSV_with_an_empty_field_behind_the_last_column_is_fine()
    {
        var rows = string.Concat(Enumerable.Range(0, 50).Select(static i => $"{i},2,x\n"));
        string[] sets = ["streams.in.types={id: bigint, n: bigint, t: text}", "streams.in.read={delimiter: ',', header: true}"];
        var csv = $"id,n,t\n{rows}8,2,y,\n{rows}";
        var (summary, rejects) = await MoveAsync("in.csv", csv, sets);
        var (plain, _) = await MoveAsync("in.csv", csv, [.. sets, "streams.in.on_reject=fail"]);
        Assert.Empty(rejects);
        Assert.Equal((101, plain.Hashes["in"]), (summary.RowsWritten, summary.Hashes["in"]));
    }

    /// <summary>The reader of our own; and DuckDB's, which reads everything where a line is no JSON to ours, and which unpacks zstd.</summary>
    [Theory]
    [InlineData(false, "", Whole)]
    [InlineData(false, "", Pieces)]
    [InlineData(false, "", "streams.in.where=id > 0 AND n >= 0")]
    [InlineData(true, "", Whole)]
    [InlineData(true, "", Pieces)]
    [InlineData(true, "", "streams.in.where=id > 0 AND n >= 0")]
    [InlineData(false, "", "zst")]
    [InlineData(true, "", "zst")]
    [InlineData(false, ",", Pieces)]
    public async Task NDJSON_lines_that_are_no_object_of_known_keys(bool malformed, string odd, string set)
    {
        // Keys that the sample has are columns: what comes after it may be broken.
        var name = set == "zst" ? "in.ndjson.zst" : "in.ndjson";
        var text = new StringBuilder();
        var expected = new List<string>();
        for (var i = 1; i <= Limits.SampleRowsMax + Rows; i++)
        {
            var (line, reason) = (i - Limits.SampleRowsMax) switch
            {
                7 => ($$"""{"id":{{i}},"n":1,"extra":[1,"é"]}""", """found the key "extra", which none of the rows has that were looked into"""),
                8 => ($$"""{"id":{{i}},"n":1,"id":2}""", """found the key "id" twice"""),
                9 => ("[1,2]", "found a value that is no object"),
                1_500 => ($$"""{"n":"x","ID":{{i}}}""", """found the key "ID", which none of the rows has that were looked into"""),
                1_600 when malformed => ($$"""{"id":{{i}},"n":""", "found what is no JSON, expected one object on each line"),
                1_601 when malformed => ("a text", "found what is no JSON, expected one object on each line"),
                _ => ($$"""{"id":{{i}},"n":{{i}}{{(i == 44 ? odd : "")}}}""", ""),
            };
            if (reason.Length > 0) expected.Add($"{name}, row {i}: {reason}: {line}");
            text.Append(line).Append(reason.Length > 0 && set == Whole && !malformed ? "\r\n" : "\n");
        }

        var isPacked = set == "zst";
        if (isPacked) File.WriteAllBytes(Folder[name], CsvSourceTests.Zstd(text.ToString()));
        var (summary, rejects) = await MoveAsync(name, isPacked ? null : text.ToString(), "streams.in.types={id: bigint, n: bigint}", isPacked ? Whole : set);
        Assert.Equal(expected.Order(StringComparer.Ordinal), rejects.Select(Told).Order(StringComparer.Ordinal));
        Assert.Equal(Limits.SampleRowsMax + Rows - expected.Count, summary.RowsWritten);
        Assert.Equal(set == Pieces, summary.Units > 1);
    }

    /// <summary>Broken lines are no reason to find other columns or types, nor to find none.</summary>
    [Fact]
    public async Task NDJSON_whose_first_lines_are_broken()
    {
        var (summary, rejects) = await MoveAsync("in.ndjson", "{\"id\":\n5\n{\"id\":1,\"n\":2.5}\n{\"id\":2,\"id\":2}\n{\"id\":3}\n");
        Assert.Equal("1,2.5;3,", Published("string_agg(id || ',' || coalesce(n::VARCHAR, ''), ';' ORDER BY id)"));
        Assert.Equal((2, "5,{\"id\":,{\"id\":2,\"id\":2}"), (summary.RowsWritten, string.Join(',', rejects.Select(static line => line.GetProperty("text").GetString()).Order(StringComparer.Ordinal))));
    }

    /// <summary>Where an object of an array ends is certain only as long as it is JSON.</summary>
    [Fact]
    public async Task JSON_arrays_lose_the_borders_of_what_is_no_JSON()
    {
        const string rows = """{"id":1,"n":2},{"id":2,"n":3},""";
        var (summary, rejects) = await MoveAsync("in.json", $"[{rows}{{\"id\":3,\"id\":4}},5,{rows}{{\"n\":6}}]", "streams.in.types={id: bigint, n: bigint}");
        Assert.Equal(5, summary.RowsWritten);
        Assert.Equal(["in.json, row 3: found the key \"id\" twice: {\"id\":3,\"id\":4}", "in.json, row 4: found a value that is no object: 5"], rejects.Select(Told));
        await Assert.ThrowsAsync<Fault>(() => MoveAsync("in.json", $"[{rows}{{\"id\":tru}},{rows}{{\"n\":6}}]", "streams.in.types={id: bigint, n: bigint}"));
    }

    [Fact]
    public async Task Too_many_of_them_stop_the_stream()
    {
        var rows = string.Concat(Enumerable.Range(0, 50).Select(static i => $"{i},2,x\n{i}\n"));
        var fault = await Assert.ThrowsAsync<Fault>(() => MoveAsync("in.csv", "id,n,t\n" + rows, "streams.in.read={delimiter: ',', header: true}", "limits.rejects=10"));
        Assert.Equal(FaultKind.Limit, fault.Kind);
        Assert.Contains("in.csv, row 22: found 1 fields, expected 3", fault.Describe(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bytes_that_are_no_UTF_8_stay_a_fault()
    {
        File.WriteAllBytes(Folder["in.csv"], [.. "id,n,t\n1,2,x\n"u8, (byte)'3', 0xFF, (byte)'\n', .. "4,5,x\n"u8]);
        await Assert.ThrowsAsync<Fault>(() => MoveAsync("in.csv", null, "streams.in.types={id: bigint, n: bigint, t: text}", "streams.in.read={delimiter: ',', header: true}"));
    }

    private static string Told(JsonElement line)
    {
        var reject = Assert.Single(line.GetProperty("rejects").EnumerateArray().ToArray());
        Assert.Equal(JsonValueKind.Null, reject.GetProperty("column").ValueKind);
        Assert.Equal(line.GetProperty("text").GetString(), reject.GetProperty("value").GetString());
        return $"{line.GetProperty("where").GetString()}: {reject.GetProperty("reason").GetString()}: {line.GetProperty("text").GetString()}";
    }
}
