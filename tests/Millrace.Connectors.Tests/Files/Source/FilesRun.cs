using System.Collections.Immutable;
using Millrace.Connectors.Files.Source;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Connectors.Tests.Files.Source;

/// <summary>A temporary folder of files, and what the files source makes of it: planned, read unit by unit in a locked DuckDB.</summary>
internal sealed class FilesRun : IDisposable
{
    public static TargetTraits Parquet { get; } = new()
    {
        Nested = true, Bytes = true, InfiniteDates = false, NonFiniteFloats = true, EndOfDay = false, HugeIntegers = false, Intervals = false, TimeOffsets = false,
    };

    public static TargetTraits Plain { get; } = Parquet with { Nested = false, Bytes = false, NonFiniteFloats = false };

    public string Folder { get; } = Directory.CreateTempSubdirectory("millrace-files-").FullName;

    public TargetTraits Traits { get; set; } = Parquet;

    public int Workers { get; set; } = 2;

    public long UnitBytes { get; set; } = Limits.UnitBytesTarget;

    public FilesRun File(string name, string text) => File(name, System.Text.Encoding.UTF8.GetBytes(text));

    public FilesRun File(string name, byte[] bytes)
    {
        var path = Path.Combine(Folder, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        System.IO.File.WriteAllBytes(path, bytes);
        return this;
    }

    public static StreamJob Stream(string name, ReadOptions? read = null) => new() { Name = name, Mark = new Mark("streams." + name), Read = read ?? new() };

    public ISource Open(string? address = null) => new FilesSourceConnector().Open(new SourceContext
    {
        Address = address ?? Folder, Mark = new Mark("source"), BaseDirectory = Folder, Connections = 4,
    });

    public async Task<StreamPlan> PlanAsync(StreamJob stream, string? address = null)
    {
        await using var source = Open(address);
        return await source.PlanAsync(stream, new PlanRequest { Target = Traits, Workers = Workers, UnitBytes = UnitBytes }, CancellationToken.None);
    }

    /// <summary>All rows as texts, in order of the units, each unit's in order; a NULL is "NULL".</summary>
    public async Task<List<string>> RowsAsync(StreamJob stream, string? address = null)
    {
        var plan = await PlanAsync(stream, address);
        return await RowsAsync(plan);
    }

    public static async Task<List<string>> RowsAsync(StreamPlan plan)
    {
        var units = await UnitsAsync(plan);
        await using var reader = new FilesSourceConnector().OpenReader(new SourceContext { Address = "x", Mark = new Mark("source"), BaseDirectory = "/", Connections = 1 });
        var rows = new List<string>();
        for (var i = 0; i < units.Count; i++) rows.AddRange(await ReadAsync(reader, plan, units[i], i));
        return rows;
    }

    public static async Task<List<PlannedUnit>> UnitsAsync(StreamPlan plan)
    {
        var units = new List<PlannedUnit>();
        await foreach (var unit in plan.Units(CancellationToken.None)) units.Add(unit);
        return units;
    }

    public static StreamHeader Header(StreamPlan plan) => new()
    {
        Run = "run", Stream = plan.Stream.Name, To = "t", Generation = 1, Columns = plan.Columns, ReaderJson = plan.ReaderJson, WriterJson = "{}",
    };

    public static async Task<List<string>> ReadAsync(Extract.IUnitReader reader, StreamPlan plan, PlannedUnit planned, int number)
    {
        var header = Header(plan);
        using var database = DuckDbDatabase.Open(new Dictionary<string, string> { ["threads"] = "2", ["memory_limit"] = "256MB" });
        using var connection = database.Connect();
        reader.Attach(connection);
        var folders = string.Join(", ", reader.ReadablePaths(header).Select(path => $"'{path.Replace("'", "''")}'"));
        connection.Execute($"SET TimeZone = 'UTC'; SET GLOBAL allowed_directories = [{folders}]; SET GLOBAL enable_external_access = false; SET GLOBAL lock_configuration = true");
        for (var attempt = 1; ; attempt++)
        {
            await using var input = await reader.OpenAsync(header, new Unit { Number = number, Slice = planned.Slice, Label = planned.Label }, CancellationToken.None);
            try
            {
                AssertTypes(connection, plan, input.Select);
                await using var again = await reader.OpenAsync(header, new Unit { Number = number, Slice = planned.Slice, Label = planned.Label }, CancellationToken.None);
                var rows = new List<string>();
                using (var result = connection.Query($"SELECT COLUMNS(*)::VARCHAR FROM ({again.Select})"))
                {
                    while (result.Read()) rows.Add(string.Join("|", Enumerable.Range(0, plan.Columns.Length).Select(i => result.GetText(i) ?? "NULL")));
                }

                await again.CompleteAsync(rows.Count, CancellationToken.None);
                return rows;
            }
            catch (DuckDbException error)
            {
                var fault = input.Explain(error) ?? throw new InvalidOperationException("not explained: " + error.Message, error);
                if (!fault.Retryable || attempt > 4) throw fault;
            }
        }
    }

    public async Task<Fault> FaultAsync(StreamJob stream, string? address = null) => await Assert.ThrowsAsync<Fault>(() => RowsAsync(stream, address));

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private static void AssertTypes(DuckDbConnection connection, StreamPlan plan, string select)
    {
        using var result = connection.Query($"SELECT * FROM ({select}) LIMIT 0");
        Assert.Equal(plan.Columns.Select(column => (column.Name, column.Type)), result.Columns.Select(column => (column.Name, column.Type.ToSql())));
    }
}
