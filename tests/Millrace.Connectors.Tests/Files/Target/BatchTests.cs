using Millrace.Jobs;
using Millrace.Testing;

namespace Millrace.Connectors.Tests.Files.Target;

/// <summary>When memory runs low, row groups are written earlier; the rows are the same.</summary>
public sealed class BatchTests : IDisposable
{
    private const string Rows = "SELECT range AS id, repeat(md5(range::VARCHAR), 32) AS note FROM range(64000)";

    private readonly TempFolder _folder = new();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_smaller_batch_is_a_smaller_row_group(bool partitioned)
    {
        using var load = new TargetLoad(_folder["lake"]) { Write = partitioned ? new WriteOptions { PartitionBy = ["part"] } : new WriteOptions() };
        var rows = partitioned ? $"SELECT *, 'x' AS part FROM ({Rows})" : Rows;
        var groups = new List<int>();
        foreach (var divisor in (int[])[1, 2, Limits.BatchDivisorMax])
        {
            load.Run = $"r{divisor}";
            await load.StageAsync(rows);
            await load.WriteUnitAsync(rows, batchDivisor: divisor);
            await load.CommitAsync();
            var files = $"'{_folder["lake/events"]}/**/*.parquet'";
            groups.Add(int.Parse(load.Ask($"SELECT count(*) FROM (SELECT DISTINCT file_name, row_group_id FROM parquet_metadata({files}))")!));
            Assert.Equal("64000", load.Ask($"SELECT count(DISTINCT id) FROM read_parquet({files}, hive_partitioning = false) WHERE note = repeat(md5(id::VARCHAR), 32)"));
        }

        Assert.True(groups[1] >= 3 * groups[0] / 2 && groups[2] >= 3 * groups[1] / 2, string.Join(", ", groups));
    }

    public void Dispose() => _folder.Dispose();
}
