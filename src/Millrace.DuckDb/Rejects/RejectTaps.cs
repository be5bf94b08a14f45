using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Millrace.DuckDb;

/// <summary>Takes a rejected row. Called on DuckDB's threads, several at once; what it throws fails the query.</summary>
/// <param name="rejects">What the source says of it, UTF-8.</param>
/// <param name="row">The row as the SQL gives it, UTF-8; empty when it gives none.</param>
public delegate void RejectedRow(ReadOnlySpan<byte> rejects, ReadOnlySpan<byte> row);

/// <summary>
/// Taps that take rejected rows out of a query: a row whose column of rejects is NULL passes and costs no call; any other one is handed over
/// and goes no further. Thread safe.
/// </summary>
/// <param name="name">The function's name in SQL.</param>
public sealed class RejectTaps(string name)
{
    private readonly ConcurrentDictionary<long, RejectedRow> _takers = new();
    private long _lastToken;

    /// <summary>Makes the function known to a connection's database; once for each database.</summary>
    /// <exception cref="DuckDbException">DuckDB refuses the function.</exception>
    public void Attach(DuckDbConnection connection) =>
        connection.RegisterRowFunction(name, DuckDbType.Boolean, (token, _) => new Leaving(_takers[token]));

    /// <summary>Opens a tap. Dispose it when its query has ended; a query that names it afterwards fails.</summary>
    public RejectTap Open(RejectedRow take)
    {
        var token = Interlocked.Increment(ref _lastToken);
        _takers[token] = take;
        return new RejectTap(name, token, () => _takers.TryRemove(token, out _));
    }

    /// <summary>One tap in one query: no row that gets here passes.</summary>
    private sealed class Leaving(RejectedRow take) : IRowFunction
    {
        private static readonly DuckDbType[] Types = [DuckDbType.BigInt, DuckDbType.Varchar, DuckDbType.Varchar];

        public unsafe void Run(nint chunk, int rows, nint output)
        {
            var columns = new ChunkReader(chunk, Types);
            var rejects = columns.Column(1);
            var texts = columns.Column(2);
            for (var row = 0; row < rows; row++) take(rejects.Bytes(row), texts.IsNull(row) ? default : texts.Bytes(row));
            new Span<byte>((void*)output, rows).Clear();
        }
    }
}

/// <summary>An open tap. Its query runs at most once.</summary>
public sealed class RejectTap : IDisposable
{
    private const string Stays = "millrace_stays";

    private readonly string _name;
    private readonly long _token;
    private readonly Action _close;

    internal RejectTap(string name, long token, Action close)
    {
        _name = name;
        _token = token;
        _close = close;
    }

    /// <summary>A SELECT of the rows without rejects, and without that column.</summary>
    /// <param name="select">A complete SELECT.</param>
    /// <param name="rejects">Its VARCHAR column that is NULL where a row has none.</param>
    /// <param name="row">SQL of the row as text, looked at for rejected rows only; null: not needed.</param>
    public string Over(string select, string rejects, string? row)
    {
        // A column of its own, and a condition on that, as with other taps. CASE looks at its last branch only for the rows that get there.
        var column = SqlText.Name(rejects);
        var sql = new StringBuilder("SELECT * EXCLUDE (").Append(column).Append(", ").Append(Stays).Append(") FROM (SELECT *, CASE WHEN ").Append(column);
        sql.Append(" IS NULL THEN true ELSE ").Append(_name).Append('(').Append(_token.ToString(CultureInfo.InvariantCulture)).Append(", ").Append(column);
        sql.Append(", CAST(").Append(row ?? "NULL").Append(" AS VARCHAR)) END AS ").Append(Stays);
        return sql.Append(" FROM (").Append(select).Append(")) WHERE ").Append(Stays).ToString();
    }

    /// <inheritdoc/>
    public void Dispose() => _close();
}
