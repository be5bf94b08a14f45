using System.Text;
using Millrace.Connectors.Postgres.Catalog;
using Millrace.Connectors.Postgres.Partitioning;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Runs;

namespace Millrace.Connectors.Postgres.Reading;

/// <summary>
/// One unit as a table of DuckDB: its pieces are taken one by one by as many readers as the unit was opened with connections.
/// </summary>
internal sealed class PgUnitTable : ITableSource, ITableScan
{
    private readonly PgLanePool _pool;
    private readonly PgSlice _slice;
    private readonly Unit _unit;
    private readonly TableColumn[] _columns;
    private readonly HashSet<PgLane> _lanes = [];
    private readonly Lock _gate = new();
    private readonly Stack<PgLane> _unused;
    private readonly List<Task> _returns = [];
    private Action? _drained;
    private volatile bool _isCancelled;
    private int[] _projected = [];
    private int _nextPiece;
    private int _piecesDone;
    private bool _scanned;
    private long _rows;
    private long _bytes;

    internal PgUnitTable(PgLanePool pool, StreamHeader header, PgReading reading, Unit unit, PgSlice slice, IReadOnlyCollection<PgLane> lanes)
    {
        _pool = pool;
        Reading = reading;
        _unit = unit;
        _slice = slice;
        _unused = new Stack<PgLane>(lanes);
        MaxThreads = lanes.Count;
        Header = header;
        _columns = [.. header.Columns.Select(static column => new TableColumn(column.Name, DuckDbType.Parse(column.Type)))];
        if (header.RejectColumn is not { } rejects) return;
        RejectColumn = _columns.Length;
        _columns = [.. _columns, new TableColumn(rejects, DuckDbType.Varchar)];
    }

    /// <summary>The unit's stream.</summary>
    internal StreamHeader Header { get; }

    /// <summary>How the stream is read.</summary>
    internal PgReading Reading { get; }

    /// <summary>Which column says why a row is rejected; -1: none does, and a value that the target can't hold fails the unit.</summary>
    internal int RejectColumn { get; } = -1;

    /// <summary>Rows decoded so far, rejected ones among them. Any thread.</summary>
    internal long Rows => Volatile.Read(ref _rows);

    /// <summary>Bytes received so far. Any thread.</summary>
    internal long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Whether every piece was read to its end.</summary>
    internal bool IsComplete => Volatile.Read(ref _piecesDone) == _slice.Pieces.Length;

    /// <summary>Calls <paramref name="then"/> when every piece was read to its end and the connections that did it are given back.</summary>
    internal void WhenDrained(Action then) => _drained = then;

    /// <summary>Pieces that were read to their end.</summary>
    internal int PiecesDone => Volatile.Read(ref _piecesDone);

    /// <summary>Whether somebody asked to stop.</summary>
    internal bool IsCancelled => _isCancelled;

    /// <inheritdoc/>
    public IReadOnlyList<TableColumn> Columns => _columns;

    /// <inheritdoc/>
    public long? EstimatedRows => _unit.EstimatedRows;

    /// <inheritdoc/>
    public int MaxThreads { get; }

    /// <inheritdoc/>
    public ITableScan OpenScan(ReadOnlySpan<int> projected)
    {
        if (_scanned) throw new InvalidOperationException("a unit is read once");
        _scanned = true;
        _projected = projected.ToArray();
        return this;
    }

    /// <inheritdoc/>
    public ITableReader OpenReader()
    {
        return TakeLane() is { } lane ? new PgPieceReader(this, lane, _projected) : new NoRows();
    }

    /// <summary>The next piece that nobody has taken; null when there is none.</summary>
    internal PgPiece? TakePiece()
    {
        var index = Interlocked.Increment(ref _nextPiece) - 1;
        return index < _slice.Pieces.Length ? _slice.Pieces[index] : null;
    }

    /// <summary>A piece was read to its end.</summary>
    internal void EndPiece() => Interlocked.Increment(ref _piecesDone);

