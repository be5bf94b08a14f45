using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Millrace.DuckDb;

/// <summary>
/// Taps that know rows by their keys. One adds every row up by its key's bucket (<see cref="OpenSums"/>), one lets the rows of some buckets pass
/// (<see cref="OpenChoice"/>), and <see cref="HashOf"/> gives each row's own hash. All see values as <see cref="HashTaps"/> does. Thread safe.
/// </summary>
/// <param name="name">How the functions' names begin in SQL.</param>
public sealed class KeyTaps(string name)
{
    private readonly ConcurrentDictionary<long, (BucketSums Sums, int Keys)> _sums = new();
    private readonly ConcurrentDictionary<long, KeyChoice> _choices = new();
    private long _lastToken;

    /// <summary>Makes the functions known to a connection's database; once for each database.</summary>
    /// <exception cref="DuckDbException">DuckDB refuses a function.</exception>
    public void Attach(DuckDbConnection connection)
    {
        connection.RegisterRowFunction(name + "_sum", DuckDbType.Boolean, (token, types) =>
        {
            var (sums, keys) = _sums[token];
            return new Summing(RowFunction.HasherOf(types.AsSpan(0, keys), 1), RowFunction.HasherOf(types.AsSpan(keys), 1 + keys), sums);
        });
        connection.RegisterRowFunction(name + "_pick", DuckDbType.Boolean, (token, types) => new Choosing(RowFunction.HasherOf(types, 1), _choices[token]));
        connection.RegisterRowFunction(name + "_hash", DuckDbType.Of(DuckDbKind.UBigInt), static (_, types) => new Hashing(RowFunction.HasherOf(types, 1)));
    }

    /// <summary>Opens a tap that adds rows up by the buckets of their keys. Dispose it when its query has ended.</summary>
    /// <param name="sums">Where they are added up.</param>
    /// <param name="keys">The columns that a row is known by; at least one.</param>
    /// <param name="columns">The columns that are compared, in the order that counts; at least one.</param>
    public KeyTap OpenSums(BucketSums sums, IReadOnlyList<string> keys, IReadOnlyList<string> columns)
    {
        var token = Interlocked.Increment(ref _lastToken);
        _sums[token] = (sums, keys.Count);
        return new KeyTap(Call("_sum", token, [.. keys, .. columns]), () => _sums.TryRemove(token, out _));
    }

    /// <summary>Opens a condition that the rows of some buckets meet. Dispose it when its query has ended.</summary>
    /// <param name="choice">The buckets; also counts every row that was looked at.</param>
    /// <param name="keys">The columns that a row is known by; at least one.</param>
    public KeyTap OpenChoice(KeyChoice choice, IReadOnlyList<string> keys)
    {
        var token = Interlocked.Increment(ref _lastToken);
        _choices[token] = choice;
        return new KeyTap(Call("_pick", token, keys), () => _choices.TryRemove(token, out _));
    }

    /// <summary>An expression: the hash of these columns of a row, a UBIGINT that is never NULL.</summary>
    public string HashOf(params IReadOnlyList<string> columns) => Call("_hash", 0, columns);

    private string Call(string function, long token, IReadOnlyList<string> columns) =>
        $"{name}{function}({token.ToString(CultureInfo.InvariantCulture)}, {string.Join(", ", columns.Select(SqlText.Name))})";

    private sealed class Summing(ChunkHasher keys, ChunkHasher columns, BucketSums sums) : IRowFunction
    {
        [SkipLocalsInit]
        public unsafe void Run(nint chunk, int rows, nint output)
        {
            var keyHashes = stackalloc ulong[ChunkHasher.StepRows];
            var rowHashes = stackalloc ulong[ChunkHasher.StepRows];
            for (var first = 0; first < rows; first += ChunkHasher.StepRows)
            {
                var count = Math.Min(ChunkHasher.StepRows, rows - first);
                keys.Rows(chunk, rows, first, count, keyHashes);
                columns.Rows(chunk, rows, first, count, rowHashes);
                for (var i = 0; i < count; i++) sums.Add(keyHashes[i], rowHashes[i]);
            }

            new Span<byte>((void*)output, rows).Fill(1);
        }
    }

    private sealed class Choosing(ChunkHasher keys, KeyChoice choice) : IRowFunction
    {
        [SkipLocalsInit]
        public unsafe void Run(nint chunk, int rows, nint output)
        {
            var hashes = stackalloc ulong[ChunkHasher.StepRows];
            var passes = (byte*)output;
            for (var first = 0; first < rows; first += ChunkHasher.StepRows)
            {
                var count = Math.Min(ChunkHasher.StepRows, rows - first);
                keys.Rows(chunk, rows, first, count, hashes);
                for (var i = 0; i < count; i++) passes[first + i] = choice.Buckets.Has(hashes[i]) ? (byte)1 : (byte)0;
            }

            choice.Saw(rows);
        }
    }

    private sealed class Hashing(ChunkHasher columns) : IRowFunction
    {
        [SkipLocalsInit]
        public unsafe void Run(nint chunk, int rows, nint output)
        {
            var hashes = (ulong*)output;
            for (var first = 0; first < rows; first += ChunkHasher.StepRows)
            {
                var count = Math.Min(ChunkHasher.StepRows, rows - first);
                columns.Rows(chunk, rows, first, count, hashes + first);
                for (var i = first; i < first + count; i++) hashes[i] = HashMixing.Low(hashes[i]);
            }
        }
    }
}

/// <summary>A condition on rows, open for one query.</summary>
public sealed class KeyTap : IDisposable
{
    private readonly string _condition;
    private readonly Action _close;

    internal KeyTap(string condition, Action close)
    {
        _condition = condition;
        _close = close;
    }

    /// <summary>A SELECT of the rows that meet the condition.</summary>
    /// <param name="select">A complete SELECT.</param>
    /// <param name="list">The SELECT list, such as <c>SELECT count(*)</c>.</param>
    public string Over(string select, string list)
    {
        // As with other taps: a volatile column is not pushed down to where rows are that the SELECT leaves out.
        return $"{list} FROM (SELECT *, {_condition} AS millrace_passes FROM ({select})) WHERE millrace_passes";
    }

    /// <inheritdoc/>
    public void Dispose() => _close();
}

/// <summary>The buckets that may pass, and how many rows were looked at in one query. Thread safe.</summary>
/// <param name="buckets">The buckets.</param>
public sealed class KeyChoice(BucketChoice buckets)
{
    private long _rows;

    /// <summary>The buckets.</summary>
    public BucketChoice Buckets => buckets;

    /// <summary>Rows that were looked at, whether they passed or not.</summary>
    public long Rows => Interlocked.Read(ref _rows);

    internal void Saw(int rows) => Interlocked.Add(ref _rows, rows);
}
