using System.Collections.Immutable;
using Millrace.Connectors.Postgres;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Connectors.Tests.Postgres.Source;

/// <summary>
/// A run in small: the coordinator's half of the source and the worker's half with a DuckDB, without engine, run directory or target.
/// Each stream's rows end up in a DuckDB table of its own.
/// </summary>
internal sealed class PgRun : IAsyncDisposable
{
    /// <summary>A target that holds everything.</summary>
    internal static readonly TargetTraits Everything = new()
    {
        Nested = true,
        Bytes = true,
        InfiniteDates = true,
        NonFiniteFloats = true,
        EndOfDay = true,
        HugeIntegers = true,
        Intervals = true,
        TimeOffsets = true,
    };

    /// <summary>A target that holds flat values of the plainest kinds only.</summary>
    internal static readonly TargetTraits Plain = new()
    {
        Nested = false,
        Bytes = false,
        InfiniteDates = false,
        NonFiniteFloats = false,
        EndOfDay = false,
        HugeIntegers = false,
        Intervals = false,
        TimeOffsets = false,
    };

    private readonly DuckDbDatabase _database;
    private int _tables;

    private PgRun(ISource source, IUnitReader reader)
    {
        Source = source;
        Reader = reader;
        _database = DuckDbDatabase.Open(new Dictionary<string, string> { ["threads"] = "2" });
        Duck = _database.Connect();
        Duck.Execute("SET TimeZone = 'UTC'");
        reader.Attach(Duck);
    }

    /// <summary>The coordinator's half.</summary>
    internal ISource Source { get; }

    /// <summary>The worker's half.</summary>
    internal IUnitReader Reader { get; }

    /// <summary>The DuckDB that holds the tables.</summary>
    internal DuckDbConnection Duck { get; }

    internal static StreamJob Stream(string name) => new() { Name = name, Mark = new Mark($"streams.{name}", "job.yaml", 7) };

    /// <summary>Connects nothing yet.</summary>
    internal static PgRun Open(string url, int connections = 3)
    {
        var context = new SourceContext { Address = url, Mark = new Mark("source"), BaseDirectory = "/", Connections = connections };
        var connector = new PostgresConnector();
        return new PgRun(connector.Open(context), connector.OpenReader(context));
    }

    /// <summary>Holds and plans one stream.</summary>
    internal async Task<StreamPlan> PlanAsync(StreamJob stream, TargetTraits? traits = null, long unitBytes = Limits.UnitBytesTarget, bool oneUnit = false)
    {
        await Source.HoldAsync([stream], CancellationToken.None);
        return await PlanHeldAsync(stream, traits, unitBytes, oneUnit);
    }

    /// <summary>Plans one stream that is held already.</summary>
    internal async Task<StreamPlan> PlanHeldAsync(StreamJob stream, TargetTraits? traits = null, long unitBytes = Limits.UnitBytesTarget, bool oneUnit = false) =>
        await Source.PlanAsync(stream, new PlanRequest { Target = traits ?? Everything, Workers = 1, UnitBytes = unitBytes, OneUnit = oneUnit }, CancellationToken.None);

    internal static StreamHeader HeaderOf(StreamPlan plan) => new()
    {
        Run = "test",
        Stream = plan.Stream.Name,
        To = "t",
        Generation = 1,
        Moment = plan.Moment,
        Columns = plan.Columns,
        ReaderJson = plan.ReaderJson,
        WriterJson = "{}",
    };

    internal static async Task<ImmutableArray<Unit>> UnitsOf(StreamPlan plan)
    {
        var units = ImmutableArray.CreateBuilder<Unit>();
        await foreach (var unit in plan.Units(CancellationToken.None))
            units.Add(new Unit { Number = units.Count, Slice = unit.Slice, Label = unit.Label, EstimatedRows = unit.EstimatedRows, EstimatedBytes = unit.EstimatedBytes });
        return units.ToImmutable();
    }

    /// <summary>Reads all units of a plan; gives the DuckDB table's name.</summary>
    internal async Task<string> ReadAsync(StreamPlan plan)
    {
        var table = $"t{++_tables}";
        var header = HeaderOf(plan);
        foreach (var unit in await UnitsOf(plan))
            await ReadUnitAsync(header, unit, unit.Number == 0 ? $"CREATE TABLE {table} AS" : $"INSERT INTO {table}");
        return table;
    }

    /// <summary>Reads one unit into a statement, and checks the counts as a worker does.</summary>
    internal async Task ReadUnitAsync(StreamHeader header, Unit unit, string into)
    {
        await using var input = await Reader.OpenAsync(header, unit, CancellationToken.None);
        long copied;
        try
        {
            using var answer = await Duck.QueryAsync($"{into} {input.Select}", CancellationToken.None);
            copied = answer.RowsChanged;
        }
        catch (DuckDbException error)
        {
            throw input.Explain(error) as Exception ?? error;
        }

        await input.CompleteAsync(copied, CancellationToken.None);
        Assert.True(input.RowsRead == copied || into.StartsWith("CREATE", StringComparison.Ordinal), $"{input.RowsRead} rows read, {copied} copied");
    }

    /// <summary>Holds, plans and reads one stream; gives the DuckDB table's name.</summary>
    internal async Task<string> MoveAsync(StreamJob stream, TargetTraits? traits = null, long unitBytes = Limits.UnitBytesTarget) =>
        await ReadAsync(await PlanAsync(stream, traits, unitBytes));

    /// <summary>The rows of a DuckDB query, every value as text.</summary>
    internal List<string?[]> Rows(string sql)
    {
        var rows = new List<string?[]>();
        using var result = Duck.Query(sql);
        while (result.Read())
        {
            var row = new string?[result.Columns.Count];
            for (var i = 0; i < row.Length; i++) row[i] = result.GetText(i);
            rows.Add(row);
        }

        return rows;
    }

    /// <summary>One value of a DuckDB query.</summary>
    internal string? Value(string sql) => Rows(sql)[0][0];

    /// <summary>Opens a plan's first unit; the caller disposes it.</summary>
    internal async Task<IUnitInput> OpenFirstAsync(StreamPlan plan) => await Reader.OpenAsync(HeaderOf(plan), (await UnitsOf(plan))[0], CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        Duck.Dispose();
        _database.Dispose();
        await Reader.DisposeAsync();
        await Source.DisposeAsync();
    }
}
