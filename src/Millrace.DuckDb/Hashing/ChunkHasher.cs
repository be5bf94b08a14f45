using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>
/// Hashes the rows of chunks, a column at a time; nothing is allocated for a chunk. Immutable: any number of threads may use it at once.
/// </summary>
public sealed unsafe class ChunkHasher
{
    /// <summary>DuckDB's vector size. A larger chunk is hashed in steps.</summary>
    internal const int StepRows = 2048;

    private readonly (ColumnHasher Hasher, DuckDbType Type, int Vector)[] _columns;

    /// <summary>A hasher of some columns of chunks.</summary>
    /// <exception cref="ArgumentException">Values of a column's type have no hash (VARIANT).</exception>
    public ChunkHasher(params ReadOnlySpan<HashedColumn> columns)
        : this(asKeys: false, columns)
    {
    }

    /// <summary>The same, or one of keys: see <see cref="ColumnHasher"/>.</summary>
    internal ChunkHasher(bool asKeys, ReadOnlySpan<HashedColumn> columns)
    {
        _columns = new (ColumnHasher, DuckDbType, int)[columns.Length];
        for (var i = 0; i < columns.Length; i++)
            _columns[i] = (new ColumnHasher(columns[i].Type, columns[i].Position, asKeys), columns[i].Type, columns[i].Vector);
    }

    /// <summary>The hash of the first <paramref name="rows"/> rows of a chunk that a table reader has just filled.</summary>
    public ContentHash Hash(in ChunkWriter chunk, int rows) => Hash(chunk.Native, rows);

    /// <summary>The hash of a chunk's rows.</summary>
    public ContentHash Hash(in ChunkReader chunk) => Hash(chunk.Native, chunk.Rows);

    [SkipLocalsInit]
    internal ContentHash Hash(nint chunk, int rows)
    {
        var sums = stackalloc ulong[StepRows];
        ulong low = 0, high = 0;
        for (var first = 0; first < rows; first += StepRows)
        {
            var count = Math.Min(StepRows, rows - first);
            Rows(chunk, rows, first, count, sums);
            var step = HashMixing.Rows(new ReadOnlySpan<ulong>(sums, count));
            low += step.Low;
            high += step.High;
        }

        return new ContentHash(rows, low, high);
    }

    /// <summary>What each of <paramref name="count"/> rows from <paramref name="first"/> on adds up to before it is mixed: the formula's <c>R</c>.</summary>
    internal void Rows(nint chunk, int rows, int first, int count, ulong* sums)
    {
        new Span<ulong>(sums, count).Clear();
        foreach (ref readonly var column in _columns.AsSpan())
        {
            var vector = NativeMethods.duckdb_data_chunk_get_vector(chunk, (ulong)column.Vector);
            column.Hasher.Add(new VectorReader(vector, column.Type, rows), first, count, sums);
        }
    }
}

/// <summary>A column that is hashed.</summary>
/// <param name="Type">Its type.</param>
/// <param name="Vector">Its vector's number in the chunk.</param>
/// <param name="Position">Its place in the row that is hashed, from 0: wherever the vector lies, this counts.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct HashedColumn(DuckDbType Type, int Vector, int Position);
