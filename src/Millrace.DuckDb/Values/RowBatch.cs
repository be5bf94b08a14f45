using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>A chunk of our own: up to 2,048 rows in DuckDB's vectors, without a query. Used by one thread.</summary>
public sealed unsafe class RowBatch : IDisposable
{
    private readonly DuckDbType[] _types;
    private readonly ChunkHandle _chunk;
    private TextHeap* _heaps;

    /// <summary>Makes one.</summary>
    /// <param name="types">The columns' types; at least one.</param>
    public RowBatch(ReadOnlySpan<DuckDbType> types)
    {
        DuckDbLibrary.EnsureLoaded();
        _types = types.ToArray();
        var made = new LogicalTypeHandle[_types.Length];
        var pointers = new nint[_types.Length];
        try
        {
            for (var i = 0; i < made.Length; i++) pointers[i] = (made[i] = LogicalTypes.Create(_types[i])).Pointer;
            fixed (nint* first = pointers) _chunk = new ChunkHandle(NativeMethods.duckdb_create_data_chunk(first, (ulong)pointers.Length));
        }
        finally
        {
            foreach (var type in made) type?.Dispose();
        }

        _heaps = (TextHeap*)NativeMemory.AllocZeroed((nuint)_types.Length, (nuint)sizeof(TextHeap));
        Clear();
    }

    /// <summary>Rows that fit.</summary>
    public int Capacity => (int)NativeMethods.duckdb_vector_size();

    /// <summary>Writes its columns; valid until <see cref="Clear"/>.</summary>
    public ChunkWriter Writer => new(_chunk.Pointer, _types, _heaps, Capacity);

    /// <summary>Takes all rows back.</summary>
    public void Clear()
    {
        NativeMethods.duckdb_data_chunk_reset(_chunk.Pointer);
        for (var i = 0; i < _types.Length; i++) _heaps[i].NextChunk();
    }

    /// <summary>Its first rows, which are all written.</summary>
    public ChunkReader Read(int rows)
    {
        NativeMethods.duckdb_data_chunk_set_size(_chunk.Pointer, (ulong)rows);
        return new ChunkReader(_chunk.Pointer, _types);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _chunk.Dispose();
        if (_heaps == null) return;
        for (var i = 0; i < _types.Length; i++) _heaps[i].Free();
        NativeMemory.Free(_heaps);
        _heaps = null;
    }
}
