using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>What a query's bind keeps: the source and its columns as they were then.</summary>
internal sealed class TableBind
{
    public TableBind(ITableSource source)
    {
        Source = source;
        Columns = [.. source.Columns];
        if (Columns.Length == 0) throw new InvalidOperationException("A table source has no column.");
    }

    public ITableSource Source { get; }

    public TableColumn[] Columns { get; }
}

/// <summary>
/// The scan that the threads of a query share. DuckDB destroys it and the threads' states in no fixed order, so the scan is
/// disposed by whoever lets go of it last.
/// </summary>
internal sealed class SharedScan : IDisposable
{
    private readonly ITableScan _scan;
    private int _owners = 1;

    public SharedScan(TableBind bind, ReadOnlySpan<int> projected)
    {
        Types = new DuckDbType[projected.Length];
        for (var i = 0; i < Types.Length; i++) Types[i] = projected[i] < 0 ? DuckDbType.BigInt : bind.Columns[projected[i]].Type;
        _scan = bind.Source.OpenScan(projected);
    }

    /// <summary>The types of the chunk's vectors.</summary>
    public DuckDbType[] Types { get; }

    public int MaxThreads => _scan.MaxThreads;

    public ITableReader OpenReader()
    {
        Interlocked.Increment(ref _owners);
        try
        {
            return _scan.OpenReader();
        }
        catch (Exception)
        {
            Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        if (Interlocked.Decrement(ref _owners) == 0) _scan.Dispose();
    }
}

/// <summary>
/// One thread's reader. DuckDB's local init does not tell the scan, so the reader is opened by the first call that fills a chunk.
/// </summary>
internal sealed unsafe class ThreadReader : IDisposable
{
    private SharedScan? _scan;
    private ITableReader? _reader;
    private TextHeap* _heaps;
    private bool _ended;

    public int Fill(SharedScan scan, nint chunk)
    {
        if (_ended) return 0;
        if (_reader is null)
        {
            _reader = scan.OpenReader();
            _scan = scan;
            _heaps = (TextHeap*)NativeMemory.AllocZeroed((nuint)scan.Types.Length, (nuint)sizeof(TextHeap));
        }

        for (var i = 0; i < scan.Types.Length; i++) _heaps[i].NextChunk();
        var capacity = (int)NativeMethods.duckdb_vector_size();
        var rows = _reader.Fill(new ChunkWriter(chunk, scan.Types, _heaps, capacity));
        if ((uint)rows > (uint)capacity)
            throw new InvalidOperationException($"A table reader says that it wrote {rows} rows; a chunk holds 0 to {capacity}.");
        if (rows == 0) Dispose();
        return rows;
    }

    public void Dispose()
    {
        _ended = true;
        var (reader, scan) = (_reader, _scan);
        (_reader, _scan) = (null, null);
        FreeHeaps(scan);
        try
        {
            reader?.Dispose();
        }
        finally
        {
            scan?.Dispose();
        }
    }

    private void FreeHeaps(SharedScan? scan)
    {
        if (scan is null || _heaps == null) return;
        for (var i = 0; i < scan.Types.Length; i++) _heaps[i].Free();
        NativeMemory.Free(_heaps);
        _heaps = null;
    }
}
