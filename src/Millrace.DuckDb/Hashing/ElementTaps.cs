using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace Millrace.DuckDb;

/// <summary>
/// Taps of rows whose last column, a list that no memory holds, comes element by element: they count and hash the rows as if each were whole. A row's
/// elements follow each other, so that all chunks of a tap must come one after the other.
/// </summary>
/// <param name="name">The function's name in SQL.</param>
public sealed class ElementTaps(string name)
{
    private readonly ConcurrentDictionary<long, ElementSum> _sums = new();
    private long _lastToken;

    /// <summary>Makes the function known to a connection's database; once for each database.</summary>
    /// <exception cref="DuckDbException">DuckDB refuses the function.</exception>
    public void Attach(DuckDbConnection connection) =>
        connection.RegisterRowFunction(name, DuckDbType.Boolean, (token, types) => new Folding(types, _sums[token]));

    /// <summary>Opens a tap. Dispose it when its query has ended; a query that names it afterwards fails.</summary>
    /// <param name="first">The name of the BOOLEAN that is true where a row begins.</param>
    /// <param name="isOfKeys">True: the columns are those that each element of a row has alike; false: the last one is the list, of one element.</param>
    public ElementTap Open(string first, bool isOfKeys = false)
    {
        var token = Interlocked.Increment(ref _lastToken);
        var sum = _sums[token] = new ElementSum(isOfKeys);
        return new ElementTap(name, token, first, sum, () => _sums.TryRemove(token, out _));
    }

    /// <summary>One tap in one query: the token, whether a row begins, its other columns, the list.</summary>
    private sealed unsafe class Folding : IRowFunction
    {
        private const int FirstVector = 1;

        private readonly ChunkHasher _others;
        private readonly ColumnHasher? _list;
        private readonly DuckDbType _listType;
        private readonly int _listVector;
        private readonly ElementSum _sum;

        public Folding(DuckDbType[] types, ElementSum sum)
        {
            _sum = sum;
            _listVector = types.Length;
            _listType = types[^1];
            _others = RowFunction.HasherOf(types.AsSpan(1, types.Length - (sum.IsOfKeys ? 1 : 2)), FirstVector + 1);
            if (!sum.IsOfKeys) _list = new ColumnHasher(_listType, types.Length - 2);
        }

        [SkipLocalsInit]
        public void Run(nint chunk, int rows, nint output)
        {
            var others = stackalloc ulong[ChunkHasher.StepRows];
            var elements = stackalloc ulong[ChunkHasher.StepRows];
            var firsts = new VectorReader(NativeMethods.duckdb_data_chunk_get_vector(chunk, FirstVector), DuckDbType.Boolean, rows).Values<bool>();
            using var alone = _sum.Enter();
            for (var first = 0; first < rows; first += ChunkHasher.StepRows)
            {
                var count = Math.Min(ChunkHasher.StepRows, rows - first);
                _others.Rows(chunk, rows, first, count, others);
                _list?.OnlyElements(new VectorReader(NativeMethods.duckdb_data_chunk_get_vector(chunk, (ulong)_listVector), _listType, rows), first, count, elements);
                for (var i = 0; i < count; i++)
                {
                    if (firsts[first + i]) _sum.Begin(others[i], _list?.NoElements ?? 0);
                    _sum.Add(elements[i]);
                }
            }

            new Span<byte>((void*)output, rows).Fill(1);
        }
    }
}

/// <summary>An open tap of elements.</summary>
public sealed class ElementTap : IContentTap
{
    private readonly string _name;
    private readonly long _token;
    private readonly string _first;
    private readonly ElementSum _sum;
    private readonly Action _close;

    internal ElementTap(string name, long token, string first, ElementSum sum, Action close)
    {
        _name = name;
        _token = token;
        _first = first;
        _sum = sum;
        _close = close;
    }

    /// <inheritdoc/>
    public ContentHash Hash => _sum.Value;

    /// <summary>Elements that have passed.</summary>
    public long Elements => _sum.Elements;

    /// <inheritdoc/>
    public string Over(string select, IEnumerable<string> columns) => HashTap.Over(select, _name, _token, columns.Prepend(_first).Select(SqlText.Name));

    /// <inheritdoc/>
    public void Dispose() => _close();
}

/// <summary>Rows added up element by element, by one thread at a time.</summary>
/// <param name="isOfKeys">Whether the elements themselves do not count.</param>
internal sealed class ElementSum(bool isOfKeys)
{
    private ContentHash _closed;
    private ulong _others;
    private ulong _folded;
    private long _length;
    private int _entered;

    /// <summary>Whether the elements themselves do not count.</summary>
    public bool IsOfKeys => isOfKeys;

    /// <summary>All elements.</summary>
    public long Elements { get; private set; }

    /// <summary>The rows' hash, the last one's with the elements that have come.</summary>
    public ContentHash Value => _length == 0 ? _closed : _closed + Row();

    /// <summary>Enters with a chunk; dispose what it gives before the next one comes.</summary>
    /// <exception cref="InvalidOperationException">Another thread is in here.</exception>
    public Leaving Enter() => Interlocked.Exchange(ref _entered, 1) == 0 ? new Leaving(this) : throw new InvalidOperationException("two threads bring elements at once");

    /// <summary>A row begins.</summary>
    /// <param name="others">What its other columns add up to.</param>
    /// <param name="folded">The list's hash before its first element.</param>
    public void Begin(ulong others, ulong folded)
    {
        _closed = Value;
        (_others, _folded, _length) = (others, folded, 0);
    }

    /// <summary>One more element of the row.</summary>
    public void Add(ulong element)
    {
        _folded = ColumnHasher.WithElement(_folded, element);
        _length++;
        Elements++;
    }

    private ContentHash Row()
    {
        var row = isOfKeys ? _others : unchecked(_others + ColumnHasher.ListOf(_folded, _length));
        return new ContentHash(1, HashMixing.Low(row), HashMixing.High(row));
    }

    /// <summary>Leaves.</summary>
    internal readonly ref struct Leaving(ElementSum sum)
    {
        /// <summary>Lets the next chunk in.</summary>
        public void Dispose() => Interlocked.Exchange(ref sum._entered, 0);
    }
}
