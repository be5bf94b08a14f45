using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Runs;

namespace Millrace.Extract;

/// <summary>
/// The worker's half of a source: gives each unit's rows to DuckDB. One for a worker process; <see cref="OpenAsync"/> is called
/// from as many lanes at once as the worker has.
/// </summary>
public interface IUnitReader : IAsyncDisposable
{
    /// <summary>Folders and files that DuckDB itself must be able to read (a file source's own).</summary>
    IReadOnlyList<string> ReadablePaths(StreamHeader header);

    /// <summary>Called once for each DuckDB database that the worker opens, before it is locked: registers table functions.</summary>
    void Attach(DuckDbConnection connection);

    /// <summary>Opens one unit. Errors are <see cref="Fault"/>s.</summary>
    /// <param name="header">The unit's stream.</param>
    /// <param name="unit">What to read.</param>
    /// <param name="cancel">Stops the opening; once open, <see cref="IUnitInput.Cancel"/> stops the reading.</param>
    ValueTask<IUnitInput> OpenAsync(StreamHeader header, Unit unit, CancellationToken cancel);
}

/// <summary>One open unit: a relation that DuckDB reads once. Disposing it before <see cref="CompleteAsync"/> aborts the read.</summary>
public interface IUnitInput : IAsyncDisposable
{
    /// <summary>
    /// A complete SELECT whose columns are the header's, by name, order and type, such as
    /// <c>SELECT "id", "name" FROM millrace_postgres(17)</c>.
    /// </summary>
    string Select { get; }

    /// <summary>How many statements over <see cref="Select"/> read all rows, each going on behind the one before.</summary>
    int Statements => 1;

    /// <summary>
    /// Where rows with values that the target can't hold go to quarantine (<see cref="StreamHeader.RejectColumn"/>): one more column of
    /// <see cref="Select"/>, the last, a VARCHAR: NULL for a row that is fine, else a <see cref="RejectNote"/>; the values that were refused
    /// are NULL then. Null: there is no such column, and such a value fails the unit.
    /// </summary>
    string? RejectColumn => null;

    /// <summary>Rows that have left the source so far, rejected ones among them; -1 when only the writer counts them. Any thread.</summary>
    long RowsRead { get; }

    /// <summary>Bytes that have been read so far. Any thread.</summary>
    long BytesRead { get; }

    /// <summary>
    /// Asked before the query begins: calls <paramref name="then"/> once, on any thread, when the last row has left the source and its
    /// connection is free again, while DuckDB may still write. Never called where that is not known, nor after a failure.
    /// </summary>
    void WhenDrained(Action then)
    {
        // Not known, unless a source says so.
    }

    /// <summary>
    /// Instead of a query over <see cref="Select"/>, for a stream whose <see cref="StreamHeader.IsPassed"/> says so: hands every row to
    /// <paramref name="taker"/> as it comes, and ends it. Gives the hash of the rows as they were handed over; null with <c>proof: counts</c>.
    /// </summary>
    /// <exception cref="Fault">The source's error, or the target's.</exception>
    Task<ContentHash?> PassAsync(IRowTaker taker, CancellationToken cancel) => throw new InvalidOperationException("this source's rows have no form of their own");

    /// <summary>Makes a read that blocks end soon. Any thread, any time, more than once.</summary>
    void Cancel();

    /// <summary>
    /// After the query has ended well: whether it has asked for all rows. DuckDB does not where it sees that they give nothing: one side of a join
    /// is empty, or no row meets a condition.
    /// </summary>
    /// <param name="rowsPassed">As in <see cref="CompleteAsync"/>.</param>
    bool IsRead(long rowsPassed) => true;

    /// <summary>
    /// After the query has ended well: checks that all of the unit was read and that the source is still the one that was planned.
    /// Otherwise a <see cref="Fault"/>.
    /// </summary>
    /// <param name="rowsPassed">Rows that DuckDB says it has written, and those that went to quarantine.</param>
    /// <param name="cancel">Stops the check.</param>
    ValueTask CompleteAsync(long rowsPassed, CancellationToken cancel);

    /// <summary>Turns DuckDB's error of this unit's query into a fault that names file, row and column; null when it isn't the source's.</summary>
    Fault? Explain(DuckDbException error);
}
