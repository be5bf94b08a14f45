using System.IO.Compression;
using Millrace.Connectors.Files.Source;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Planning;

namespace Millrace.Connectors.Tests.Files.Source;

/// <summary>Packed files of few bytes that hold many megabytes: looking at them ends, and says why.</summary>
public sealed class ExpandingFileTests : IDisposable
{
    private const int Expanded = 60_000_000;

    private readonly FilesRun _run = new();

    public void Dispose() => _run.Dispose();

    [Fact]
    public async Task A_line_without_end_is_refused()
    {
        await using (var packed = new GZipStream(File.Create(Path.Combine(_run.Folder, "a.csv.gz")), CompressionLevel.Fastest))
        {
            var line = new byte[1_000_000];
            line.AsSpan().Fill((byte)'a');
            for (var written = 0; written < Expanded; written += line.Length) await packed.WriteAsync(line, TestContext.Current.CancellationToken);
        }

        var fault = await Assert.ThrowsAsync<Fault>(() => _run.PlanAsync(FilesRun.Stream("a.csv.gz")));
        Assert.Equal(FaultKind.Data, fault.Kind);
        Assert.EndsWith("a.csv.gz", fault.Where, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rows_that_do_not_come_are_not_waited_for()
    {
        using (var database = DuckDbDatabase.Open())
        using (var connection = database.Connect())
        {
            connection.Execute($"COPY (SELECT NULL FROM range({Expanded})) TO '{_run.Folder}/a.csv.zst' (FORMAT csv, HEADER false, COMPRESSION zstd)");
        }

        using var planning = new FilesPlanning(_run.Folder, FilesRun.Stream("a.csv.zst"), new PlanRequest { Target = FilesRun.Parquet, Workers = 1 }, "utf-8")
        {
            SampleTimeMax = TimeSpan.FromSeconds(0.1),
        };
        var fault = await Assert.ThrowsAsync<Fault>(() => planning.PlanAsync("a.csv.zst", TestContext.Current.CancellationToken));
        Assert.Equal(FaultKind.Data, fault.Kind);
        Assert.Equal("its first rows were not found within 0.1 s", fault.Message);
    }
}
