using System.Runtime.CompilerServices;
using Millrace.Connectors.Postgres.Catalog;
using Millrace.Connectors.Postgres.Partitioning;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Connectors.Postgres.Reading;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Faults;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Connectors.Postgres;

/// <summary>
/// The worker's half of the PostgreSQL source: units are COPY statements at the run's moment, decoded into DuckDB's vectors by the
/// table function <c>millrace_postgres(token)</c>. Thread safe.
/// </summary>
public sealed class PostgresUnitReader : IUnitReader
{
    private readonly PgLanePool _pool;
    private readonly TableRegistry _tables = new("millrace_postgres");
    private readonly ConditionalWeakTable<StreamHeader, PgReading> _readings = [];

    /// <summary>A reader; connects when the first unit is opened. A malformed address is a <see cref="Fault"/>.</summary>
    public PostgresUnitReader(SourceContext context)
    {
        _pool = new PgLanePool(PostgresConnector.SettingsOf(context), context.Connections, context.Clock);
    }

    /// <inheritdoc/>
    public IReadOnlyList<string> ReadablePaths(StreamHeader header) => [];

    /// <inheritdoc/>
    public void Attach(DuckDbConnection connection) => _tables.Attach(connection);

    /// <inheritdoc/>
    public async ValueTask<IUnitInput> OpenAsync(StreamHeader header, Unit unit, CancellationToken cancel)
    {
        var reading = _readings.GetValue(header, static header => PgReading.Parse(header.ReaderJson));
        var slice = PgSlice.Parse(unit.Slice);
        var lanes = new List<PgLane> { await _pool.RentAsync(reading, header.Moment, cancel) };
        var most = slice.SideBySide && !reading.OwnSnapshots && header.Moment is not null ? Math.Min(slice.Pieces.Length, _pool.Connections) : 1;
        while (lanes.Count < most && await TryRentAsync(reading, header.Moment, cancel) is { } more) lanes.Add(more);
        return new Input(_tables, new PgUnitTable(_pool, header, reading, unit, slice, lanes));
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _pool.DisposeAsync();

    /// <summary>One more connection if there is one: a server that has no more to give does not fail the unit.</summary>
    private async Task<PgLane?> TryRentAsync(PgReading reading, string? moment, CancellationToken cancel)
    {
        try
        {
            return await _pool.TryRentAsync(reading, moment, cancel);
        }
        catch (Fault fault) when (fault.Retryable)
        {
            return null;
        }
    }

    /// <summary>One open unit.</summary>
    private sealed class Input : IUnitInput
    {
        private readonly TableRegistry _tables;
        private readonly long _token;
        private readonly PgUnitTable _table;

        internal Input(TableRegistry tables, PgUnitTable table)
        {
            _tables = tables;
            _table = table;
            (_token, var call) = tables.Add(table);
            var columns = string.Join(", ", table.Columns.Select(static column => PgName.Quote(column.Name)));
            Select = $"SELECT {columns} FROM {call}";
        }

        public string Select { get; }

        public string? RejectColumn => _table.Header.RejectColumn;

        public long RowsRead => _table.Rows;

        public long BytesRead => _table.Bytes;

        public void WhenDrained(Action then) => _table.WhenDrained(then);

        public Task<ContentHash?> PassAsync(IRowTaker taker, CancellationToken cancel) => new PgPassage(_table, taker).RunAsync();

        public void Cancel() => _table.Cancel();

        public bool IsRead(long rowsPassed) => _table.IsComplete;

        public ValueTask CompleteAsync(long rowsPassed, CancellationToken cancel)
        {
            if (_table.IsComplete) return ValueTask.CompletedTask;
            throw new Fault(FaultKind.Internal, $"the unit was not read to its end: {_table.PiecesDone} ranges are done")
            {
                Side = FaultSide.Source,
                Where = _table.Header.Stream,
            };
        }

        public Fault? Explain(DuckDbException error) => error.InnerException as Fault;

        public ValueTask DisposeAsync()
        {
            _tables.Remove(_token);
            return _table.CloseAsync();
        }
    }
}
