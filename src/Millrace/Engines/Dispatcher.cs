using Millrace.Faults;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Worker;

namespace Millrace.Engines;

/// <summary>
/// Around an engine: lends lanes, and tries a unit again when its fault can pass. A unit is one task here for all its attempts. When a
/// worker dies, all its units are suspects: they are tried again together once, then each alone. One that fails alone too, in a way that
/// less work could avoid (<see cref="Fault.Divisible"/>), is given up here: its caller divides it.
/// </summary>
internal sealed class Dispatcher : IDisposable
{
    private readonly IEngine _engine;
    private readonly IRunObserver _observer;
    private readonly TimeProvider _clock;
    private readonly Places _places;
    private long _orders;
    private long _retries;
    private volatile int _batchDivisor = 1;

    /// <summary>A dispatcher over an engine that stays the caller's.</summary>
    public Dispatcher(IEngine engine, IRunObserver observer, TimeProvider clock)
    {
        _engine = engine;
        _observer = observer;
        _clock = clock;
        _places = new Places(engine.Lanes);
    }

    /// <summary>What a unit that begins now may spill, in bytes; null: nothing bounds it.</summary>
    public Func<long?>? SpillBytes { get; init; }

    /// <summary>Attempts beyond each unit's first.</summary>
    public long Retries => Interlocked.Read(ref _retries);

    /// <summary>Lanes that have nothing to do just now.</summary>
    public int IdleLanes => _places.Idle;

    /// <summary>One unit fewer at once from now on; gives how many still run at once, at least one. One call at a time.</summary>
    public int Narrow() => _places.Narrow();

    /// <summary>Attempts that begin from now on collect half as much before they write; gives the divisor, at most <see cref="Limits.BatchDivisorMax"/>.</summary>
    public int Shrink() => _batchDivisor = Math.Min(_batchDivisor * 2, Limits.BatchDivisorMax);

    /// <summary>Waits for a lane and begins the unit on it. The task that it gives ends with the unit's result or its last fault.</summary>
    public async ValueTask<Task<UnitResult>> BeginAsync(UnitOrder order, CancellationToken cancel)
    {
        await _places.EnterAsync(cancel).ConfigureAwait(false);
        return RunAsync(order, cancel);
    }

    /// <summary>Runs a part of a unit that was divided: a suspect from the beginning, so nobody else is in flight meanwhile.</summary>
    public async Task<UnitResult> RunAloneAsync(UnitOrder order, CancellationToken cancel) =>
        await GoOnAloneAsync(order, attempt: 1, cancel).ConfigureAwait(false);

    /// <inheritdoc/>
    public void Dispose() => _places.Dispose();

    /// <summary>The attempts at a unit. Begins with a place and a lane in hand.</summary>
    private async Task<UnitResult> RunAsync(UnitOrder order, CancellationToken cancel)
    {
        var attempt = 1;
        try
        {
            while (true)
            {
                try
                {
                    return await AttemptAsync(order, attempt, cancel).ConfigureAwait(false);
                }
                catch (Fault fault) when (CanPass(fault) && attempt < Limits.UnitAttemptsMax && !cancel.IsCancellationRequested)
                {
                    await WaitAsync(order, attempt, fault, cancel).ConfigureAwait(false);
                    attempt++;
                    if (fault.Divisible && (fault.Kind != FaultKind.Died || attempt > Limits.UnitAttemptsTogetherMax)) break;
                    await _places.TakeLaneAsync(cancel).ConfigureAwait(false);
                }
            }
        }
        finally
        {
            _places.Leave();
        }

        return await GoOnAloneAsync(order, attempt, cancel).ConfigureAwait(false);
    }

    /// <summary>The attempts of a suspect. What it fails with alone, less work must avoid: it is not tried again as a whole.</summary>
    private async Task<UnitResult> GoOnAloneAsync(UnitOrder order, int attempt, CancellationToken cancel)
    {
        while (true)
        {
            await _places.EnterAloneAsync(cancel).ConfigureAwait(false);
            try
            {
                return await AttemptAsync(order with { IsAlone = true }, attempt, cancel).ConfigureAwait(false);
            }
            catch (Fault fault) when (CanPass(fault) && !fault.Divisible && attempt < Limits.UnitAttemptsMax && !cancel.IsCancellationRequested)
            {
                await WaitAsync(order, attempt, fault, cancel).ConfigureAwait(false);
                attempt++;
            }
            finally
            {
                _places.LeaveAlone();
            }
        }
    }

    private async Task WaitAsync(UnitOrder order, int attempt, Fault fault, CancellationToken cancel)
    {
        Interlocked.Increment(ref _retries);
        _observer.On(new UnitRetried(order.Stream, order.Unit.Number, order.Unit.Label, attempt, fault));
        await Task.Delay(TimeSpan.FromMilliseconds(Limits.RetryWaitMilliseconds << (attempt - 1)), _clock, cancel).ConfigureAwait(false);
    }

    private async Task<UnitResult> AttemptAsync(UnitOrder order, int attempt, CancellationToken cancel)
    {
        var freed = 0;
        void Free()
        {
            if (Interlocked.Exchange(ref freed, 1) == 0) _places.FreeLane();
        }

        try
        {
            order = order with { Id = Interlocked.Increment(ref _orders), Attempt = attempt, BatchDivisor = _batchDivisor, SpillBytes = SpillBytes?.Invoke() };
            return await _engine.RunAsync(order, Free, cancel).ConfigureAwait(false);
        }
        finally
        {
            Free();
        }
    }

    private static bool CanPass(Fault fault) => fault.Retryable || fault.Divisible;
}
