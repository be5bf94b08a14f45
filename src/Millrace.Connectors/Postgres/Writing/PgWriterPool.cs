using System.Collections.Concurrent;
using Millrace.Connectors.Postgres.Protocol;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Writing;

/// <summary>
/// The connections of one worker to its target: at most as many as it may have, opened when needed, kept over units, each lent inside of a
/// fresh transaction. One that failed in any way is dropped, never lent again. Thread safe.
/// </summary>
internal sealed class PgWriterPool : IAsyncDisposable
{
    // A role or a database may have set another default. Not READ WRITE: a standby would not say that it is one.
    private const string Begin = "BEGIN ISOLATION LEVEL READ COMMITTED";

    private readonly PgSettings _settings;
    private readonly TimeProvider _clock;
    private readonly SemaphoreSlim _free;
    private readonly ConcurrentStack<PgConnection> _idle = new();

    internal PgWriterPool(PgSettings settings, int connections, TimeProvider clock)
    {
        _settings = settings;
        _clock = clock;
        var most = Math.Max(connections, 1);
        _free = new SemaphoreSlim(most, most);
    }

    /// <summary>Lends a connection; waits while all are lent.</summary>
    /// <exception cref="Fault">The server can't be reached, or refuses.</exception>
    internal async Task<PgConnection> RentAsync(CancellationToken cancel)
    {
        await _free.WaitAsync(cancel);
        try
        {
            while (_idle.TryPop(out var kept))
            {
                if (await TryBeginAsync(kept, cancel)) return kept;
            }

            var connection = await PgConnection.OpenAsync(_settings, cancel, _clock, PgAccess.Write());
            return await TryBeginAsync(connection, cancel) ? connection : throw PgErrors.Lost(connection.Settings, inner: null);
        }
        catch
        {
            _free.Release();
            throw;
        }
    }

    /// <summary>Takes a connection back; one that is not <paramref name="sound"/>, outside of a transaction, is closed.</summary>
    internal async Task ReturnAsync(PgConnection connection, bool sound)
    {
        try
        {
            if (sound && connection.IsUsable) _idle.Push(connection);
            else await connection.DisposeAsync();
        }
        finally
        {
            _free.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        while (_idle.TryPop(out var connection)) await connection.DisposeAsync();
        _free.Dispose();
    }

    /// <summary>False when the server has closed it meanwhile: that is nobody's failure, another one is opened.</summary>
    private static async Task<bool> TryBeginAsync(PgConnection connection, CancellationToken cancel)
    {
        try
        {
            if (connection.IsUsable)
            {
                await connection.ExecuteAsync(Begin, cancel);
                return true;
            }
        }
        catch (Fault fault) when (fault.Kind == FaultKind.Unreachable)
        {
            // See below.
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }

        await connection.DisposeAsync();
        return false;
    }
}
