using System.Collections.Immutable;
using Millrace.Connectors.Postgres;
using Millrace.Connectors.Postgres.Catalog;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Connectors.Postgres.Types;
using Millrace.Connectors.Postgres.Writing;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Connectors.Tests.Postgres.Source;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Load;
using Millrace.Planning;
using Millrace.Runs;
using Npgsql;

namespace Millrace.Connectors.Tests.Postgres.Writing;

/// <summary>
/// A load in small: a stage that the test makes, the worker's half of the target, and a DuckDB that is locked as a worker's. What arrived is
/// read by Npgsql.
/// </summary>
internal sealed class PgLoad : IAsyncDisposable
{
    private readonly NpgsqlDataSource _npgsql;
    private readonly DuckDbDatabase _database;
    private readonly DuckDbConnection _lane;
    private readonly PostgresUnitWriter _writer;
    private readonly string _url;
    private int _units;

    private PgLoad(PgServer server, string schema, string url, int connections, int threads, string database)
    {
        _npgsql = NpgsqlDataSource.Create(server.ConnectionString(database));
        _url = server.Url(database: database);
        Schema = schema;
        var context = new TargetContext { Address = url, Mark = new Mark("target"), Format = FileFormat.Parquet, BaseDirectory = "/", Connections = connections };
        _writer = new PostgresUnitWriter(PgSettings.Parse(url), context);
        _database = DuckDbDatabase.Open(new Dictionary<string, string> { ["threads"] = $"{threads}", ["preserve_insertion_order"] = "false" });
        _lane = _database.Connect();
        _writer.Attach(_lane);
        _lane.Execute($"SET GLOBAL TimeZone = 'UTC'; SET GLOBAL allowed_directories = ['{_writer.WritablePaths(null!)[0]}']");
        _lane.Execute("SET GLOBAL enable_external_access = false; SET GLOBAL lock_configuration = true");
    }

    internal string Schema { get; }

    internal StreamHeader Header { get; private set; } = null!;

    internal string Stage => $"{Schema}.stage";

    internal string Attempts => $"{Schema}.attempts";

