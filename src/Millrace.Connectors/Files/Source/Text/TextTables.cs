using System.Collections.Concurrent;
using System.Globalization;
using Millrace.DuckDb;

namespace Millrace.Connectors.Files.Source.Text;

/// <summary>The tables that a worker's DuckDB can read by <c>millrace_text(token)</c>. Thread safe.</summary>
internal sealed class TextTables
{
    private const string FunctionName = "millrace_text";

    private readonly ConcurrentDictionary<long, TextTable> _tables = new();
    private long _lastToken;

    /// <summary>Makes the function known to a database.</summary>
    public void Attach(DuckDbConnection connection) => connection.RegisterTableFunction(FunctionName, token => _tables[token]);

    /// <summary>Adds a table; gives its token and the call that reads it.</summary>
    public (long Token, string Call) Add(TextTable table)
    {
        var token = Interlocked.Increment(ref _lastToken);
        _tables[token] = table;
        return (token, string.Create(CultureInfo.InvariantCulture, $"{FunctionName}({token})"));
    }

    /// <summary>Forgets a table and closes its files.</summary>
    public void Remove(long token)
    {
        if (_tables.TryRemove(token, out var table)) table.Dispose();
    }
}
