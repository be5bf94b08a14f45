namespace Millrace.DuckDb;

/// <summary>
/// A DuckDB database, in memory or in a file. Connections keep it alive by themselves: disposing it ends only this reference.
/// Thread safe.
/// </summary>
public sealed class DuckDbDatabase : IDisposable
{
    private readonly DatabaseHandle _handle;

    private DuckDbDatabase(DatabaseHandle handle) => _handle = handle;

    /// <summary>Opens a database; loads libduckdb when that has not happened yet.</summary>
    /// <param name="settings">DuckDB's settings by name, such as <c>memory_limit</c>, <c>threads</c>; null for its defaults.</param>
    /// <param name="path">The database file, made when it is missing; null for one in memory.</param>
    /// <exception cref="DuckDbLibraryException">libduckdb is missing.</exception>
    /// <exception cref="DuckDbException">A setting is not known or wrong, or the file can't be opened.</exception>
    public static DuckDbDatabase Open(IEnumerable<KeyValuePair<string, string>>? settings = null, string? path = null)
    {
        DuckDbLibrary.EnsureLoaded();
        using var config = NewConfig();
        foreach (var (name, value) in settings ?? [])
        {
            if (NativeMethods.duckdb_set_config(config, name, value) != 0)
                throw new DuckDbException(DuckDbErrorType.Settings, $"DuckDB does not take the setting {name} = '{value}'.");
        }

        if (NativeMethods.duckdb_open_ext(path ?? ":memory:", out var database, config, out var error) == 0)
            return new DuckDbDatabase(database);
        database.Dispose();
        throw DuckDbException.FromOpen(NativeMethods.Owned(error));
    }

    /// <summary>Opens a connection. Each is used by one thread at a time.</summary>
    /// <exception cref="ObjectDisposedException">The database is disposed.</exception>
    /// <exception cref="DuckDbException">DuckDB can't connect.</exception>
    public DuckDbConnection Connect()
    {
        if (NativeMethods.duckdb_connect(_handle, out var connection) == 0) return new DuckDbConnection(connection);
        connection.Dispose();
        throw new DuckDbException(DuckDbErrorType.Connection, "DuckDB can't open a connection.");
    }

    /// <inheritdoc/>
    public void Dispose() => _handle.Dispose();

    private static ConfigHandle NewConfig() => NativeMethods.duckdb_create_config(out var config) == 0
        ? config
        : throw new DuckDbException(DuckDbErrorType.OutOfMemory, "DuckDB can't make a configuration.");
}
