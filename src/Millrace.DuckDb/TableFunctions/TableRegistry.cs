using System.Collections.Concurrent;
using System.Globalization;

namespace Millrace.DuckDb;

/// <summary>
/// The tables that the databases of a process can read by one table function, <c>name(token)</c>: each is there from <see cref="Add"/> to
/// <see cref="Remove"/>, and what becomes of it then is its owner's matter. Thread safe.
/// </summary>
/// <param name="name">The function's name in SQL.</param>
public sealed class TableRegistry(string name)
{
    private readonly ConcurrentDictionary<long, ITableSource> _tables = new();
    private long _lastToken;

    /// <summary>Makes the function known to a connection's database; once for each database.</summary>
    /// <exception cref="DuckDbException">DuckDB refuses the function.</exception>
    public void Attach(DuckDbConnection connection) => connection.RegisterTableFunction(name, token => _tables[token]);

    /// <summary>Adds a table.</summary>
    /// <returns>Its token, and the call that reads it, as it stands behind FROM.</returns>
    public (long Token, string Call) Add(ITableSource table)
    {
        var token = Interlocked.Increment(ref _lastToken);
        _tables[token] = table;
        return (token, string.Create(CultureInfo.InvariantCulture, $"{name}({token})"));
    }

    /// <summary>Forgets a table; a query that names it afterwards fails.</summary>
    public void Remove(long token) => _tables.TryRemove(token, out _);
}
