using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Millrace.DuckDb;

/// <summary>
/// Taps that count the rows that break rules: every row passes, one that keeps all of them costs no call. A row's text is made only as long as
/// some of its rules have too few. Thread safe.
/// </summary>
/// <param name="name">The function's name in SQL.</param>
public sealed class RuleTaps(string name)
{
    private readonly ConcurrentDictionary<long, RuleTally> _tallies = new();
    private long _lastToken;

    /// <summary>Makes the functions known to a connection's database; once for each database.</summary>
    /// <exception cref="DuckDbException">DuckDB refuses them.</exception>
    public void Attach(DuckDbConnection connection)
    {
        connection.RegisterRowFunction(name, DuckDbType.Boolean, (token, _) => new Counting(_tallies[token]));
        connection.RegisterRowFunction(RuleTap.Wanting(name), DuckDbType.Boolean, (token, _) => new Asking(_tallies[token]));
    }

    /// <summary>Opens a tap. Dispose it when its query has ended; a query that names it afterwards fails.</summary>
    public RuleTap Open(RuleTally tally)
    {
        var token = Interlocked.Increment(ref _lastToken);
        _tallies[token] = tally;
        return new RuleTap(name, token, () => _tallies.TryRemove(token, out _));
    }

    private sealed class Counting(RuleTally tally) : IRowFunction
    {
        private static readonly DuckDbType[] Types = [DuckDbType.BigInt, DuckDbType.Varchar, DuckDbType.Varchar];

        public unsafe void Run(nint chunk, int rows, nint output)
        {
            var columns = new ChunkReader(chunk, Types);
            var broken = columns.Column(1);
            var texts = columns.Column(2);
            for (var row = 0; row < rows; row++) tally.Take(broken.Bytes(row), texts.IsNull(row) ? default : texts.Bytes(row));
            new Span<byte>((void*)output, rows).Fill(1);
        }
    }

    private sealed class Asking(RuleTally tally) : IRowFunction
    {
        private static readonly DuckDbType[] Types = [DuckDbType.BigInt, DuckDbType.Varchar];

        public unsafe void Run(nint chunk, int rows, nint output)
        {
            var broken = new ChunkReader(chunk, Types).Column(1);
            var wanted = new Span<byte>((void*)output, rows);
            for (var row = 0; row < rows; row++) wanted[row] = tally.Wants(broken.Bytes(row)) ? (byte)1 : (byte)0;
        }
    }
}

/// <summary>An open tap. Its query runs at most once.</summary>
public sealed class RuleTap : IDisposable
{
    private const string Broken = "millrace_broken";
    private const string Counted = "millrace_counted";

    private readonly string _name;
    private readonly long _token;
    private readonly Action _close;

    internal RuleTap(string name, long token, Action close)
    {
        _name = name;
        _token = token;
        _close = close;
    }

    /// <summary>A SELECT whose rows all pass this tap.</summary>
    /// <param name="select">A complete SELECT.</param>
    /// <param name="broken">SQL over its columns: the numbers of the rules that a row breaks, with a comma between them; NULL where it keeps all.</param>
    /// <param name="row">SQL of the row as text.</param>
    public string Over(string select, string broken, string row)
    {
        // A column of its own, and a condition on that, as with other taps. CASE looks at its branches only for the rows that get there.
        var token = _token.ToString(CultureInfo.InvariantCulture);
        var sql = new StringBuilder("SELECT * EXCLUDE (").Append(Broken).Append(", ").Append(Counted).Append(") FROM (SELECT *, CASE WHEN ").Append(Broken);
        sql.Append(" IS NULL THEN true ELSE ").Append(_name).Append('(').Append(token).Append(", ").Append(Broken);
        sql.Append(", CASE WHEN ").Append(Wanting(_name)).Append('(').Append(token).Append(", ").Append(Broken).Append(") THEN CAST(").Append(row);
        sql.Append(" AS VARCHAR) END) END AS ").Append(Counted).Append(" FROM (SELECT *, ").Append(broken).Append(" AS ").Append(Broken);
        return sql.Append(" FROM (").Append(select).Append("))) WHERE ").Append(Counted).ToString();
    }

    /// <inheritdoc/>
    public void Dispose() => _close();

    internal static string Wanting(string name) => name + "_wants";
}
