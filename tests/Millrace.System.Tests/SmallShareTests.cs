using Millrace.DuckDb;
using Millrace.SystemTests.Moves;
using Millrace.Testing;

namespace Millrace.SystemTests;

/// <summary>Units that sort or write many folders keep to a small <c>limits.memory</c>: no worker is replaced, no unit is tried again.</summary>
public sealed class SmallShareTests : IDisposable
{
    private const int Rows = 1_600_000;
    private const int Folders = 700;

    private readonly TempFolder _folder = new();

    [Theory]
    [InlineData("partition_by: [store]", 200_000, 192)]
    [InlineData("partition_by: [store]", 800_000, 192)]
    [InlineData("cluster_by: [note]", 800_000, 256)]
    public async Task Rows_of_usual_width_keep_to_it(string layout, int unitRows, int megabytes)
    {
        using var database = DuckDbDatabase.Open();
        using var connection = database.Connect();
        connection.Execute(
            $"""
            COPY (SELECT i AS id, (hash(i) % {Folders})::INTEGER AS store, 'user ' || hash(i, 1) % 100000 AS name, TIMESTAMP '2024-01-01' + to_seconds(i) AS at, md5(i::VARCHAR) AS note
                  FROM range({Rows}) AS t(i)) TO '{_folder["t.parquet"]}' (FORMAT parquet)
            """);
        _folder.Write(
            "job.yaml",
            $$"""
            source: {{_folder["t.parquet"]}}
            target: {{_folder["lake"]}}
            state: {{_folder["state"]}}
            engine: local
            limits: {memory: {{megabytes}}MB, workers: 2}
            streams:
              t:
                partition: {rows: {{unitRows}}}
                write: {{{layout}}}
            """);

        var exit = (await MillraceProcess.RunAsync(["run", _folder["job.yaml"], "--json"])).Expect(0);
        Assert.DoesNotContain(Workbench.Events(exit), static line => line.GetProperty("event").GetString() is "worker_lost" or "retry" or "divided");
        var report = exit.LastJson();
        Assert.Equal(0, report.GetProperty("retries").GetInt64());
        Assert.InRange(report.GetProperty("peak_memory_bytes").GetInt64(), 1, megabytes << 20);
        const string Sums = "SELECT count(*), sum(hash(id, store::INTEGER, name, \"at\", note)) FROM";
        using var sums = connection.Query($"{Sums} '{_folder["t.parquet"]}' EXCEPT {Sums} read_parquet('{_folder["lake/t"]}/**/*.parquet')");
        Assert.False(sums.Read());
    }

    public void Dispose() => _folder.Dispose();
}
