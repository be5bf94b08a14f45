namespace Millrace.DuckDb;

/// <summary>A column of a table source or of a result.</summary>
/// <param name="Name">Its name, unquoted.</param>
/// <param name="Type">Its type.</param>
public sealed record TableColumn(string Name, DuckDbType Type);

/// <summary>
/// A table that DuckDB reads through a table function. DuckDB calls it on its own threads: <see cref="Columns"/> and
/// <see cref="EstimatedRows"/> when a query is bound, <see cref="OpenScan"/> when it runs (never for EXPLAIN). An exception
/// anywhere fails the query with a <see cref="DuckDbException"/> that has it as its inner exception.
/// </summary>
public interface ITableSource
{
    /// <summary>The columns, at least one; the same at every call.</summary>
    IReadOnlyList<TableColumn> Columns { get; }

    /// <summary>About how many rows there are; null when nobody knows.</summary>
    long? EstimatedRows { get; }

    /// <summary>Begins a scan.</summary>
    /// <param name="projected">
    /// The columns that DuckDB wants, as indexes into <see cref="Columns"/>, in the order of the chunk's vectors; -1 is a column that
    /// the source does not have (a row number), so its vector need not be written. To count rows DuckDB asks for the first column.
    /// </param>
    ITableScan OpenScan(ReadOnlySpan<int> projected);
}

/// <summary>
/// One scan of a table, shared by the threads that read it; disposed after its last reader, also after a failure or an interrupt.
/// What Dispose throws is dropped.
/// </summary>
public interface ITableScan : IDisposable
{
    /// <summary>Readers that may be open at once, at least 1. More than DuckDB's threads changes nothing.</summary>
    int MaxThreads { get; }

    /// <summary>
    /// Opens a reader; called by each thread once, so several calls may overlap. Each thread reads until its reader ends, so readers
    /// take their pieces of work from the scan.
    /// </summary>
    ITableReader OpenReader();
}

/// <summary>
/// One thread's reader. Called by one thread at a time, disposed when it has ended, or after a failure or an interrupt.
/// What Dispose throws is dropped.
/// </summary>
public interface ITableReader : IDisposable
{
    /// <summary>
    /// Writes the next rows, at most <see cref="ChunkWriter.Capacity"/>. It may block; an interrupt does not wake it, so it watches
    /// whatever cancels the query.
    /// </summary>
    /// <returns>The number of rows written; 0 ends this reader.</returns>
    int Fill(in ChunkWriter chunk);
}
