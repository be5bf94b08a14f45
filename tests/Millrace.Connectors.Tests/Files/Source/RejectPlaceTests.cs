using System.Globalization;
using System.Text;
using System.Text.Json;
using Millrace.Faults;

namespace Millrace.Connectors.Tests.Files.Source;

/// <summary>A rejected row of a file says its number in that file, whoever reads it and in however many pieces.</summary>
public sealed class RejectPlaceTests : FileRejectBench
{
    private const int Rows = 3_000;

    /// <summary>The reader of our own, whole, in pieces and packed; DuckDB's reader, whole, in pieces, and after a quote inside a field.</summary>
    [Theory]
    [InlineData(",", "", "")]
    [InlineData(",", "", "streams.in.partition={by: bytes, rows: 200}")]
    [InlineData(",", "", "streams.in.read.compression=gzip")]
    [InlineData("||", "", "")]
    [InlineData("||", "", "streams.in.partition={by: bytes, rows: 200}")]
    [InlineData(",", "a\"b", "")]
    public async Task CSV(string delimiter, string odd, string set)
    {
        var text = new StringBuilder("id,n,t\n");
        for (var i = 1; i <= Rows; i++)
        {
            // Line ends in quotes and empty lines: a row's number is not its line's.
            if (i % 17 == 0) text.Append('\n');
            text.Append(CultureInfo.InvariantCulture, $"{i},{(IsBad(i) ? "x" : "1")},{(i % 5 == 0 ? "\"two\nlines\"" : i == 44 ? odd : "one")}\n");
        }

