using Millrace.DuckDb;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>
/// One session on a PostgreSQL server: the frontend of protocol 3.0 (PostgreSQL documentation, "Frontend/Backend Protocol"),
/// read only unless it was opened to write.
/// One statement at a time; only <see cref="Cancel"/> and <see cref="CancelAsync"/> may be called from other threads meanwhile.
/// A server's error leaves the session usable (its transaction is aborted); everything else that goes wrong ends it.
/// Disposing it while a COPY runs cancels that on the server first.
/// </summary>
public sealed class PgConnection : IAsyncDisposable, IDisposable
{
    private readonly PgTransport _transport;
    private readonly PgSession _session;
    private readonly (int ProcessId, int Secret)? _key;
    private readonly TimeProvider _time;
    private int _busy;

    private PgConnection(PgSettings settings, PgOpening.Opened opened, TimeProvider time)
    {
        Settings = settings;
        _transport = opened.Transport;
        _session = opened.Session;
        _key = opened.Key;
        _time = time;
    }

    /// <summary>How this session was opened.</summary>
    public PgSettings Settings { get; }

    /// <summary>The server process of this session, as in <c>pg_stat_activity</c>; 0 when a pooler keeps it to itself.</summary>
    public int ProcessId => _key?.ProcessId ?? 0;

    /// <summary>The server's version as a number: 120022 for 12.22, 180004 for 18.4.</summary>
    public int ServerVersion => _session.ServerVersion;

    /// <summary>True when the session is under TLS.</summary>
    public bool IsEncrypted => _transport.IsEncrypted;

    /// <summary>What the server reports about itself and the session (ParameterStatus), the present values.</summary>
    public IReadOnlyDictionary<string, string> Parameters => _session.Parameters;

    /// <summary>The first <see cref="Limits.PgNoticesMax"/> notices and warnings of the server.</summary>
    public IReadOnlyList<PgServerError> Notices => _session.Notices;

    /// <summary>True while statements can be sent: false after a loss, a FATAL error, a cancellation or disposal.</summary>
    public bool IsUsable => !_session.IsBroken && !_session.IsCancelled;

