using Millrace.DuckDb;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// A small DuckDB of its own for looking at files: samples, footers, headers. Opened when first asked, so that what needs none costs
/// none; disposed with the planning it served. Used by one thread at a time.
/// </summary>
internal sealed class Probe : IDisposable
{
    /// <summary>How such a DuckDB is opened.</summary>
    public static IReadOnlyDictionary<string, string> Settings { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["threads"] = "1",
        ["memory_limit"] = "512MB",
        ["temp_directory"] = "",
        ["autoinstall_known_extensions"] = "false",
        ["autoload_known_extensions"] = "false",
    };

    private readonly bool _filesAllowed;
    private DuckDbDatabase? _database;
    private DuckDbConnection? _connection;

    /// <summary>A probe that may read files, or one that may not, for text that a user wrote.</summary>
    public Probe(bool filesAllowed = true) => _filesAllowed = filesAllowed;

    /// <summary>Runs a query.</summary>
    /// <exception cref="DuckDbException">DuckDB refuses it.</exception>
    public DuckDbResult Query(string sql) => Connection().Query(sql);

    /// <summary>Runs a query on a thread of its own.</summary>
    /// <exception cref="DuckDbException">DuckDB refuses it.</exception>
    public Task<DuckDbResult> QueryAsync(string sql, CancellationToken cancel) => Connection().QueryAsync(sql, cancel);

    /// <summary>Names and types of a query's columns, without running it.</summary>
    /// <exception cref="DuckDbException">DuckDB refuses it.</exception>
    public async Task<IReadOnlyList<TableColumn>> DescribeAsync(string select, CancellationToken cancel)
    {
        using var result = await QueryAsync($"SELECT * FROM ({select}) LIMIT 0", cancel).ConfigureAwait(false);
        return result.Columns;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _connection?.Dispose();
        _database?.Dispose();
    }

    private DuckDbConnection Connection()
    {
        if (_connection is not null) return _connection;
        _database = DuckDbDatabase.Open(Settings);
        _connection = _database.Connect();
        _connection.Execute("SET TimeZone = 'UTC'");
        _connection.Execute("SET preserve_insertion_order = true");
        if (!_filesAllowed) _connection.Execute("SET enable_external_access = false");
        return _connection;
    }
}
