using Millrace.Engines;
using Millrace.Faults;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Worker;

namespace Millrace.Load;

/// <summary>
/// Moves one stream's units: the plan is written while its first units already run, each unit is handed to the dispatcher as a lane
/// gets free. A unit that fails for good stops the others, unless it is only a range that can't be read: then they go on, so that a
/// resumed run has nothing else left to do.
/// </summary>
internal sealed class StreamLoad : IDisposable
{
    private readonly StreamReading _reading;
    private readonly ActiveRun _run;
    private readonly UnitCourse _course;
    private readonly RejectCount _rejects;
    private readonly SlowUnits _units;
    private readonly CancellationTokenSource _stop;
    private readonly TaskCompletionSource _allDone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _outstanding = 1;
    private Fault? _fault;

    /// <summary>A load over a reading.</summary>
    public StreamLoad(StreamReading reading, Dispatcher dispatcher, ActiveRun run, UnitCuts cuts, TimeProvider clock, CancellationToken cancel)
    {
        _reading = reading;
        _run = run;
        _course = new UnitCourse(reading, dispatcher, run, cuts.WhenFailed);
        _rejects = new RejectCount(reading.Header, run.Directory.Stream(reading.Header.Stream));
        _units = new SlowUnits(reading, dispatcher, run, cuts.WhenSlow, clock);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
    }

    /// <summary>Hands out every unit. When it returns, the last units may still run.</summary>
    public async Task HandOutAsync()
    {
        await using var plan = _reading.Generation.WritePlan();
        var planning = Task.Run(() => _reading.WritePlanAsync(plan, _stop.Token), CancellationToken.None);
        try
        {
            await foreach (var unit in plan.FollowAsync(_stop.Token).ConfigureAwait(false))
            {
                if (_reading.Carry(unit) is { } carried)
                {
                    Count(carried);
                    continue;
                }

                var course = _reading.PartsOf(unit) is { IsEmpty: false } parts
                    ? _course.GoOnAsync(unit, parts, _stop.Token)
                    : _course.FollowAsync(unit, await _units.BeginAsync(unit, _stop.Token).ConfigureAwait(false), _stop.Token);
                Interlocked.Increment(ref _outstanding);
                _ = FollowAsync(unit, course);
            }
        }
        catch (Exception error) when (error is not OperationCanceledException || !_stop.IsCancellationRequested)
        {
            Fail(Faulted.From(error));
        }
        catch (OperationCanceledException)
        {
            // A unit has failed, or the run ends: nothing more is handed out.
        }
        finally
        {
            if (_fault is not null || _stop.IsCancellationRequested) await _stop.CancelAsync().ConfigureAwait(false);
            await planning.ConfigureAwait(false);
            Done();
        }
    }

    /// <summary>Waits for the units that still run. Throws the stream's fault.</summary>
    public async Task FinishAsync(CancellationToken cancel)
    {
        using (var watched = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token))
        {
            var watching = _units.WatchAsync(watched.Token);
            await _allDone.Task.ConfigureAwait(false);
            await watched.CancelAsync().ConfigureAwait(false);
            await watching.ConfigureAwait(false);
        }

        cancel.ThrowIfCancellationRequested();
        if (_fault is { } fault) throw fault;
        if (_course.Lost is [var first, ..] lost) throw Incomplete(first, lost.Length);
    }

    /// <inheritdoc/>
    public void Dispose() => _stop.Dispose();

    private async Task FollowAsync(Unit unit, Task<UnitResult?> running)
    {
        try
        {
            if (await running.ConfigureAwait(false) is not { } result) return;
            var written = Count(result);
            _run.On(new UnitFinished(_reading.Header.Stream, unit.Number, unit.Label, result.RowsWritten, result.BytesRead, written, result.Seconds, result.Rejected) { Lookups = result.Lookups });
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The stream's fault, or the run's end, has stopped it.
        }
        catch (Exception error)
        {
            Fail(Faulted.From(error));
        }
        finally
        {
            Done();
        }
    }

    /// <summary>Counts a unit that has its result; gives the bytes that it has staged.</summary>
    private long Count(UnitResult result)
    {
        long staged = 0, rejects = 0;
        foreach (var file in result.Files) staged += file.Bytes;
        foreach (var file in result.Rejects ?? []) rejects += file.Bytes;
        _run.Count(result, (_run.StoresBuckets && _reading.Header.Stage?.Output is not null ? 0 : staged) + rejects);
        _rejects.Add(result);
        return staged;
    }

    private Fault Incomplete(Fault first, int ranges) => new(first.Kind, ranges == 1 ? first.Message : $"{first.Message} ({ranges} ranges can't be read; this is the first)", first)
    {
        Side = first.Side,
        Where = first.Where,
        Code = first.Code,
        Advice = $"Everything else of {_reading.Header.Stream} is read and kept: `millrace resume` tries only what is missing."
            + (first.Advice is null ? "" : $" {first.Advice}"),
    };

    private void Fail(Fault fault)
    {
        if (Interlocked.CompareExchange(ref _fault, fault, null) is null) _stop.Cancel();
    }

    private void Done()
    {
        if (Interlocked.Decrement(ref _outstanding) == 0) _allDone.TrySetResult();
    }
}
