using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>
/// A connection: runs one query at a time. Only <see cref="Interrupt"/>, <see cref="Progress"/> and <see cref="Dispose"/> may be
/// called while a query runs; disposing then takes effect when the query has ended.
/// </summary>
public sealed class DuckDbConnection : IDisposable
{
    private readonly ConnectionHandle _handle;
    private readonly QueryThread _thread = new();

    internal DuckDbConnection(ConnectionHandle handle) => _handle = handle;

    /// <summary>
    /// The running query's progress. Counted only with the setting <c>enable_progress_bar</c> on and
    /// <c>enable_progress_bar_print</c> off. Never throws; after Dispose there is none.
    /// </summary>
    public DuckDbProgress Progress
    {
        get
        {
            try
            {
                var progress = NativeMethods.duckdb_query_progress(_handle);
                return new DuckDbProgress(progress.Percentage, progress.RowsDone, progress.RowsTotal);
            }
            catch (ObjectDisposedException)
            {
                return new DuckDbProgress(-1, 0, 0);
            }
        }
    }

    /// <summary>Runs one statement or several separated by semicolons, and drops what they return.</summary>
    /// <exception cref="DuckDbException">DuckDB or a callback failed.</exception>
    /// <exception cref="ObjectDisposedException">The connection is disposed.</exception>
    public void Execute(string sql) => Query(sql).Dispose();

    /// <summary>Runs one statement or several; the last one's result is returned, held in memory by DuckDB until it is disposed.</summary>
    /// <exception cref="DuckDbException">DuckDB or a callback failed.</exception>
    /// <exception cref="ObjectDisposedException">The connection is disposed.</exception>
    public unsafe DuckDbResult Query(string sql)
    {
        // DuckDB would run what stands before it.
        if (sql.Contains('\0', StringComparison.Ordinal)) throw new DuckDbException(DuckDbErrorType.Parser, "found a zero character in the SQL text");
        var result = new ResultHandle();
        DuckDbResult? returned = null;
        try
        {
            if (NativeMethods.duckdb_query(_handle, sql, result.Pointer) == 0) return returned = new DuckDbResult(result);
            var type = (DuckDbErrorType)NativeMethods.duckdb_result_error_type(result.Pointer);
            throw DuckDbException.From(type, NativeMethods.Borrowed(NativeMethods.duckdb_result_error(result.Pointer)));
        }
        finally
        {
            if (returned is null) result.Dispose();
        }
    }

    /// <summary>
    /// <see cref="Execute"/> on the connection's own thread. On cancellation the query is interrupted; callbacks that wait for something
    /// must watch the same token, since an interrupt does not wake them. A query that ends before it sees the interrupt counts.
    /// </summary>
    /// <exception cref="OperationCanceledException">The token was cancelled and the query failed, for whatever reason it then gave.</exception>
    /// <exception cref="DuckDbException">DuckDB or a callback failed.</exception>
    /// <exception cref="ObjectDisposedException">The connection is disposed.</exception>
    public async Task ExecuteAsync(string sql, CancellationToken cancellation)
    {
        using var result = await QueryAsync(sql, cancellation);
    }

    /// <summary><see cref="Query"/> on the connection's own thread, cancelled as <see cref="ExecuteAsync"/> is.</summary>
    /// <exception cref="OperationCanceledException">The token was cancelled and the query failed, for whatever reason it then gave.</exception>
    /// <exception cref="DuckDbException">DuckDB or a callback failed.</exception>
    /// <exception cref="ObjectDisposedException">The connection is disposed.</exception>
    public async Task<DuckDbResult> QueryAsync(string sql, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        await using var interrupter = new QueryInterrupter(this, cancellation);
        try
        {
            return await _thread.RunAsync(() => Query(sql));
        }
        catch (DuckDbException e) when (cancellation.IsCancellationRequested)
        {
            throw new OperationCanceledException("The query was cancelled.", e, cancellation);
        }
    }

    /// <summary>
    /// Asks the running query to stop; it then fails with <see cref="DuckDbErrorType.Interrupt"/>. Does nothing when no query runs
    /// or the connection is disposed. Thread safe. A query that is about to start may miss it; <see cref="ExecuteAsync"/> repeats it.
    /// </summary>
    public void Interrupt()
    {
        try
        {
            NativeMethods.duckdb_interrupt(_handle);
        }
        catch (ObjectDisposedException)
        {
            // Nothing runs on a disposed connection.
        }
    }

    /// <summary>
    /// Makes <c>name(token BIGINT)</c> a table function of the whole database. Register a name once per database.
    /// </summary>
    /// <param name="name">The function's name in SQL.</param>
    /// <param name="open">Finds the source that a token stands for; called on DuckDB's threads, possibly several times a query.</param>
    /// <exception cref="DuckDbException">DuckDB refuses the function.</exception>
    public void RegisterTableFunction(string name, Func<long, ITableSource> open) => TableFunction.Register(_handle, name, open);

    /// <summary>
    /// Makes <c>COPY … TO 'path' (FORMAT name, …)</c> write into a target in C#. Register a name once per database.
    /// </summary>
    /// <param name="name">The format's name in SQL.</param>
    /// <param name="bind">Makes the target of one COPY statement; called on DuckDB's threads.</param>
    /// <exception cref="DuckDbException">DuckDB refuses the function.</exception>
    public void RegisterCopyFunction(string name, Func<CopyBinding, ICopyTarget> bind) => CopyFunction.Register(_handle, name, bind);

    /// <summary>Makes <c>name(token BIGINT, columns…)</c> a function that sees whole rows; <paramref name="bind"/> is called on DuckDB's threads.</summary>
    internal void RegisterRowFunction(string name, DuckDbType returns, Func<long, DuckDbType[], IRowFunction> bind) =>
        RowFunction.Register(_handle, name, returns, bind);

    /// <summary>Makes <c>name(columns…)</c> a function that gives the same for the same values; <paramref name="bind"/> is called on DuckDB's threads.</summary>
    internal void RegisterStableFunction(string name, DuckDbType returns, Func<DuckDbType[], IRowFunction> bind) =>
        RowFunction.RegisterStable(_handle, name, returns, bind);

    /// <summary>
    /// Makes <c>name(token BIGINT, columns…)</c> a function whose values are written in C#. It sees NULLs, and is neither folded nor left out.
    /// Register a name once per database.
    /// </summary>
    /// <param name="name">The function's name in SQL.</param>
    /// <param name="returns">What it gives for each row.</param>
    /// <param name="bind">Finds what a token stands for; called on DuckDB's threads.</param>
    /// <exception cref="DuckDbException">DuckDB refuses the function.</exception>
    public void RegisterValueFunction(string name, DuckDbType returns, Func<long, IValueFunction> bind) => ValueFunction.Register(_handle, name, returns, bind);

    /// <inheritdoc/>
    public void Dispose()
    {
        _thread.Dispose();
        _handle.Dispose();
    }
}

/// <summary>How far a query is.</summary>
/// <param name="Percent">0 to 100, or -1 when it is not known.</param>
/// <param name="RowsDone">Rows processed.</param>
/// <param name="RowsTotal">Rows to process, as far as DuckDB knows.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct DuckDbProgress(double Percent, ulong RowsDone, ulong RowsTotal);