    /// <summary>
    /// Opens a session and fixes what a role or database may have set otherwise: read only or not, UTC, ISO dates, hex bytea, row security
    /// off, search_path pg_catalog, no timeouts except for locks. Throws a <see cref="Fault"/>: Unreachable, Refused; at the latest after
    /// <see cref="PgSettings.ConnectTimeout"/>.
    /// </summary>
    /// <param name="settings">The server and how to log in.</param>
    /// <param name="cancellationToken">Stops the opening.</param>
    /// <param name="time">The clock.</param>
    /// <param name="access">What the session may do, and so whose side its errors are on; null: a source that is read.</param>
    public static async Task<PgConnection> OpenAsync(
        PgSettings settings, CancellationToken cancellationToken, TimeProvider? time = null, PgAccess? access = null)
    {
        settings = settings with { Access = access ?? PgAccess.Read };
        var clock = time ?? TimeProvider.System;
        using var timeout = new CancellationTokenSource(settings.ConnectTimeout, clock);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            var addresses = await PgOpening.ResolveAsync(settings, deadline.Token).ConfigureAwait(false);
            var opening = new PgOpening(settings, deadline.Token);
            var opened = await OnOwnThread(() => opening.Open(addresses)).ConfigureAwait(false);
            return new PgConnection(settings, opened, clock);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw PgErrors.TooSlow(settings);
        }
        catch (Fault) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        catch (Fault fault) when (fault.Side != settings.Side)
        {
            throw PgErrors.SidedAs(fault, settings);
        }
    }

    /// <summary>
    /// Runs one query through the extended protocol, its parameters ($1, $2, …) as text, null for NULL, and gives the whole result.
    /// For catalogue queries: throws a <see cref="Fault"/> (Limit) above <see cref="Limits.PgResultBytesMax"/>.
    /// </summary>
    public Task<PgResult> QueryAsync(string sql, IReadOnlyList<string?> parameters, CancellationToken cancellationToken) =>
        RunAsync(() => _session.Query(sql, parameters), cancellationToken);

    /// <summary>The columns that a query would give, without running it.</summary>
    public Task<IReadOnlyList<PgColumn>> DescribeAsync(string sql, CancellationToken cancellationToken) =>
        RunAsync(() => _session.Describe(sql), cancellationToken);

    /// <summary>Runs one or several statements without a result of interest, through the simple protocol.</summary>
    public Task ExecuteAsync(string sql, CancellationToken cancellationToken) =>
        RunAsync(() => _session.Execute(sql), cancellationToken);

    /// <summary>
    /// Runs a query whose rows come in binary, on the caller's thread: it waits for the last of them. Where <paramref name="isCancelled"/> tells
    /// so once the connection is busy, nothing is sent: who cancels sets that first, and calls <see cref="Cancel"/> then.
    /// </summary>
    internal void Ask(string sql, ReadOnlySpan<ByteList> parameters, PgRowTaker taker, Func<bool> isCancelled)
    {
        Enter();
        try
        {
            if (isCancelled()) throw PgErrors.Cancelled(Settings);
            _session.Ask(sql, parameters, taker);
        }
        finally
        {
            _session.BreakUnlessReady();
            Exit();
        }
    }

    /// <summary>
    /// Sends <c>COPY (…) TO STDOUT (FORMAT binary)</c> and gives its reader at once: the server's first answer, an error too, comes
    /// with the reader's first row. The connection is busy until the reader is at its end or disposed.
    /// </summary>
    public PgCopyReader CopyOut(string sql)
    {
        Enter();
        try
        {
            return _session.CopyOut(sql, this);
        }
        catch
        {
            _session.BreakUnlessReady();
            Exit();
            throw;
        }
    }

    /// <summary>
    /// Runs <c>COPY … FROM STDIN (FORMAT binary)</c> up to where the server waits for rows, and gives what takes them. The connection is busy
    /// until that is complete or disposed.
    /// </summary>
    public async Task<PgCopyWriter> CopyInAsync(string sql, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Enter();
        try
        {
            await using var registration = cancellationToken.UnsafeRegister(static self => ((PgConnection)self!).Cancel(), this).ConfigureAwait(false);
            await OnOwnThread(() => _session.BeginCopyIn(sql)).ConfigureAwait(false);
            return new PgCopyWriter(_session, this);
        }
        catch (Fault fault)
        {
            _session.BreakUnlessReady();
            Exit();
            if (cancellationToken.IsCancellationRequested) throw new OperationCanceledException(fault.Message, fault, cancellationToken);
            throw PgErrors.SidedAs(fault, Settings);
        }
    }

    /// <summary>
    /// Asks the server, on a connection of its own, to stop what this session does; the thread that waits for it then gets a
    /// <see cref="Fault"/> of kind Cancelled. From any thread, at any time; does nothing when nothing runs. The session can't be used
    /// afterwards: a late cancellation would hit the next statement. When the server can't be asked or does not stop within
    /// <see cref="Limits.PgCancelSecondsMax"/>, the session's socket is closed instead.
    /// </summary>
    public Task CancelAsync()
    {
        if (Volatile.Read(ref _busy) == 0)
            return Task.CompletedTask;
        _session.IsCancelled = true;
        return RequestCancelAsync();
    }

    /// <summary>As <see cref="CancelAsync"/>, without waiting for the request to be sent.</summary>
    public void Cancel() => _ = CancelAsync();

    /// <summary>Ends the session: a running COPY is cancelled, an idle session is closed politely. Blocks for a cancel request at most.</summary>
    public void Dispose()
    {
        if (Volatile.Read(ref _busy) != 0 && !_session.IsBroken)
        {
            _session.IsCancelled = true;
            SendCancelRequest();
        }
        else
        {
            _session.SayGoodbye();
        }

        _session.Break();
    }

    /// <inheritdoc cref="Dispose"/>
    public async ValueTask DisposeAsync() => await OnOwnThread(() =>
    {
        Dispose();
        return true;
    }).ConfigureAwait(false);

    /// <summary>The reader's end: the session is free for the next statement.</summary>
    internal void Exit() => Volatile.Write(ref _busy, 0);

    /// <summary>Closes the session's socket when this is not disposed in time.</summary>
    internal IDisposable AbortAfter(TimeSpan time) => _time.CreateTimer(
        static self => ((PgConnection)self!)._transport.Abort(PgErrors.Lost(((PgConnection)self)!.Settings, inner: null)), this, time, Timeout.InfiniteTimeSpan);

    private void Enter()
    {
        if (_session.IsCancelled)
            throw PgErrors.Cancelled(Settings);
        if (_session.IsBroken)
            throw PgErrors.Lost(Settings, inner: null);
        if (Interlocked.CompareExchange(ref _busy, 1, 0) != 0)
            throw new InvalidOperationException("the PostgreSQL session already runs a statement");
    }

    private async Task<T> RunAsync<T>(Func<T> statement, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        Enter();
        try
        {
            await using var registration = cancellationToken.UnsafeRegister(static self => ((PgConnection)self!).Cancel(), this).ConfigureAwait(false);
            return await OnOwnThread(statement).ConfigureAwait(false);
        }
        catch (Fault fault) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(fault.Message, fault, cancellationToken);
        }
        catch (Fault fault) when (fault.Side != Settings.Side)
        {
            throw PgErrors.SidedAs(fault, Settings);
        }
        finally
        {
            _session.BreakUnlessReady();
            Exit();
        }
    }

    /// <summary>Blocking socket calls run on a thread of their own, so that many sessions never starve the pool.</summary>
    private static Task<T> OnOwnThread<T>(Func<T> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning | TaskCreationOptions.DenyChildAttach, TaskScheduler.Default);

    private async Task RequestCancelAsync()
    {
        if (await OnOwnThread(SendCancelRequest).ConfigureAwait(false))
            _ = InsistAsync();
        else
            _transport.Abort(PgErrors.Cancelled(Settings));
    }

    /// <summary>
    /// A request that overtakes its statement finds an idle session and is forgotten by the server, so it is repeated; what has not
    /// ended after <see cref="Limits.PgCancelSecondsMax"/> loses its socket.
    /// </summary>
    private async Task InsistAsync()
    {
        var end = _time.GetTimestamp() + (Limits.PgCancelSecondsMax * _time.TimestampFrequency);
        for (var wait = TimeSpan.FromMilliseconds(50); Volatile.Read(ref _busy) != 0; wait *= 2)
        {
            if (_time.GetTimestamp() + (wait.TotalSeconds * _time.TimestampFrequency) > end)
            {
                _transport.Abort(PgErrors.Cancelled(Settings));
                return;
            }

            await Task.Delay(wait, _time).ConfigureAwait(false);
            if (Volatile.Read(ref _busy) != 0)
                await OnOwnThread(SendCancelRequest).ConfigureAwait(false);
        }
    }

    private bool SendCancelRequest()
    {
        if (_key is not { } key)
            return false;
        try
        {
            using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(Limits.PgCancelSecondsMax), _time);
            new PgOpening(Settings, timeout.Token).Cancel(_transport.EndPoint, IsEncrypted, key);
            return true;
        }
        catch (Fault)
        {
            // The caller closes the session's socket instead; the server notices at its next send.
            return false;
        }
    }
}
