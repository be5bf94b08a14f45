using Millrace.Faults;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Worker;

namespace Millrace.Engines;

/// <summary>
/// Around an engine: lends lanes, and tries a unit again when its fault can pass. A unit is one task here for all its attempts.
/// </summary>
internal sealed class Dispatcher : IDisposable
{
    private readonly IEngine _engine;
    private readonly IRunObserver _observer;
    private readonly TimeProvider _clock;
    private readonly SemaphoreSlim _lanes;
    private readonly SemaphoreSlim _finishing;
    private long _orders;
    private long _retries;

    /// <summary>A dispatcher over an engine that stays the caller's.</summary>
    public Dispatcher(IEngine engine, IRunObserver observer, TimeProvider clock)
    {
        _engine = engine;
        _observer = observer;
        _clock = clock;
        _lanes = new SemaphoreSlim(engine.Lanes);
        _finishing = new SemaphoreSlim(engine.Lanes * (1 + Limits.FinishingPerLaneMax));
    }

    /// <summary>Attempts beyond each unit's first.</summary>
    public long Retries => Interlocked.Read(ref _retries);

    /// <summary>Waits for a lane and begins the unit on it. The task that it gives ends with the unit's result or its last fault.</summary>
    public async ValueTask<Task<UnitResult>> BeginAsync(UnitOrder order, CancellationToken cancel)
    {
        await _finishing.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            await _lanes.WaitAsync(cancel).ConfigureAwait(false);
        }
        catch
        {
            _finishing.Release();
            throw;
        }

        return RunAsync(order, cancel);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _lanes.Dispose();
        _finishing.Dispose();
    }

    /// <summary>All attempts at a unit. Begins with a lane in hand.</summary>
    private async Task<UnitResult> RunAsync(UnitOrder order, CancellationToken cancel)
    {
        try
        {
            for (var attempt = 1; ; attempt++)
            {
                try
                {
                    return await AttemptAsync(order with { Id = Interlocked.Increment(ref _orders), Attempt = attempt }, cancel).ConfigureAwait(false);
                }
                catch (Fault fault) when (CanPass(fault) && attempt < Limits.UnitAttemptsMax && !cancel.IsCancellationRequested)
                {
                    Interlocked.Increment(ref _retries);
                    _observer.On(new UnitRetried(order.Stream, order.Unit.Number, order.Unit.Label, attempt, fault));
                    await Task.Delay(TimeSpan.FromMilliseconds(Limits.RetryWaitMilliseconds << (attempt - 1)), _clock, cancel).ConfigureAwait(false);
                    await _lanes.WaitAsync(cancel).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            _finishing.Release();
        }
    }

    private async Task<UnitResult> AttemptAsync(UnitOrder order, CancellationToken cancel)
    {
        var freed = 0;
        void Free()
        {
            if (Interlocked.Exchange(ref freed, 1) == 0) _lanes.Release();
        }

        try
        {
            return await _engine.RunAsync(order, Free, cancel).ConfigureAwait(false);
        }
        finally
        {
            Free();
        }
    }

    private static bool CanPass(Fault fault) => fault.Retryable || fault.Kind == FaultKind.Died;
}
