using System.Collections.Concurrent;
using Millrace.Connectors.Postgres.Partitioning;
using Millrace.Connectors.Postgres.Protocol;

namespace Millrace.Connectors.Postgres.Reading;

/// <summary>
/// The connections of one worker: at most as many as it may have, opened when needed, kept over units. A connection that failed
/// in any way is dropped, never lent again. Thread safe.
/// </summary>
internal sealed class PgLanePool : IAsyncDisposable
{
    private readonly PgSettings _settings;
    private readonly TimeProvider _clock;
    private readonly SemaphoreSlim _free;
    private readonly ConcurrentStack<PgLane> _idle = new();

    internal PgLanePool(PgSettings settings, int connections, TimeProvider clock)
    {
        _settings = settings;
        _clock = clock;
        Connections = Math.Max(connections, 1);
        _free = new SemaphoreSlim(Connections, Connections);
    }

    /// <summary>The most connections at once.</summary>
    internal int Connections { get; }

    /// <summary>Lends a connection at this moment; waits while all are lent.</summary>
    internal async Task<PgLane> RentAsync(PgReading reading, string? moment, CancellationToken cancel)
    {
        await _free.WaitAsync(cancel);
        return await EnterAsync(reading, moment, cancel);
    }

    /// <summary>As <see cref="RentAsync"/>, but null at once when all are lent.</summary>
    internal async Task<PgLane?> TryRentAsync(PgReading reading, string? moment, CancellationToken cancel) =>
        await _free.WaitAsync(0, cancel) ? await EnterAsync(reading, moment, cancel) : null;

    /// <summary>Takes a connection back; one that is not <paramref name="sound"/> is closed.</summary>
    internal async Task ReturnAsync(PgLane lane, bool sound)
    {
        try
        {
            if (sound && lane.IsUsable)
            {
                if (lane.HasOwnSnapshot) await lane.LeaveAsync(CancellationToken.None);
                _idle.Push(lane);
                return;
            }

            await lane.DisposeAsync();
        }
        catch (Faults.Fault)
        {
            // It broke while it was put away: the next unit opens another.
            await lane.DisposeAsync();
        }
        finally
        {
            _free.Release();
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        while (_idle.TryPop(out var lane)) await lane.DisposeAsync();
        _free.Dispose();
    }

    private async Task<PgLane> EnterAsync(PgReading reading, string? moment, CancellationToken cancel)
    {
        PgLane? lane = null;
        try
        {
            while (lane is null && _idle.TryPop(out lane))
            {
                if (lane.IsUsable) continue;
                await lane.DisposeAsync();
                lane = null;
            }

            lane ??= await PgLane.OpenAsync(_settings, _clock, cancel);
            await lane.EnterAsync(reading, moment, cancel);
            return lane;
        }
        catch
        {
            if (lane is not null) await lane.DisposeAsync();
            _free.Release();
            throw;
        }
    }
}
