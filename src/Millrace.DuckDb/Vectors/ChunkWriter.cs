namespace Millrace.DuckDb;

/// <summary>
/// The chunk that a reader fills: one vector for each projected column, in the projection's order. Valid only inside the
/// <see cref="ITableReader.Fill"/> that it was passed to, and so is every <see cref="VectorWriter"/> taken from it.
/// </summary>
public readonly unsafe ref struct ChunkWriter
{
    private readonly nint _chunk;
    private readonly ReadOnlySpan<DuckDbType> _types;
    private readonly TextHeap* _heaps;

    internal ChunkWriter(nint chunk, ReadOnlySpan<DuckDbType> types, TextHeap* heaps, int capacity)
    {
        _heaps = heaps;
        _chunk = chunk;
        _types = types;
        Capacity = capacity;
    }

    /// <summary>Rows that fit: DuckDB's vector size, 2,048.</summary>
    public int Capacity { get; }

    /// <summary>The number of projected columns.</summary>
    public int ColumnCount => _types.Length;

    /// <summary>DuckDB's chunk.</summary>
    internal nint Native => _chunk;

    /// <summary>
    /// The writer of a projected column. Take it once per chunk and column, keep it in an array over the rows. A column that was
    /// projected as -1 need not be written.
    /// </summary>
    /// <param name="index">The position in the projection.</param>
    public VectorWriter Column(int index) =>
        new(NativeMethods.duckdb_data_chunk_get_vector(_chunk, (ulong)index), _types[index], Capacity, _heaps + index);
}
