using System.Globalization;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Catalog;

/// <summary>
/// The coordinator's one connection: catalogue queries, and the transaction that holds the moment. While it holds one, a ping goes
/// over it every <see cref="Limits.PgPingSeconds"/>, so that no proxy or firewall takes it for dead. Statements come one at a time;
/// calls from several threads wait for each other.
/// </summary>
internal sealed class PgControl : IAsyncDisposable
{
    private readonly PgSettings _settings;
    private readonly TimeProvider _clock;
    private readonly PgAccess? _access;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly SemaphoreSlim _trying = new(1, 1);
    private readonly SemaphoreSlim _whole = new(1, 1);
    private readonly AsyncLocal<bool> _isInside = new();
    private readonly CancellationTokenSource _closing = new();
    private PgConnection? _connection;
    private ITimer? _ping;
    private Task _pinging = Task.CompletedTask;
    private bool _isHolding;
    private bool _isInTransaction;

    internal PgControl(PgSettings settings, TimeProvider clock, PgAccess? access = null)
    {
        _settings = settings;
        _clock = clock;
        _access = access;
    }

    /// <summary>The server's version as a number, such as 180004. Known after the first statement.</summary>
    internal int ServerVersion { get; private set; }

    /// <summary>Whether the database's text is in no known encoding. Known after the first statement.</summary>
    internal bool IsSqlAscii { get; private set; }

    /// <summary>Runs a query and gives all of its rows as texts.</summary>
    internal async Task<IReadOnlyList<string?[]>> QueryAsync(string sql, IReadOnlyList<string?> parameters, CancellationToken cancel)
    {
        return (await UseAsync(connection => connection.QueryAsync(sql, parameters, cancel), cancel)).Rows;
    }

    /// <summary>The columns that a query would give.</summary>
    internal Task<IReadOnlyList<PgColumn>> DescribeAsync(string sql, CancellationToken cancel) =>
        UseAsync(connection => connection.DescribeAsync(sql, cancel), cancel);

    /// <summary>Runs statements without a result.</summary>
    internal Task ExecuteAsync(string sql, CancellationToken cancel) => UseAsync(
        async connection =>
        {
            await connection.ExecuteAsync(sql, cancel);
            return true;
        },
        cancel);

    /// <summary>
    /// Runs the user's SQL under the user's search path and takes back everything it did to the session; its failure leaves the held
    /// transaction as it was. Where none is held, it runs at the <paramref name="moment"/> that another session holds, or else now.
    /// </summary>
    internal async Task<T> TryAsync<T>(string searchPath, PgMoment? moment, Func<Task<T>> statements, CancellationToken cancel)
    {
        await _trying.WaitAsync(cancel);
        try
        {
            return await TryAloneAsync(searchPath, moment, statements, cancel);
        }
        finally
        {
            _trying.Release();
        }
    }

    private async Task<T> TryAloneAsync<T>(string searchPath, PgMoment? moment, Func<Task<T>> statements, CancellationToken cancel)
    {
        if (_isHolding) await ExecuteAsync("SAVEPOINT millrace_try", cancel);
        else await BeginAsync(moment, cancel);
        try
        {
            await ExecuteAsync($"SET LOCAL search_path = {searchPath}", cancel);
            return await statements();
        }
        finally
        {
            if (_connection is { IsUsable: true })
                await ExecuteAsync(_isHolding ? "ROLLBACK TO millrace_try; RELEASE millrace_try" : "ROLLBACK", CancellationToken.None);
        }
    }

    /// <summary>
    /// Runs statements in one transaction; their failure, or the connection's, takes all of them back. Statements of other callers wait for
    /// its end: one stream is published while the next one is staged.
    /// </summary>
    internal async Task TransactionAsync(Func<Task> statements, CancellationToken cancel)
    {
        await _whole.WaitAsync(cancel);
        try
        {
            _isInside.Value = true;
            await WithinAsync(statements, cancel);
        }
        finally
        {
            _whole.Release();
        }
    }

