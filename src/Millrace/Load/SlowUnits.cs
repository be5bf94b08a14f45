using System.Collections.Concurrent;
using System.Collections.Immutable;
using Millrace.Engines;
using Millrace.Faults;
using Millrace.Runs;
using Millrace.Telemetry;

namespace Millrace.Load;

/// <summary>
/// Looks after units that are merely slow. While lanes are idle at the end of a stream, the unit that has run for far longer than others
/// took is read in parts as well, on those lanes; what is complete first counts, and the other is stopped. The unit's result, which is
/// written only once, is the arbiter. Parts that fail are given up: nothing is lost but their time.
/// </summary>
/// <param name="reading">The stream.</param>
/// <param name="dispatcher">Runs attempts.</param>
/// <param name="run">Hears of it.</param>
/// <param name="split">Cuts units in parts; none where they would take as long.</param>
/// <param name="clock">The clock.</param>
internal sealed class SlowUnits(StreamReading reading, Dispatcher dispatcher, ActiveRun run, UnitSplitter split, TimeProvider clock)
{
    private readonly ConcurrentDictionary<long, Attempt> _running = new();
    private readonly UsualTime _usual = new();

    /// <summary>Waits for a lane and begins a unit on it. The task that it gives ends with the unit's result or its last fault.</summary>
    public async ValueTask<Task<UnitResult>> BeginAsync(Unit unit, CancellationToken cancel)
    {
        var attempt = new Attempt(unit, cancel);
        try
        {
            var running = await dispatcher.BeginAsync(reading.OrderOf(unit), attempt.Stop).ConfigureAwait(false);
            attempt.Began = clock.GetTimestamp();
            _running[unit.Number] = attempt;
            return FollowAsync(attempt, running, cancel);
        }
        catch
        {
            attempt.Dispose();
            throw;
        }
    }

    /// <summary>Looks for slow units until it is stopped; called when every unit has been handed out.</summary>
    public async Task WatchAsync(CancellationToken stop)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(Limits.SlowUnitLookMilliseconds), clock);
        var idle = 0;
        try
        {
            while (await timer.WaitForNextTickAsync(stop).ConfigureAwait(false))
            {
                // Lanes that are idle between two units, or until the next stream is planned, are none.
                idle = dispatcher.IdleLanes > 0 ? idle + 1 : 0;
                if (idle >= Limits.SlowUnitLooksMin && Slowest() is { } slow) slow.IsSlow.TrySetResult();
            }
        }
        catch (OperationCanceledException)
        {
            // Every unit has its end.
        }
    }

    private Attempt? Slowest()
    {
        if (_usual.Median is not { } usual) return null;
        var longest = TimeSpan.FromTicks(Math.Max(TimeSpan.FromSeconds(Limits.SlowUnitSecondsMin).Ticks, usual.Ticks * Limits.SlowUnitTimesMin));
        Attempt? slowest = null;
        foreach (var (_, attempt) in _running)
        {
            if (attempt.IsSlow.Task.IsCompleted || clock.GetElapsedTime(attempt.Began) is var taken && taken < longest) continue;
            longest = taken;
            slowest = attempt;
        }

        return slowest;
    }

    private async Task<UnitResult> FollowAsync(Attempt attempt, Task<UnitResult> running, CancellationToken cancel)
    {
        try
        {
            if (await Task.WhenAny(running, attempt.IsSlow.Task).ConfigureAwait(false) != running
                && await PartsOfAsync(attempt.Unit, cancel).ConfigureAwait(false) is { Length: > 1 } parts)
                return await RaceAsync(attempt, running, parts, cancel).ConfigureAwait(false);
            var result = await running.ConfigureAwait(false);
            _usual.Add(clock.GetElapsedTime(attempt.Began));
            return result;
        }
        finally
        {
            _running.TryRemove(attempt.Unit.Number, out _);
            attempt.Dispose();
        }
    }

    /// <summary>What a unit can be cut into; none where that fails: the unit itself still runs.</summary>
    private async Task<ImmutableArray<Unit>> PartsOfAsync(Unit unit, CancellationToken cancel)
    {
        try
        {
            var parts = await split(reading.Header, unit, cancel).ConfigureAwait(false);
            return parts.Length > 1 ? reading.Number(unit, parts) : [];
        }
        catch (Exception error) when (error is Fault or OperationCanceledException)
        {
            return [];
        }
    }

    /// <summary>The unit as a whole against its parts.</summary>
    private async Task<UnitResult> RaceAsync(Attempt attempt, Task<UnitResult> running, ImmutableArray<Unit> parts, CancellationToken cancel)
    {
        var unit = attempt.Unit;
        run.On(new UnitSlow(
            reading.Header.Stream, unit.Number, unit.Label, [.. parts.Select(static part => part.Label)], clock.GetElapsedTime(attempt.Began), _usual.Median!.Value));
        using var parting = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var inParts = InPartsAsync(unit, parts, parting);
        try
        {
            await Task.WhenAny((Task)running, inParts).ConfigureAwait(false);
            return running.IsCompletedSuccessfully || await inParts.ConfigureAwait(false) is not { } whole ? await running.ConfigureAwait(false) : whole;
        }
        finally
        {
            await parting.CancelAsync().ConfigureAwait(false);
            await attempt.StopAsync().ConfigureAwait(false);
            await ((Task)running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await ((Task)inParts).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>All parts at once, as lanes are free; null when one of them fails.</summary>
    private async Task<UnitResult?> InPartsAsync(Unit unit, ImmutableArray<Unit> parts, CancellationTokenSource stop)
    {
        var running = new List<Task<UnitResult>>(parts.Length);
        try
        {
            foreach (var part in parts) running.Add(await BeginAsync(part, stop.Token).ConfigureAwait(false));
            return reading.WriteWhole(unit, await Task.WhenAll(running).ConfigureAwait(false), run.Lease.Epoch);
        }
        catch (Exception error) when (error is Fault or OperationCanceledException)
        {
            return null;
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await ((Task)Task.WhenAll(running)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>A unit that runs as a whole.</summary>
    private sealed class Attempt(Unit unit, CancellationToken cancel) : IDisposable
    {
        private readonly CancellationTokenSource _stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);

        public Unit Unit => unit;

        public CancellationToken Stop => _stop.Token;

        public long Began { get; set; }

        public TaskCompletionSource IsSlow { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task StopAsync() => _stop.CancelAsync();

        public void Dispose() => _stop.Dispose();
    }

    /// <summary>What units take, by the latest of them. Thread safe.</summary>
    private sealed class UsualTime
    {
        private readonly Lock _lock = new();
        private readonly TimeSpan[] _latest = new TimeSpan[Limits.SlowUnitComparedMax];
        private long _count;

        /// <summary>The median; null before the first.</summary>
        public TimeSpan? Median
        {
            get
            {
                lock (_lock)
                {
                    if (_count == 0) return null;
                    var sorted = _latest.AsSpan(0, (int)Math.Min(_count, _latest.Length)).ToArray();
                    Array.Sort(sorted);
                    return sorted[sorted.Length / 2];
                }
            }
        }

        public void Add(TimeSpan taken)
        {
            lock (_lock) _latest[_count++ % _latest.Length] = taken;
        }
    }
}
