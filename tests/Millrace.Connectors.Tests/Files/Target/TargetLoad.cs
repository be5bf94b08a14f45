using System.Collections.Immutable;
using Millrace.Commit;
using Millrace.Connectors.Files.Target;
using Millrace.DuckDb;
using Millrace.Jobs;
using Millrace.Load;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Connectors.Tests.Files.Target;

/// <summary>
/// What the engine does with a target, without the engine: stages a stream, writes units that are plain SELECTs with a real DuckDB set up
/// as a worker's, and commits their results.
/// </summary>
internal sealed class TargetLoad : IDisposable
{
    private readonly DuckDbDatabase _database;
    private readonly List<UnitResult> _results = [];
    private DuckDbDatabase? _worker;
    private DuckDbConnection? _lane;

    public TargetLoad(string address, FileFormat format = FileFormat.Parquet, string? baseDirectory = null, Func<Stream>? standardOutput = null)
    {
        Connector = new FileTargetConnector(standardOutput);
        Context = new TargetContext { Address = address, Mark = new Mark("target"), Format = format, BaseDirectory = baseDirectory ?? Path.GetTempPath() };
        Target = (FileTarget)Connector.Open(Context);
        _database = Open();
        Connection = _database.Connect();
        Connection.Execute("SET GLOBAL TimeZone = 'UTC'");
    }

    public FileTargetConnector Connector { get; }

    public TargetContext Context { get; }

    public FileTarget Target { get; set; }

    public DuckDbConnection Connection { get; }

    public string Run { get; set; } = "r1";

    public string To { get; set; } = "events";

    public WriteMode Mode { get; set; }

    public WriteOptions Write { get; set; } = new();

    /// <summary>The cursor of an incremental stream.</summary>
    public string? Cursor { get; set; }

    /// <summary>What an incremental load has read, and where it ends.</summary>
    public CursorWindow? Window { get; set; }

    public Action AssertHolder { get; set; } = static () => { };

    public Action StagingLost { get; set; } = static () => { };

    public IReadOnlyList<UnitResult> Results => _results;

    public StreamHeader Header { get; private set; } = null!;

    /// <summary>Stages a stream whose columns are those of a SELECT.</summary>
    public async Task StageAsync(string select)
    {
        var plan = Plan(ColumnsOf(select));
        var json = await Target.StageAsync(new StagingRequest(Run, Fresh: true, To, plan), default);
        _results.Clear();
        CloseWorker();
        Header = new StreamHeader
        {
            Run = Run, Stream = plan.Stream.Name, To = To, Generation = 1, Columns = plan.Columns, ReaderJson = "{}", WriterJson = json, Window = Window,
        };
        await OpenWorkerAsync();
    }

    public StreamPlan Plan(ImmutableArray<Column> columns) => new()
    {
        Stream = new StreamJob { Name = "public." + To, Mark = new Mark("streams.events"), Mode = Mode, Write = Write, To = To, Cursor = Cursor },
        Columns = columns,
        Strategy = PartitionBy.None,
        Why = "a test",
        EstimatedUnits = 1,
        ReaderJson = "{}",
        Window = Window,
        Units = static _ => AsyncEnumerable.Empty<PlannedUnit>(),
    };

    public ImmutableArray<Column> ColumnsOf(string select)
    {
        using var described = Connection.Query($"DESCRIBE {select}");
        var columns = ImmutableArray.CreateBuilder<Column>();
        while (described.Read())
        {
            var name = described.GetText(0)!;
            columns.Add(new Column { Name = name, SourceName = name, SourceType = "", Type = described.GetText(1)! });
        }

        return columns.ToImmutable();
    }

    /// <summary>Writes one unit.</summary>
    public async Task<UnitResult> WriteUnitAsync(string select, string attempt = "g1-e1-a1", int batchDivisor = 1)
    {
        await using var writer = Connector.OpenWriter(Context);
        var unit = new Unit { Number = _results.Count, Slice = "{}", Label = $"unit {_results.Count}" };
        await using var output = await writer.OpenAsync(Header, unit, attempt, default);
        WrittenOutput written;
        try
        {
            using var answer = _lane!.Query(output.CopyStatement(select, batchDivisor));
            output.Answered(answer);
            written = await output.CompleteAsync(default);
        }
        catch (DuckDbException error) when (output.Explain(error) is not null)
        {
            throw output.Explain(error)!;
        }

        var result = new UnitResult
        {
            Number = unit.Number, Fingerprint = "", Attempt = 1, Epoch = 1, RowsRead = written.Rows, RowsWritten = written.Rows, BytesRead = 0, Files = written.Files, Seconds = 0,
        };
        _results.Add(result);
        return result;
    }

    public ValueTask<CommitReceipt> CommitAsync() => Target.CommitAsync(Header, Request(), default);

    public CommitRequest Request() => new()
    {
        Mode = Mode,
        Epoch = 1,
        Merge = Cursor is null ? null : new MergeRule([], Cursor, null, Window),
        StagingLost = StagingLost,
        Results = _ => _results.ToAsyncEnumerable(),
        Rows = _results.Sum(result => result.RowsWritten),
        Bytes = _results.Sum(static result => result.Files.Sum(static file => file.Bytes)),
        AssertHolder = AssertHolder,
    };

    /// <summary>The whole way: stage, units, commit.</summary>
    public async Task<CommitReceipt> LoadAsync(params string[] units)
    {
        await StageAsync(units[0]);
        foreach (var unit in units) await WriteUnitAsync(unit);
        return await CommitAsync();
    }

    /// <summary>The first column of the first row, as text.</summary>
    public string? Ask(string sql)
    {
        using var result = Connection.Query($"SELECT ({sql})::VARCHAR");
        return result.Read() ? result.GetText(0) : null;
    }

    public void Dispose()
    {
        CloseWorker();
        Connection.Dispose();
        _database.Dispose();
    }

    /// <summary>A second DuckDB, locked as a worker's: it can write where the writer says and nowhere else.</summary>
    private async Task OpenWorkerAsync()
    {
        _worker = Open();
        _lane = _worker.Connect();
        await using var writer = Connector.OpenWriter(Context);
        writer.Attach(_lane);
        var paths = writer.WritablePaths(Header).Select(path => $"'{path.Replace("'", "''")}'");
        _lane.Execute($"SET GLOBAL TimeZone = 'UTC'; SET GLOBAL allowed_directories = [{string.Join(", ", paths)}]");
        _lane.Execute("SET GLOBAL enable_external_access = false; SET GLOBAL lock_configuration = true");
    }

    private void CloseWorker()
    {
        _lane?.Dispose();
        _worker?.Dispose();
    }

    private static DuckDbDatabase Open() => DuckDbDatabase.Open(new Dictionary<string, string>
    {
        ["threads"] = "2", ["preserve_insertion_order"] = "false", ["memory_limit"] = "256MB",
    });

    /// <summary>Every file below a folder, sorted, with <c>/</c>.</summary>
    public static string[] FilesIn(string folder) => Directory.Exists(folder)
        ? [.. Directory.EnumerateFiles(folder, "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None })
            .Select(path => Path.GetRelativePath(folder, path).Replace('\\', '/')).Order(StringComparer.Ordinal)]
        : [];
}