    /// <summary>Counts what a chunk brought.</summary>
    internal void Count(long rows, long bytes)
    {
        Interlocked.Add(ref _rows, rows);
        Interlocked.Add(ref _bytes, bytes);
    }

    /// <summary>A reader has ended; its connection goes back.</summary>
    internal void Return(PgLane lane, bool sound)
    {
        bool drained;
        lock (_gate)
        {
            _lanes.Remove(lane);
            _returns.Add(_pool.ReturnAsync(lane, sound));
            drained = _lanes.Count == 0 && IsComplete;
        }

        if (drained) _drained?.Invoke();
    }

    /// <summary>Asks the server to stop what every reader of this unit does.</summary>
    internal void Cancel()
    {
        // A reader looks at the flag before each piece; one that is past that has its connection in the list.
        _isCancelled = true;
        lock (_gate)
        {
            foreach (var lane in _lanes) lane.Connection.Cancel();
        }
    }

    /// <summary>Gives back the connections that nobody has read with, and waits until all are back.</summary>
    internal async ValueTask CloseAsync()
    {
        Task[] returns;
        lock (_gate)
        {
            while (_unused.TryPop(out var lane)) _returns.Add(_pool.ReturnAsync(lane, sound: true));
            returns = [.. _returns];
        }

        await Task.WhenAll(returns);
    }

    /// <summary>The COPY of a piece: only the columns that are asked for, in their order.</summary>
    internal string CopyOf(PgPiece piece, ReadOnlySpan<int> columns)
    {
        var sql = new StringBuilder("COPY (SELECT ");
        for (var i = 0; i < columns.Length; i++) sql.Append(i == 0 ? "" : ", ").Append(Reading.Columns[columns[i]].Sql);
        return sql.Append(" FROM ").Append(Reading.RowsOf(piece)).Append(") TO STDOUT (FORMAT binary)").ToString();
    }

    /// <summary>The COPY of a piece for rows that pass undecoded: every column as it is.</summary>
    internal string CopyOf(PgPiece piece) =>
        $"COPY (SELECT {string.Join(", ", Reading.Columns.Select(static column => column.Raw ?? column.Sql))} FROM {Reading.RowsOf(piece)}) TO STDOUT (FORMAT binary)";

    /// <summary>A connection of this unit's that nobody reads with; null when there is none.</summary>
    internal PgLane? TakeLane()
    {
        lock (_gate)
        {
            if (!_unused.TryPop(out var lane)) return null;
            _lanes.Add(lane);
            return lane;
        }
    }

    /// <summary>The decoders of the columns that are asked for.</summary>
    internal ColumnDecoder[] DecodersOf(ReadOnlySpan<int> columns)
    {
        var decoders = new ColumnDecoder[columns.Length];
        for (var i = 0; i < columns.Length; i++) decoders[i] = ColumnDecoder.For(Reading.Columns[columns[i]].Shape, _columns[columns[i]].Type);
        return decoders;
    }

    /// <summary>The fault of a value: stream, range, row and column, what was found, what to do.</summary>
    internal Fault Refused(ValueRefused value, long row, int column)
    {
        var name = Header.Columns[column].SourceName;
        return new Fault(FaultKind.Data, value.Message, value)
        {
            Side = FaultSide.Source,
            Where = $"{Header.Stream}, {_unit.Label}, row {row}, column {name}",
            Advice = string.Format(System.Globalization.CultureInfo.InvariantCulture, value.Advice, name),
        };
    }

    void IDisposable.Dispose()
    {
        // Readers return their connections themselves, and CloseAsync the others.
    }

    /// <summary>A reader that found no connection free: the others read its pieces.</summary>
    private sealed class NoRows : ITableReader
    {
        public int Fill(in ChunkWriter chunk) => 0;

        public void Dispose()
        {
            // It has nothing.
        }
    }
}
