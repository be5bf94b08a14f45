using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Millrace.DuckDb;

/// <summary>
/// Taps: conditions that every row meets and that hash the rows that pass. A SELECT over <c>name(token, columns)</c> gives what it is given,
/// unchanged and uncopied, and the tap's sum says what it was. Thread safe.
/// </summary>
/// <param name="name">The function's name in SQL.</param>
public sealed class HashTaps(string name)
{
    private readonly ConcurrentDictionary<long, ContentSum> _sums = new();
    private long _lastToken;

    /// <summary>Makes the function known to a connection's database; once for each database.</summary>
    /// <exception cref="DuckDbException">DuckDB refuses the function.</exception>
    public void Attach(DuckDbConnection connection) =>
        connection.RegisterRowFunction(name, DuckDbType.Boolean, (token, types) => new Passing(RowFunction.HasherOf(types, firstVector: 1), _sums[token]));

    /// <summary>Opens a tap. Dispose it when its query has ended; a query that names it afterwards fails.</summary>
    /// <param name="passed">Hears how many rows pass, chunk by chunk, on DuckDB's thread: as long as it takes, no further rows pass there.</param>
    public HashTap Open(Action<long>? passed = null)
    {
        var token = Interlocked.Increment(ref _lastToken);
        var sum = _sums[token] = new ContentSum(passed);
        return new HashTap(name, token, sum, () => _sums.TryRemove(token, out _));
    }

    /// <summary>One tap in one query: every row passes.</summary>
    private sealed class Passing(ChunkHasher hasher, ContentSum sum) : IRowFunction
    {
        public unsafe void Run(nint chunk, int rows, nint output)
        {
            sum.Add(hasher.Hash(chunk, rows));
            new Span<byte>((void*)output, rows).Fill(1);
        }
    }
}

/// <summary>An open tap that adds up rows: those of all its queries, one after the other.</summary>
public interface IContentTap : IDisposable
{
    /// <summary>What has passed so far; after the query, all of it.</summary>
    ContentHash Hash { get; }

    /// <summary>A SELECT whose rows all pass this tap.</summary>
    /// <param name="select">A complete SELECT.</param>
    /// <param name="columns">The columns that are hashed, in the order that counts; at least one.</param>
    string Over(string select, IEnumerable<string> columns);
}

/// <summary>An open tap of whole rows.</summary>
public sealed class HashTap : IContentTap
{
    private const string Passes = "millrace_passes";

    private readonly string _name;
    private readonly long _token;
    private readonly ContentSum _sum;
    private readonly Action _close;

    internal HashTap(string name, long token, ContentSum sum, Action close)
    {
        _name = name;
        _token = token;
        _sum = sum;
        _close = close;
    }

    /// <inheritdoc/>
    public ContentHash Hash => _sum.Value;

    /// <inheritdoc/>
    public string Over(string select, IEnumerable<string> columns) => Over(select, _name, _token, columns.Select(SqlText.Name));

    /// <summary>A SELECT whose rows all pass a function of these values.</summary>
    internal static string Over(string select, string name, long token, IEnumerable<string> values)
    {
        // A column of its own, and a condition on that: DuckDB does not push a volatile column down. A condition that calls the function would
        // share a filter with those of the SELECT, and see the rows that they leave out.
        var sql = new StringBuilder("SELECT * EXCLUDE (").Append(Passes).Append(") FROM (SELECT *, ").Append(name);
        sql.Append('(').Append(token.ToString(CultureInfo.InvariantCulture));
        foreach (var value in values) sql.Append(", ").Append(value);
        return sql.Append(") AS ").Append(Passes).Append(" FROM (").Append(select).Append(")) WHERE ").Append(Passes).ToString();
    }

    /// <inheritdoc/>
    public void Dispose() => _close();
}
