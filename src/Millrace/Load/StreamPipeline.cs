using Millrace.Commit;
using Millrace.Engines;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Transform;

namespace Millrace.Load;

/// <summary>
/// Moves streams one behind the other without a gap: while the last units of some streams still run or are being committed, the next
/// one's units are already handed out. A stream that fails leaves the others alone. Where a keeper holds the moment, units are read under
/// the text that it gave.
/// </summary>
internal sealed class StreamPipeline(ActiveRun run, JobEnds ends, Dispatcher dispatcher, Ending ending, StageLoads stages, string? kept, int streams, TimeProvider clock) : IAsyncDisposable
{
    private readonly SemaphoreSlim _finishing = new(Limits.StreamsFinishingMax);
    private readonly SemaphoreSlim _committing = new(1);
    private readonly List<Task> _moving = [];
    private int _unread = streams;

    /// <summary>Hands out a stream's units; returns when the next stream may begin.</summary>
    public async Task MoveAsync(StreamPlan plan, EngineChoice engine)
    {
        await _finishing.WaitAsync(run.Stop).ConfigureAwait(false);
        try
        {
            // Staging may be emptied here: it must be this coordinator's.
            run.Lease.AssertHolder();
            if (plan.Moment is not null && kept is not null) plan = plan with { Moment = kept };
            var to = plan.Stream.TargetName;
            plan = await stages.RunAsync(plan, run.Stop).ConfigureAwait(false);
            var key = plan.Stream.OnReject == OnReject.Quarantine || plan.Stage?.Checks is { Refusals.IsEmpty: false } ? await ends.Source.KeyAsync(plan.Stream, run.Stop).ConfigureAwait(false) : [];
            var reading = await StreamReading.BeginAsync(run.Directory, plan, to, ends.Target, new RejectRule(run.RejectLimit, key), run.Stop).ConfigureAwait(false);
            run.Disk.Stage(plan.SpooledBytes);
            run.Expect(plan.EstimatedRows, plan.EstimatedBytes, plan.EstimatedUnits);
            run.On(new StreamPlanned(plan, to, engine, reading.CarriedUnits));
            if (!plan.SchemaChanges.IsEmpty) run.On(new Warned($"{plan.Stream.Name}: the table's columns change: {string.Join("; ", plan.SchemaChanges)}"));

            // 4. Extract, transform, load: one COPY statement a unit, in a worker.
            var load = new StreamLoad(reading, dispatcher, run, stages.CutsOf(plan, plan.Steps?.Last), clock, run.Stop);
            await load.HandOutAsync().ConfigureAwait(false);
            _moving.Add(FinishAsync(load, plan.Stream, reading));
        }
        catch (Exception error) when (!run.Stop.IsCancellationRequested)
        {
            _finishing.Release();
            ending.Fail(run, plan.Stream, Faulted.From(error));
        }
    }

    /// <summary>Waits for every stream's end. Throws only when the run was stopped.</summary>
    public async Task EndAsync()
    {
        await Task.WhenAll(_moving).ConfigureAwait(false);
        run.Stop.ThrowIfCancellationRequested();
    }

    /// <summary>Waits for what still moves: when the run was stopped, those end soon.</summary>
    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_moving).ConfigureAwait(false);
        _finishing.Dispose();
        _committing.Dispose();
    }

    /// <summary>The rest of a stream's way, beside the streams after it.</summary>
    private async Task FinishAsync(StreamLoad load, StreamJob stream, StreamReading reading)
    {
        using var _ = load;
        try
        {
            await load.FinishAsync(run.Stop).ConfigureAwait(false);

            // Nothing is left to read: committing needs no moment, and neither does whoever has to do it after a kill.
            if (Interlocked.Decrement(ref _unread) == 0) run.Sign.End();

            // 5. Commit: one stream after the other, each in one step of the target's.
            await _committing.WaitAsync(run.Stop).ConfigureAwait(false);
            try
            {
                ending.Commit(run, await StreamCommit.RunAsync(run, stream, reading.Header, reading.Generation, ends.Target, ends.BucketsOf(run.Directory), run.Stop).ConfigureAwait(false));
            }
            finally
            {
                _committing.Release();
            }
        }
        catch (Exception error)
        {
            if (!run.Stop.IsCancellationRequested) ending.Fail(run, stream, Faulted.From(error));
        }
        finally
        {
            _finishing.Release();
        }
    }
}