        var csv = text.ToString().Replace(",", delimiter, StringComparison.Ordinal);
        var isPacked = set.EndsWith("gzip", StringComparison.Ordinal);
        if (isPacked) File.WriteAllBytes(Folder["in.csv"], CsvSourceTests.Gzip(csv));
        var (summary, rejects) = await MoveAsync(
            "in.csv", isPacked ? null : csv, "streams.in.types={id: bigint, n: bigint, t: text}", $"streams.in.read.delimiter='{delimiter}'", "streams.in.read.header=true", Or(set));
        AssertPlaces("in.csv", rejects);
        Assert.Equal(set.Contains("bytes", StringComparison.Ordinal) && odd.Length == 0, summary.Units > 1);
    }

    /// <summary>Also where one line is JSON only to DuckDB, which then reads all of them.</summary>
    [Theory]
    [InlineData("in.ndjson", "", "")]
    [InlineData("in.ndjson", "", "streams.in.partition={by: bytes, rows: 200}")]
    [InlineData("in.ndjson", ",", "")]
    [InlineData("in.ndjson", ",", "streams.in.partition={by: bytes, rows: 200}")]
    [InlineData("in.json", "", "")]
    public async Task JSON(string name, string odd, string set)
    {
        var isArray = name == "in.json";
        var text = new StringBuilder(isArray ? "[\n" : "");
        for (var i = 1; i <= Rows; i++)
        {
            if (i % 17 == 0) text.Append("  \n");
            text.Append(CultureInfo.InvariantCulture, $"{{\"id\":{i},\"n\":{(IsBad(i) ? "\"x\"" : "1")}{(i == 44 ? odd : "")}}}{(isArray && i < Rows ? "," : "")}\n");
        }

        if (isArray) text.Append(']');
        var (summary, rejects) = await MoveAsync(name, text.ToString(), "streams.in.types={id: bigint, n: bigint}", Or(set));
        AssertPlaces(name, rejects);
        Assert.Equal(set.Length > 0, summary.Units > 1);
    }

    [Theory]
    [InlineData("")]
    [InlineData("streams.in.partition={by: row_groups, rows: 5000}")]
    public async Task Parquet_(string set)
    {
        Parquet($"SELECT i AS id, CASE WHEN i % 2999 = 3 THEN 'x' ELSE '1' END AS n FROM range(1, 30001) AS r(i)", 2048);
        var (summary, rejects) = await MoveAsync("in.parquet", null, "streams.in.types={n: integer}", Or(set));
        Assert.Equal(11, rejects.Length);
        AssertPlaces("in.parquet", rejects);
        Assert.Equal(set.Length > 0, summary.Units > 1);
    }

    [Fact]
    public async Task A_column_that_has_the_name_of_Parquet_s_row_number_is_not_taken_for_it()
    {
        Parquet("SELECT i * 7 AS file_row_number, 'x' AS n FROM range(1, 3) AS r(i)", 2048);
        var (_, rejects) = await MoveAsync("in.parquet", null, "streams.in.types={n: integer}");
        Assert.Equal(["in.parquet", "in.parquet"], rejects.Select(static line => line.GetProperty("where").GetString()));
    }

    /// <summary>DuckDB reads such a file with all of its threads, which counting would end.</summary>
    [Theory]
    [InlineData(",", "in.csv, row 500001")]
    [InlineData("||", "in.csv")]
    public async Task A_large_file_that_DuckDB_reads_goes_without_numbers(string delimiter, string place)
    {
        var text = new StringBuilder("id,n,t\n".Replace(",", delimiter, StringComparison.Ordinal));
        for (var i = 1; i <= 500_000; i++) text.Append(CultureInfo.InvariantCulture, $"{i}{delimiter}1{delimiter}some text to make the file large\n");
        text.Append(CultureInfo.InvariantCulture, $"500001{delimiter}x{delimiter}bad\n");
        Assert.True(text.Length > Limits.CountedFileBytesMax);
        var (summary, rejects) = await MoveAsync(
            "in.csv", text.ToString(), "streams.in.types={id: bigint, n: bigint, t: text}", $"streams.in.read={{delimiter: '{delimiter}', header: true}}", "streams.in.partition.by=none");
        Assert.Equal((1, 500_000), (summary.Units, summary.RowsWritten));
        Assert.Equal(place, Assert.Single(rejects).GetProperty("where").GetString());
    }

    [Theory]
    [InlineData(",", "row 2")]
    [InlineData("||", null)]
    public async Task Of_several_files_the_row_s_own_is_named(string delimiter, string? row)
    {
        Directory.CreateDirectory(Folder["many/deep"]);
        for (var i = 0; i < 5; i++) File.WriteAllText(Folder[$"many/deep/f{i}.csv"], $"id,n\n1,2\n2,{(i == 3 ? "bad" : "3")}\n".Replace(",", delimiter, StringComparison.Ordinal));
        var (summary, rejects) = await MoveAsync("many", null, "streams.many.types={id: bigint, n: bigint}", $"streams.many.read.delimiter='{delimiter}'");
        Assert.Equal(9, summary.RowsWritten);
        Assert.Equal(row is null ? "deep/f3.csv" : "deep/f3.csv, " + row, Assert.Single(rejects).GetProperty("where").GetString());
    }

    /// <summary>Without a quarantine the first of them ends the stream: a broken row, and a bad value, which says its column and what it is.</summary>
    [Theory]
    [InlineData(",", "", "1,one", "found 2 fields in '1,one', expected 3")]
    [InlineData(",", "streams.in.partition={by: bytes, rows: 200}", "1,one", "found 2 fields in '1,one', expected 3")]
    [InlineData("||", "", "1||one||x||y", "found 4 fields in '1||one||x||y', expected 3")]
    [InlineData(",", "", "1,x,one", ", column n: found 'x', expected BIGINT")]
    [InlineData(",", "streams.in.partition={by: bytes, rows: 200}", "1,x,one", ", column n: found 'x', expected BIGINT")]
    [InlineData("||", "streams.in.partition={by: bytes, rows: 200}", "1||x||one", ", column n: found 'x', expected BIGINT")]
    public async Task The_fault_of_a_stream_without_a_quarantine(string delimiter, string set, string record, string told)
    {
        var text = new StringBuilder("id,n,t\n".Replace(",", delimiter, StringComparison.Ordinal));
        for (var i = 1; i <= Rows; i++)
        {
            if (i % 17 == 0) text.Append('\n');
            text.Append(i == 2_345 ? record : string.Join(delimiter, i.ToString(CultureInfo.InvariantCulture), "1", i % 5 == 0 ? "\"two\nlines\"" : "one")).Append('\n');
        }

        var fault = await Assert.ThrowsAsync<Fault>(() => MoveAsync(
            "in.csv", text.ToString(), "streams.in.on_reject=fail", "streams.in.types={id: bigint, n: bigint, t: text}", $"streams.in.read={{delimiter: '{delimiter}', header: true}}", Or(set)));
        Assert.EndsWith("in.csv, row 2,345" + (told[0] == ',' ? told[..told.IndexOf(':', StringComparison.Ordinal)] : ""), fault.Where, StringComparison.Ordinal);
        Assert.Contains(told[(told.IndexOf(": ", StringComparison.Ordinal) + 1)..].Trim(), fault.Message, StringComparison.Ordinal);
    }

    private static bool IsBad(int row) => row % 251 == 3 || row is 1 or Rows;

    private static string Or(string set) => set.Length > 0 ? set : "streams.in.partition.key=id";

    private static void AssertPlaces(string file, IReadOnlyList<JsonElement> rejects)
    {
        Assert.NotEmpty(rejects);
        foreach (var reject in rejects)
            Assert.Equal($"{file}, row {reject.GetProperty("row").GetProperty("id").GetString()}", reject.GetProperty("where").GetString());
    }
}
