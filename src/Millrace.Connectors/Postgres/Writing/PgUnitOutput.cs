using System.Collections.Immutable;
using System.Globalization;
using Millrace.Connectors.Postgres.Catalog;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Jobs;
using Millrace.Faults;
using Millrace.Load;
using Millrace.Runs;

namespace Millrace.Connectors.Postgres.Writing;

/// <summary>
/// One attempt's transaction: its rows and the note that it is complete become visible to others in one commit, or never. Rows of an attempt
/// that no unit's result names are removed when the stream is published.
/// </summary>
internal sealed class PgUnitOutput : IUnitOutput
{
    /// <summary>The copy function's option that says which output is meant.</summary>
    internal const string Option = "attempt";

    private readonly StreamHeader _header;
    private readonly Unit _unit;
    private readonly string _name;
    private readonly PgWriting _writing;
    private readonly PgConnection _connection;
    private readonly PgCopyWriter _copy;
    private readonly Func<string, PgConnection, bool, Task> _close;
    private readonly CancellationTokenRegistration _cancelled;
    private PgSink? _sink;
    private PgTaker? _taker;
    private bool _isClosed;

    /// <summary>An output.</summary>
    /// <param name="header">The stream.</param>
    /// <param name="unit">The unit.</param>
    /// <param name="name">The attempt's name: no other has it.</param>
    /// <param name="writing">Where rows go.</param>
    /// <param name="connection">A connection that is this attempt's own, with its COPY begun.</param>
    /// <param name="copy">The COPY.</param>
    /// <param name="close">Takes the connection back; true when it is sound and outside of a transaction.</param>
    /// <param name="cancel">Ends whatever waits for the server.</param>
    internal PgUnitOutput(
        StreamHeader header, Unit unit, string name, PgWriting writing, PgConnection connection, PgCopyWriter copy,
        Func<string, PgConnection, bool, Task> close, CancellationToken cancel)
    {
        _header = header;
        _unit = unit;
        _name = name;
        _writing = writing;
        _connection = connection;
        _copy = copy;
        _close = close;
        _cancelled = cancel.UnsafeRegister(static connection => ((PgConnection)connection!).Cancel(), connection);
    }

    /// <inheritdoc/>
    public ImmutableArray<string> ReadBackColumns => [];

    /// <inheritdoc/>
    public string CopyStatement(string select, int batchDivisor) =>
        $"COPY ({select}) TO {SqlText.Literal($"{PostgresUnitWriter.Folder}/{_name}")} (FORMAT {PostgresUnitWriter.Format}, {Option} {SqlText.Literal(_name)})";

    /// <summary>Makes the sink of the statement.</summary>
    internal ICopyTarget Bind(CopyBinding binding) => _sink = new PgSink(_header, _unit, _writing, _copy, binding.Types);

    /// <inheritdoc/>
    public IRowTaker Taker => _taker ??= new PgTaker(_copy);

    /// <inheritdoc/>
    public long Answered(DuckDbResult answer) => answer.RowsChanged;

    /// <inheritdoc/>
    public async ValueTask<WrittenOutput> CompleteAsync(CancellationToken cancel)
    {
        var rows = _copy.Rows;
        await _connection.ExecuteAsync(
            string.Create(
                CultureInfo.InvariantCulture,
                $"INSERT INTO {_writing.Attempts} (attempt, unit, xid, rows) VALUES ({PgName.Literal(_name)}, {_unit.Number}, pg_catalog.txid_current(), {rows}); COMMIT"),
            cancel);
        await CloseAsync(sound: true);
        return new WrittenOutput(rows, [new StagedFile(_name, "", _copy.BytesSent, rows)]);
    }

    /// <inheritdoc/>
    public ValueTask<IWrittenRows> ReadBackAsync(CancellationToken cancel) =>
        throw new Fault(FaultKind.Refused, "proof: readback is not there for PostgreSQL targets")
        {
            Side = FaultSide.Job, Where = _header.Stream, Advice = "Use proof: hash, and `millrace verify` where both ends can be read.",
        };

    /// <inheritdoc/>
    public Fault? Explain(DuckDbException error) => _sink?.FaultOf(error);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_isClosed) return;
        try
        {
            // CopyFail and its answer; a thread of its own waits for it.
            await Task.Factory.StartNew(_copy.Dispose, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
            if (_connection.IsUsable) await _connection.ExecuteAsync("ROLLBACK", CancellationToken.None);
            await CloseAsync(sound: true);
        }
        catch (Fault)
        {
            // The server rolls back when it finds its client gone.
            await CloseAsync(sound: false);
        }
    }

    private async Task CloseAsync(bool sound)
    {
        if (_isClosed) return;
        _isClosed = true;
        await _cancelled.DisposeAsync();
        await _close(_name, _connection, sound);
    }
}
