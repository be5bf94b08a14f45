using System.Collections.Concurrent;
using System.Globalization;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Connectors.Postgres.Reading;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Runs;

namespace Millrace.Connectors.Postgres.Writing;

/// <summary>What DuckDB's COPY hands a unit's chunks to: each thread encodes into a buffer of its own.</summary>
internal sealed class PgSink : ICopyTarget, ICopySink
{
    private readonly StreamHeader _header;
    private readonly Unit _unit;
    private readonly PgCopyWriter _copy;
    private readonly PgWriting _writing;
    private readonly IReadOnlyList<DuckDbType> _types;
    private readonly ConcurrentBag<RowEncoder> _idle = [];
    private Fault? _fault;
    private long _rows;

    /// <summary>A sink.</summary>
    /// <param name="header">The stream.</param>
    /// <param name="unit">The unit.</param>
    /// <param name="writing">How its columns go to the server.</param>
    /// <param name="copy">Its COPY.</param>
    /// <param name="types">What DuckDB hands over.</param>
    internal PgSink(StreamHeader header, Unit unit, PgWriting writing, PgCopyWriter copy, IReadOnlyList<DuckDbType> types)
    {
        if (types.Count != writing.Columns.Length)
            throw new InvalidOperationException($"{types.Count} columns come, and the stage has {writing.Columns.Length}");
        _header = header;
        _unit = unit;
        _copy = copy;
        _writing = writing;
        _types = types;
        // What does not fit is found before the first row.
        Columns();
    }

    /// <inheritdoc/>
    public ICopySink Open(string path) => this;

    /// <inheritdoc/>
    public void Write(in ChunkReader chunk)
    {
        var before = Interlocked.Add(ref _rows, chunk.Rows) - chunk.Rows;
        if (!_idle.TryTake(out var encoder)) encoder = new RowEncoder(Columns(), _copy);
        try
        {
            encoder.Encode(chunk);
            _idle.Add(encoder);
        }
        catch (ValueRefused value)
        {
            throw Ours(Refused(value, before + encoder.Refused.Row + 1, encoder.Refused.Column));
        }
        catch (Fault fault)
        {
            throw Ours(Placed(fault));
        }
    }

    /// <inheritdoc/>
    public void Complete()
    {
        try
        {
            foreach (var encoder in _idle) encoder.Flush();
            _copy.Complete();
        }
        catch (Fault fault)
        {
            throw Ours(Placed(fault));
        }
    }

    /// <summary>Nothing: the attempt ends with its output.</summary>
    public void Dispose()
    {
        // The transaction is the output's.
    }

    /// <summary>The fault behind DuckDB's error when it was this sink's.</summary>
    internal Fault? FaultOf(DuckDbException error) => error.InnerException is Fault fault && fault.Side == FaultSide.Target ? _fault ?? fault : null;

    /// <summary>Anew for each encoder: they hold the vectors of its thread's chunk.</summary>
    private ColumnEncoder[] Columns() => [.. _writing.Columns.Select((column, i) => ColumnEncoder.For(column.Encoding, _types[i]))];

    /// <summary>The first fault counts: those of other threads follow from it.</summary>
    private Fault Ours(Fault fault) => Interlocked.CompareExchange(ref _fault, fault, null) ?? fault;

    /// <summary>The fault of a value: stream, range, row and column, what was found, what to do.</summary>
    private Fault Refused(ValueRefused value, long row, int column) => new(FaultKind.Data, value.Message, value)
    {
        Side = FaultSide.Target,
        Where = string.Create(CultureInfo.InvariantCulture, $"{_header.Stream}, {_unit.Label}, row {row}, column {_header.Columns[column].Name}"),
        Advice = value.Advice,
    };

    /// <summary>What the server says of a row says nothing of the stream.</summary>
    private Fault Placed(Fault fault) => fault.Where is null ? fault : new Fault(fault.Kind, fault.Message, fault)
    {
        Side = fault.Side,
        Retryable = fault.Retryable,
        Divisible = fault.Divisible,
        Code = fault.Code,
        Where = $"{_header.Stream}, {_unit.Label}, {fault.Where}",
        Advice = fault.Advice,
    };
}