    /// <summary>A schema of its own on a server.</summary>
    internal static async Task<PgLoad> OpenAsync(
        PgServer server, string schema, int connections = 2, int threads = 1, string? user = null, string database = "postgres")
    {
        var load = new PgLoad(server, schema, server.Url(user ?? PgServer.Superuser, database), connections, threads, database);
        await load.ExecuteAsync($"DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
        return load;
    }

    /// <summary>Runs SQL as superuser, through Npgsql.</summary>
    internal async Task ExecuteAsync(string sql)
    {
        await using var command = _npgsql.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>Writes to another load's stage.</summary>
    internal void Take(StreamHeader header) => Header = header;

    /// <summary>Makes a stage for the columns of a SELECT, of the types that a new table gets.</summary>
    internal Task StageAsync(string select) => StageAsync(ColumnsOf(select));

    /// <summary>Makes a stage for columns; each may be given the stage's type.</summary>
    internal async Task StageAsync(ImmutableArray<Column> columns, params string?[] types)
    {
        var definitions = columns.Select((column, i) => $"{PgName.Quote(column.Name)} {types.ElementAtOrDefault(i) ?? PgTargetTypes.SqlFor(column)}");
        await ExecuteAsync(
            $"""
            DROP TABLE IF EXISTS {Stage}, {Attempts};
            CREATE TABLE {Stage} ({string.Join(", ", definitions)});
            CREATE TABLE {Attempts} (attempt text PRIMARY KEY, unit bigint, xid bigint, rows bigint)
            """);
        await using var control = new PgControl(PgSettings.Parse(_url), TimeProvider.System);
        var oid = (await control.QueryAsync("SELECT $1::regclass::oid", [Stage], CancellationToken.None))[0][0]!;
        var attributes = await new PgTypeCatalog(control).AttributesAsync(uint.Parse(oid), CancellationToken.None);
        var encodings = columns.Zip(attributes, static (column, attribute) => PgEncodings.For(DuckDbType.Parse(column.Type), attribute.Type, attribute.Modifier)).ToList();
        if (encodings.Contains(null)) throw new NoWayException([.. Enumerable.Range(0, columns.Length).Where(i => encodings[i] is null)]);
        var written = attributes.Zip(encodings, static (attribute, encoding) => new PgWrittenColumn(PgName.Quote(attribute.Name), encoding!));
        Header = new StreamHeader
        {
            Run = "run", Stream = "source", To = "target", Generation = 1, Columns = columns, ReaderJson = "{}",
            WriterJson = new PgWriting(Stage, Attempts, [.. written]).ToJson(),
        };
    }

    /// <summary>Whether a SELECT of one value gives true.</summary>
    internal bool IsTrue(string select)
    {
        using var result = _lane.Query($"SELECT 'true' FROM ({select}) AS q(v) WHERE v");
        return result.Read();
    }

    internal ImmutableArray<Column> ColumnsOf(string select)
    {
        using var described = _lane.Query($"DESCRIBE {select}");
        var columns = ImmutableArray.CreateBuilder<Column>();
        while (described.Read())
        {
            var name = described.GetText(0)!;
            columns.Add(new Column { Name = name, SourceName = name, SourceType = "", Type = DuckDbType.Parse(described.GetText(1)!).ToSql() });
        }

        return columns.ToImmutable();
    }

    /// <summary>Begins an attempt at a unit.</summary>
    internal async Task<IUnitOutput> OpenUnitAsync(CancellationToken cancel = default)
    {
        var unit = new Unit { Number = _units++, Slice = "{}", Label = "the unit" };
        return await _writer.OpenAsync(Header, unit, "g1-e1-a1", cancel);
    }

    /// <summary>Copies the rows of a SELECT; the attempt is not complete yet.</summary>
    internal async Task<long> CopyAsync(IUnitOutput output, string select, CancellationToken cancel = default)
    {
        try
        {
            using var answer = await _lane.QueryAsync(output.CopyStatement(select, 1), cancel);
            return output.Answered(answer);
        }
        catch (DuckDbException error)
        {
            throw output.Explain(error) as Exception ?? error;
        }
    }

    /// <summary>As <see cref="CopyAsync"/>, on the calling thread where DuckDB has one thread only.</summary>
    internal void Copy(IUnitOutput output, string select) => _lane.Execute(output.CopyStatement(select, 1));

    /// <summary>Writes a unit.</summary>
    internal async Task<WrittenOutput> WriteAsync(string select)
    {
        await using var output = await OpenUnitAsync();
        var copied = await CopyAsync(output, select);
        var written = await output.CompleteAsync(CancellationToken.None);
        Assert.Equal(copied, written.Rows);
        return written;
    }

    /// <summary>The whole way: stage and one unit.</summary>
    internal async Task<WrittenOutput> LoadAsync(string select)
    {
        await StageAsync(select);
        return await WriteAsync(select);
    }

    /// <summary>What a SELECT gives through Npgsql, as texts.</summary>
    internal async Task<List<string?[]>> ReadAsync(string sql)
    {
        await using var command = _npgsql.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string?[]>();
        while (await reader.ReadAsync())
            rows.Add([.. Enumerable.Range(0, reader.FieldCount).Select(i => reader.IsDBNull(i) ? null : reader.GetValue(i).ToString())]);
        return rows;
    }

    /// <summary>One value through Npgsql, as a text.</summary>
    internal async Task<string?> ValueAsync(string sql) => (await ReadAsync(sql))[0][0];

    /// <summary>One row through Npgsql as one text.</summary>
    internal async Task<string> RowAsync(string sql) => string.Join('|', (await ReadAsync(sql))[0]);

    /// <summary>What DuckDB says, as texts.</summary>
    internal List<string?[]> Ask(string sql)
    {
        using var result = _lane.Query(sql);
        var rows = new List<string?[]>();
        while (result.Read()) rows.Add([.. Enumerable.Range(0, result.Columns.Count).Select(result.GetText)]);
        return rows;
    }

    /// <summary>Reads all units of a plan into a DuckDB table.</summary>
    internal async Task ReadIntoAsync(PgRun run, StreamPlan plan, string table)
    {
        run.Reader.Attach(_lane);
        foreach (var unit in await PgRun.UnitsOf(plan))
        {
            await using var input = await run.Reader.OpenAsync(PgRun.HeaderOf(plan), unit, CancellationToken.None);
            await _lane.ExecuteAsync($"{(unit.Number == 0 ? $"CREATE TABLE {table} AS" : $"INSERT INTO {table}")} {input.Select}", CancellationToken.None);
        }
    }

    /// <summary>Runs SQL in DuckDB.</summary>
    internal void Duck(string sql) => _lane.Execute(sql);

    public async ValueTask DisposeAsync()
    {
        await _npgsql.DisposeAsync();
        _lane.Dispose();
        _database.Dispose();
        await _writer.DisposeAsync();
    }
}

/// <summary>The type table has no way for these columns.</summary>
internal sealed class NoWayException(ImmutableArray<int> columns) : Exception($"there is no way for the columns {string.Join(", ", columns)}")
{
    internal ImmutableArray<int> Columns { get; } = columns;
}
