namespace Millrace.Engines;

/// <summary>
/// Who may be in flight. A unit has a place from its beginning to its result and a lane while its rows move; there are more places than
/// lanes, since a lane is free before its unit's files are durable. A unit that is suspected of killing workers takes every place, so that
/// it can harm nobody but itself. Thread safe.
/// </summary>
internal sealed class Places(int lanes) : IDisposable
{
    private readonly int _count = lanes * (1 + Limits.FinishingPerLaneMax);
    private readonly SemaphoreSlim _places = new(lanes * (1 + Limits.FinishingPerLaneMax));
    private readonly SemaphoreSlim _lanes = new(lanes);
    private readonly SemaphoreSlim _alone = new(1);
    private readonly Lock _narrowing = new();
    private int _left = lanes;
    private bool _isOver;

    /// <summary>Lanes that nobody has, as long as nobody is alone in flight.</summary>
    public int Idle => Math.Min(_lanes.CurrentCount, _places.CurrentCount);

    /// <summary>Waits for a place and a lane.</summary>
    public async Task EnterAsync(CancellationToken cancel)
    {
        await _places.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            await _lanes.WaitAsync(cancel).ConfigureAwait(false);
        }
        catch
        {
            _places.Release();
            throw;
        }
    }

    /// <summary>Waits for a lane, for a unit that has its place.</summary>
    public Task TakeLaneAsync(CancellationToken cancel) => _lanes.WaitAsync(cancel);

    /// <summary>The lane is free.</summary>
    public void FreeLane() => _lanes.Release();

    /// <summary>
    /// One lane fewer from now on, as soon as one is free; at least one stays. Gives how many are left. Memory is looked at until the run has its
    /// report: what comes after the last unit changes nothing.
    /// </summary>
    public int Narrow()
    {
        lock (_narrowing)
        {
            if (_left > 1 && !_isOver)
            {
                _left--;
                _ = _lanes.WaitAsync();
            }

            return _left;
        }
    }

    /// <summary>The place is free.</summary>
    public void Leave() => _places.Release();

    /// <summary>Waits until nobody else is in flight, and has a lane then. The caller has no place: two that wait for each other's would do so for ever.</summary>
    public async Task EnterAloneAsync(CancellationToken cancel)
    {
        await _alone.WaitAsync(cancel).ConfigureAwait(false);
        var taken = 0;
        try
        {
            for (; taken < _count; taken++) await _places.WaitAsync(cancel).ConfigureAwait(false);
            await _lanes.WaitAsync(cancel).ConfigureAwait(false);
        }
        catch
        {
            if (taken > 0) _places.Release(taken);
            _alone.Release();
            throw;
        }
    }

    /// <summary>The others may go on.</summary>
    public void LeaveAlone()
    {
        _places.Release(_count);
        _alone.Release();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_narrowing) _isOver = true;
        _places.Dispose();
        _lanes.Dispose();
        _alone.Dispose();
    }
}
