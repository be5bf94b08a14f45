using System.Globalization;
using Millrace.Connectors.Files.Source;
using Millrace.DuckDb;
using Millrace.Jobs;
using Millrace.Telemetry;
using Millrace.Testing;

namespace Millrace.Connectors.Tests.Files.Source;

/// <summary>Incremental loads of files that grow, into files: the greatest cursor is found by reading.</summary>
public sealed class FileCursorTests : IDisposable
{
    private readonly TempFolder _folder = new();

    [Theory]
    [InlineData("csv", "at", "lag=10")]
    [InlineData("csv", "at", "partition.rows=20")]
    [InlineData("ndjson", "time", "lag=10s")]
    [InlineData("ndjson", "time", "where='\"at\" <> 7'")]
    [InlineData("parquet", "at", "partition.rows=20")]
    [InlineData("parquet", "day", "lag=48h")]
    public async Task What_came_since_is_loaded_once(string format, string cursor, string set)
    {
        string[] sets = ["streams.in.mode=incremental", $"streams.in.cursor={cursor}", $"streams.in.{set}"];
        var isFiltered = set.StartsWith("where", StringComparison.Ordinal);
        Write(format, "range(100)");
        Assert.Equal(isFiltered ? 99 : 100, (await MoveAsync(format, sets)).RowsWritten);

        // One with the greatest value of all, and new ones.
        Write(format, "(FROM range(100) UNION ALL FROM range(99, 150))");
        var rows = (await MoveAsync(format, sets)).RowsWritten;

        Assert.True(rows is > 50 and < 151, $"{rows} rows were read");
        var expected = isFiltered ? "150 149 11267" : "151 150 11274";
        Assert.Equal(expected, Published());
        await MoveAsync(format, sets);
        Assert.Equal(expected, Published());
    }

    [Fact]
    public async Task A_lag_must_fit_and_bad_values_are_named()
    {
        Write("csv", "range(5)");
        var fault = Assert.Single((await TryMoveAsync("csv", "streams.in.mode=incremental", "streams.in.cursor=at", "streams.in.lag=5m")).Faults);
        Assert.Equal("found lag: 5m, which can't be taken from a cursor of type BIGINT", fault.Message);

        File.WriteAllText(_folder["in.csv"], "at,v\n1,a\nx,b\n");
        fault = Assert.Single((await TryMoveAsync("csv", "streams.in.mode=incremental", "streams.in.cursor=at", "streams.in.types={at: bigint}")).Faults);
        Assert.Contains("in.csv", fault.Where, StringComparison.Ordinal);
        Assert.Equal(1, (await MoveAsync("csv", "streams.in.mode=incremental", "streams.in.cursor=at", "streams.in.types={at: bigint}", "streams.in.on_reject=quarantine")).RowsWritten);
    }

    public void Dispose() => _folder.Dispose();

    private void Write(string format, string from)
    {
        using var database = DuckDbDatabase.Open();
        using var connection = database.Connect();
        connection.Execute(string.Create(
            CultureInfo.InvariantCulture,
            $"COPY (SELECT range AS at, TIMESTAMP '2024-01-01' + range * INTERVAL 1 second AS time, DATE '2024-01-01' + range::INT AS day FROM {from}) TO '{_folder[$"in.{format}"]}' (FORMAT {(format == "ndjson" ? "json" : format)})"));
    }

    private async Task<RunSummary> MoveAsync(string format, params string[] sets)
    {
        var summary = await TryMoveAsync(format, sets);
        Assert.True(summary.Status == RunStatus.Succeeded, string.Join('\n', summary.Faults.Select(static fault => fault.Describe())));
        return summary;
    }

    private Task<RunSummary> TryMoveAsync(string format, params string[] sets)
    {
        var reading = JobReader.ReadShortForm(new JobOverrides { From = _folder[$"in.{format}"], To = _folder["out"], State = _folder["state"], Sets = ["engine=inproc", .. sets] }, _folder.Path);
        Assert.True(reading.Job is not null, string.Join('\n', reading.Faults.Select(static fault => fault.Describe())));
        return new DataPath(FileRuns.Options(_folder)).RunAsync(reading.Job, TestContext.Current.CancellationToken);
    }

    private string Published()
    {
        using var database = DuckDbDatabase.Open();
        using var connection = database.Connect();
        using var result = connection.Query($"SELECT count(*) || ' ' || count(DISTINCT \"at\") || ' ' || sum(\"at\") FROM read_parquet('{_folder["out/in"]}/*.parquet')");
        Assert.True(result.Read());
        return result.GetText(0)!;
    }
}