    private async Task WithinAsync(Func<Task> statements, CancellationToken cancel)
    {
        await ExecuteAsync("BEGIN", cancel);
        _isInTransaction = true;
        try
        {
            await statements();
            await ExecuteAsync("COMMIT", cancel);
        }
        catch
        {
            if (_connection is { IsUsable: true } connection) await connection.ExecuteAsync("ROLLBACK", CancellationToken.None);
            throw;
        }
        finally
        {
            _isInTransaction = false;
        }
    }

    /// <summary>False when a moment was held and its connection is lost.</summary>
    internal bool IsHeld => _isHolding && _connection is { IsUsable: true };

    /// <summary>From now on the connection's transaction is a moment that units read at: it is kept alive, and its loss is final.</summary>
    internal void Hold()
    {
        _isHolding = true;
        var period = TimeSpan.FromSeconds(Limits.PgPingSeconds);
        _ping ??= _clock.CreateTimer(static state => ((PgControl)state!).Ping(), this, period, period);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync();
        if (_ping is not null) await _ping.DisposeAsync();
        await _pinging;
        if (_connection is not null) await _connection.DisposeAsync();
        _gate.Dispose();
        _trying.Dispose();
        _whole.Dispose();
        _closing.Dispose();
    }

    private async Task BeginAsync(PgMoment? moment, CancellationToken cancel)
    {
        if (moment is not null && await moment.TryBeginAsync(sql => ExecuteAsync(sql, cancel))) return;
        await ExecuteAsync("BEGIN READ ONLY", cancel);
    }

    private async Task<T> UseAsync<T>(Func<PgConnection, Task<T>> statement, CancellationToken cancel)
    {
        if (_isInside.Value) return await UseAloneAsync(statement, cancel);
        await _whole.WaitAsync(cancel);
        try
        {
            return await UseAloneAsync(statement, cancel);
        }
        finally
        {
            _whole.Release();
        }
    }

    private async Task<T> UseAloneAsync<T>(Func<PgConnection, Task<T>> statement, CancellationToken cancel)
    {
        await _gate.WaitAsync(cancel);
        try
        {
            return await statement(await ConnectedAsync(cancel));
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<PgConnection> ConnectedAsync(CancellationToken cancel)
    {
        if (_connection is { IsUsable: true }) return _connection;
        if (_isHolding) throw MomentLost();
        if (_isInTransaction) throw PgErrors.Lost(_settings, inner: null);
        if (_connection is not null) await _connection.DisposeAsync();
        _connection = await PgConnection.OpenAsync(_settings, cancel, _clock, _access);
        ServerVersion = _connection.ServerVersion;
        if (ServerVersion / 10_000 < Limits.PgMajorVersionMin) throw TooOld();
        IsSqlAscii = _connection.Parameters.GetValueOrDefault("server_encoding") == "SQL_ASCII";
        return _connection;
    }

    /// <summary>Runs on the timer's thread; skipped while a statement runs, which keeps the connection alive just as well.</summary>
    private void Ping()
    {
        if (_pinging.IsCompleted) _pinging = PingAsync();
    }

    private async Task PingAsync()
    {
        try
        {
            if (!await _gate.WaitAsync(0, _closing.Token)) return;
            try
            {
                if (_connection is { IsUsable: true } connection) await connection.QueryAsync("SELECT 1", [], _closing.Token);
            }
            finally
            {
                _gate.Release();
            }
        }
        catch (Exception e) when (e is Fault or OperationCanceledException)
        {
            // The connection is unusable now: whoever needs it next is told that the moment is lost, and so are the units.
        }
    }

    private Fault MomentLost() => new(FaultKind.Unreachable, $"{_settings}: the connection that held the run's moment was lost")
    {
        Side = FaultSide.Source,
        Advice = "Resume the run: streams that were not finished are read again at a new moment.",
    };

    private Fault TooOld() => new(
        FaultKind.Refused,
        string.Create(CultureInfo.InvariantCulture, $"{_settings} is PostgreSQL {ServerVersion / 10_000}; {Limits.PgMajorVersionMin} or later is needed"))
    {
        Side = FaultSide.Source,
        Advice = "Read from a newer server, such as a logical replica or a restored dump.",
    };
}
