namespace Millrace.DuckDb;

/// <summary>
/// A chunk that DuckDB hands out: read only, valid only during the call that it was passed to (or until the result's next chunk),
/// and so is everything taken from it.
/// </summary>
public readonly ref struct ChunkReader
{
    private readonly nint _chunk;
    private readonly ReadOnlySpan<DuckDbType> _types;

    internal ChunkReader(nint chunk, ReadOnlySpan<DuckDbType> types)
    {
        _chunk = chunk;
        _types = types;
        Rows = (int)NativeMethods.duckdb_data_chunk_get_size(chunk);
    }

    /// <summary>The number of rows, 1 to 2,048.</summary>
    public int Rows { get; }

    /// <summary>The number of columns.</summary>
    public int ColumnCount => _types.Length;

    /// <summary>DuckDB's chunk.</summary>
    internal nint Native => _chunk;

    /// <summary>The reader of a column.</summary>
    public VectorReader Column(int index) =>
        new(NativeMethods.duckdb_data_chunk_get_vector(_chunk, (ulong)index), _types[index], Rows);
}
