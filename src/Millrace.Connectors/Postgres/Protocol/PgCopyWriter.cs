using System.Globalization;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Protocol;

/// <summary>
/// One <c>COPY … FROM STDIN (FORMAT binary)</c> (PostgreSQL documentation, "COPY Operations"). Tuples are made in as many
/// <see cref="PgCopyBuffer"/>s as there are threads; their messages go out one after the other, from the thread that filled them. Disposing
/// it before <see cref="Complete"/> tells the server to forget the rows; the session is in an aborted transaction then.
/// </summary>
public sealed class PgCopyWriter : IDisposable
{
    private readonly PgSession _session;
    private readonly PgConnection _owner;
    private readonly Lock _gate = new();
    private Fault? _failed;
    private bool _isOver;
    private long _rows;
    private long _bytes;

    internal PgCopyWriter(PgSession session, PgConnection owner)
    {
        _session = session;
        _owner = owner;
    }

    /// <summary>Rows that were sent. Any thread.</summary>
    public long Rows => Volatile.Read(ref _rows);

    /// <summary>Bytes that were sent, framing included. Any thread.</summary>
    public long BytesSent => Volatile.Read(ref _bytes);

    /// <summary>What one thread makes tuples in.</summary>
    /// <param name="fixedBytes">What a row takes at most beside its texts and other values of any length.</param>
    public PgCopyBuffer OpenBuffer(int fixedBytes) => new(this, fixedBytes);

    /// <summary>
    /// After the last buffer was flushed: ends the COPY and checks that the server has counted as many rows. The connection is free for the
    /// next statement then; nothing is committed.
    /// </summary>
    /// <exception cref="Fault">The server's error, a lost connection, or another number of rows.</exception>
    public long Complete()
    {
        lock (_gate)
        {
            ThrowIfFailed();
            try
            {
                _session.EndCopy();
                var tag = _session.ReadTag();
                if (tag != string.Create(CultureInfo.InvariantCulture, $"COPY {_rows}")) throw PgPayload.Violation($"{_rows} rows were sent, and it says '{tag}'");
                return _rows;
            }
            catch (Fault fault)
            {
                throw Fail(fault);
            }
            finally
            {
                Finish();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_isOver) return;
            try
            {
                // A server that does not answer costs the session: it then finds its client gone.
                using var guard = _owner.AbortAfter(TimeSpan.FromSeconds(Limits.PgCancelSecondsMax));
                _session.FailCopy("the load was given up");
                _session.ReadTag();
            }
            catch (Fault)
            {
                // It says that the COPY failed, as it was told, or the session is lost: either way no row stays.
            }
            finally
            {
                Finish();
            }
        }
    }

    /// <summary>For a buffer whose row is not whole: nobody else's bytes may come between.</summary>
    internal void Hold() => _gate.Enter();

    /// <summary>The end of <see cref="Hold"/>.</summary>
    internal void Release() => _gate.Exit();

    /// <summary>Sends a complete CopyData message.</summary>
    internal void Send(ReadOnlySpan<byte> message, long rows)
    {
        lock (_gate)
        {
            ThrowIfFailed();
            try
            {
                _session.SendCopy(message);
                Volatile.Write(ref _rows, _rows + rows);
                Volatile.Write(ref _bytes, _bytes + message.Length);
            }
            catch (Fault fault)
            {
                throw Fail(fault);
            }
        }
    }

    /// <summary>Part of a row was sent and its rest will never be: nothing more may be.</summary>
    internal void Abandon()
    {
        lock (_gate) _failed ??= new Fault(FaultKind.Cancelled, "another thread's row was refused") { Side = FaultSide.Target };
    }

    private Fault Fail(Fault fault)
    {
        _failed ??= PgErrors.SidedAs(fault, _owner.Settings);
        // After its error the server is ready for the next statement; a session that broke is over anyhow.
        if (_session.IsReady || _session.IsBroken) Finish();
        return _failed;
    }

    private void ThrowIfFailed()
    {
        if (_failed is not null) throw _failed;
        if (_isOver) throw new InvalidOperationException("the COPY is over");
    }

    private void Finish()
    {
        if (_isOver) return;
        _isOver = true;
        _session.BreakUnlessReady();
        _owner.Exit();
    }
}
