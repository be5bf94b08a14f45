using System.Collections.Immutable;
using System.Text.Json;
using Millrace.DuckDb;
using Millrace.Jobs;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Testing;

namespace Millrace.Connectors.Tests.Files.Source;

/// <summary>Runs with a quarantine over files of a folder of their own; every row that was read is there or in quarantine, which each run asserts.</summary>
public abstract class FileRejectBench : IDisposable
{
    private protected TempFolder Folder { get; } = new();

    public void Dispose()
    {
        Folder.Dispose();
        GC.SuppressFinalize(this);
    }

    protected async Task<(RunSummary Summary, ImmutableArray<JsonElement> Rejects)> MoveAsync(string name, string? text, params string[] sets)
    {
        if (text is not null) File.WriteAllText(Folder[name], text);
        if (Directory.Exists(Folder["out"])) Directory.Delete(Folder["out"], recursive: true);
        var summary = await new DataPath(FileRuns.Options(Folder)).RunAsync(Job(name, sets), CancellationToken.None);
        if (!summary.Faults.IsEmpty) throw summary.Faults[0];
        var lines = ImmutableArray.CreateBuilder<JsonElement>();
        var rejects = RunDirectory.Open(Folder["state"], summary.Run).Stream(name.Split('.')[0]).RejectsPath;
        foreach (var file in Directory.Exists(rejects) ? Directory.GetFiles(rejects, "*", SearchOption.AllDirectories) : [])
        {
            foreach (var line in File.ReadLines(file))
            {
                using var json = JsonDocument.Parse(line);
                lines.Add(json.RootElement.Clone());
            }
        }

        Assert.Equal(summary.RowsRejected, lines.Count);
        Assert.Equal(summary.RowsRead, summary.RowsWritten + lines.Count);
        return (summary, lines.ToImmutable());
    }

    protected Job Job(string name, string[] sets)
    {
        var stream = name.Split('.')[0];
        var reading = JobReader.ReadShortForm(
            new JobOverrides { From = Folder[name], To = Folder["out"], State = Folder["state"], Sets = ["engine=inproc", $"streams.{stream}.on_reject=quarantine", .. sets] },
            Folder.Path);
        Assert.True(reading.Job is not null, string.Join('\n', reading.Faults.Select(static fault => fault.Describe())));
        return reading.Job;
    }

    protected void Parquet(string select, int rowGroupRows = 20_480)
    {
        using var database = DuckDbDatabase.Open();
        using var connection = database.Connect();
        connection.Execute($"COPY ({select}) TO '{Folder["in.parquet"]}' (FORMAT parquet, ROW_GROUP_SIZE {rowGroupRows})");
    }

    protected string Published(string what)
    {
        using var database = DuckDbDatabase.Open();
        using var connection = database.Connect();
        using var result = connection.Query($"SELECT coalesce({what}, '') FROM read_parquet('{Folder["out/in"]}/*.parquet')");
        Assert.True(result.Read());
        return result.GetText(0)!;
    }
}
