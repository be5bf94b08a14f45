using System.Globalization;
using System.Text;
using Millrace.Faults;
using Millrace.Runs;
using Millrace.Verify;

namespace Millrace.Connectors.Tests.Files.Source;

/// <summary>Rows of files with values that are not what their column says, or that the target can't hold: all others arrive, these are told.</summary>
public sealed class FileRejectTests : FileRejectBench
{
    /// <summary>The reader of our own, DuckDB's reader, and a file in pieces.</summary>
    [Theory]
    [InlineData(",")]
    [InlineData("||")]
    [InlineData(",", "streams.in.partition={by: bytes, rows: 300}")]
    public async Task A_bad_text_in_CSV_is_told_with_its_row(string delimiter, string? set = null)
    {
        var text = new StringBuilder("id,n,d,t\n");
        for (var i = 1; i <= 5_000; i++)
            text.Append(CultureInfo.InvariantCulture, $"{i},{(i % 500 == 3 ? "x'\"y" : i % 7 == 0 ? "" : $"{i * 2}")},{(i % 1000 == 3 ? "2020-02-30" : "2020-02-28")},text {i}\n");
        var csv = text.ToString().Replace("x'\"y", "\"x'\"\"y\"", StringComparison.Ordinal).Replace(",", delimiter, StringComparison.Ordinal);
        string[] sets =
        [
            "streams.in.types={id: bigint, n: bigint, d: date, t: text}", $"streams.in.read.delimiter='{delimiter}'",
            set ?? "streams.in.partition.key=id",
        ];
        var (summary, rejects) = await MoveAsync("in.csv", csv, sets);

        Assert.Equal((5_000, 4_990, 10), (summary.RowsRead, summary.RowsWritten, summary.RowsRejected));
        var found = rejects.Single(static line => line.GetProperty("row").GetProperty("id").GetString() == "1003");
        Assert.Equal(
            """[{"column":"n","reason":"found 'x'\"y', expected BIGINT","value":"x'\"y"},{"column":"d","reason":"found '2020-02-30', expected DATE in ISO 8601 or in the format that the job says","value":"2020-02-30"}]""",
            found.GetProperty("rejects").GetRawText().Replace(", a whole number as it would be printed", "", StringComparison.Ordinal));
        Assert.Equal("""{"id":"1003","n":"x'\"y","d":"2020-02-30","t":"text 1003"}""", found.GetProperty("row").GetRawText());
        if (set is null) Assert.Equal("""{"id":"1003"}""", found.GetProperty("key").GetRawText());

        // The same without these rows.
        var good = string.Concat(csv.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(static line => !line.Contains("\"x'", StringComparison.Ordinal)).Select(static line => line + "\n"));
        var (only, none) = await MoveAsync("in.csv", good, [.. sets.Where(static one => !one.Contains("partition", StringComparison.Ordinal))]);
        Assert.Empty(none);
        Assert.Equal(only.Hashes["in"], summary.Hashes["in"]);
    }

    [Fact]
    public async Task NDJSON_has_bad_values_in_lists_too()
    {
        const string text = """
            {"id":1,"n":1,"l":[1,2]}
            {"id":2,"n":"7x","l":[1,2]}
            {"id":3,"n":null,"l":[1.5]}
            {"id":4,"l":null}
            {"id":5,"n":"","l":["y"]}

            """;
        var (summary, rejects) = await MoveAsync("in.ndjson", text, "streams.in.types={id: bigint, n: bigint, l: 'bigint[]'}");
        Assert.Equal((5, 2, 3), (summary.RowsRead, summary.RowsWritten, summary.RowsRejected));
        Assert.Equal(["2:n", "3:l", "5:n,l"], rejects.Select(static line =>
            $"{line.GetProperty("row").GetProperty("id").GetString()}:{string.Join(',', line.GetProperty("rejects").EnumerateArray().Select(static one => one.GetProperty("column").GetString()))}").Order());
        Assert.Equal("[1.5]", rejects.Single(static line => line.GetProperty("row").GetProperty("id").GetString() == "3").GetProperty("row").GetProperty("l").GetString());
    }

    [Fact]
    public async Task Parquet_that_is_read_as_another_type_has_bad_values()
    {
        Parquet("SELECT i AS id, CASE WHEN i % 10 = 5 THEN 'five' ELSE i::VARCHAR END AS n, i * 1.5::DOUBLE AS f FROM range(1000) AS r(i)");
        var (summary, rejects) = await MoveAsync("in.parquet", null, "streams.in.types={n: integer, f: bigint}");
        Assert.Equal((1_000, 500), (summary.RowsRead, summary.RowsWritten));
        Assert.Equal(500, rejects.Length);
        Assert.Equal(2, rejects.Single(static line => line.GetProperty("row").GetProperty("id").GetString() == "15").GetProperty("rejects").GetArrayLength());
    }

    [Theory]
    [InlineData("parquet", "c: found '24:00:00', which the target can't hold as TIME; c: found '24:00:00', which the target can't hold as TIME")]
    [InlineData("csv", "")]
    [InlineData("ndjson", "f: found 'inf', which the target can't hold as DOUBLE; f: found 'nan', which the target can't hold as DOUBLE")]
    public async Task What_the_target_can_not_hold_is_rejected_for_that_target_only(string format, string told)
    {
        Parquet("SELECT i AS id, CASE i WHEN 3 THEN 'nan' WHEN 5 THEN 'inf' ELSE '1.5' END::DOUBLE AS f, CASE WHEN i IN (7, 9) THEN '24:00:00' ELSE '12:00' END::TIME AS c FROM range(20) AS r(i)");
        var (summary, rejects) = await MoveAsync("in.parquet", null, "format=" + format, "limits.rejects=10%");
        Assert.Equal(told, string.Join("; ", rejects.Select(static line => $"{line.GetProperty("rejects")[0].GetProperty("column")}: {line.GetProperty("rejects")[0].GetProperty("reason")}").Order()));
        Assert.Equal(20 - rejects.Length, summary.RowsWritten);
    }

    [Theory]
    // A row that the condition leaves out whatever its bad value is, is left out.
    [InlineData("n > 10 AND k = 1", "2,4", "3")]
    [InlineData("k = 1", "2,4", "3")]
    // A bad value could have met these, or not: the row is told.
    [InlineData("n IS NOT NULL", "2,4,6", "1,3")]
    [InlineData("coalesce(n, 0) > 10", "2,4", "1,3")]
    [InlineData("n > 10", "2,4", "1,3")]
    [InlineData("t = 'n'", "", "")]
    public async Task A_condition_never_loses_a_row_for_its_bad_value(string where, string arrives, string told)
    {
        var text = "id,n,k,t\n1,bad,0,a\n2,20,1,a\n3,worse,1,a\n4,30,1,a\n5,,0,a\n6,5,2,a\n";
        var (_, rejects) = await MoveAsync("in.csv", text, "streams.in.types={id: bigint, n: bigint, k: bigint, t: text}", $"streams.in.where={where}");
        Assert.Equal(told, string.Join(',', rejects.Select(static line => line.GetProperty("row").GetProperty("id").GetString()).Order()));
        Assert.Equal(arrives, Published("string_agg(id::VARCHAR, ',' ORDER BY id)"));
    }

    [Fact]
    public async Task A_column_that_nobody_asks_for_rejects_nothing()
    {
        var (summary, rejects) = await MoveAsync("in.csv", "id,n\n1,bad\n2,2\n", "streams.in.types={id: bigint, n: bigint}", "streams.in.columns=[id]", "streams.in.where=id > 0");
        Assert.Equal(2, summary.RowsWritten);
        Assert.Empty(rejects);
    }

    [Fact]
    public async Task Verify_leaves_rejected_rows_out_and_sees_what_changes()
    {
        const string text = "id,n\n1,2\n2,bad\n3,4\n";
        string[] sets = ["streams.in.types={id: bigint, n: bigint}"];
        var (summary, _) = await MoveAsync("in.csv", text, sets);
        var verification = new RunVerification(FileRuns.Options(Folder), ["id"]);
        var same = await verification.RunAsync(RunDirectory.Open(Folder["state"], summary.Run), Job("in.csv", sets), CancellationToken.None);
        Assert.Empty(same.Faults);
        Assert.True(Assert.Single(same.Streams).IsEqual);
    }
}
