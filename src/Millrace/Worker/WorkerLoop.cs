using System.Collections.Concurrent;
using Millrace.Faults;
using Millrace.Runs;

namespace Millrace.Worker;

/// <summary>
/// The worker process: reads settings and orders from its input until that ends, runs each order, answers on its output.
/// The end of the input means that the coordinator is gone or done: everything that still runs is stopped.
/// </summary>
public sealed class WorkerLoop : IDisposable
{
    private readonly LineChannel _channel;
    private readonly KnownConnectors _connectors;
    private readonly TimeProvider _clock;
    private readonly ConcurrentDictionary<long, CancellationTokenSource> _orders = new();
    private readonly ConcurrentDictionary<long, Task> _tasks = new();

    /// <summary>A worker over its two pipes.</summary>
    public WorkerLoop(Stream input, Stream output, KnownConnectors connectors, TimeProvider clock)
    {
        _channel = new LineChannel(input, output);
        _connectors = connectors;
        _clock = clock;
    }

    /// <summary>Works until the input ends.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        var first = await _channel.ReadAsync(WorkerJson.Default.WorkerInput, cancel).ConfigureAwait(false);
        if (first is null) return;
        var settings = first.Settings ?? throw new Fault(FaultKind.Died, "a worker's first message has no settings");

        // Held shared until this process is gone: the next coordinator of the run waits for that.
        var run = RunDirectory.OpenPath(settings.RunDirectory);
        using var alive = new FileStream(run.WorkersLockPath, FileMode.OpenOrCreate, FileAccess.Read, FileShare.Read);
        if (run.LatestEpoch()?.Epoch > settings.Epoch)
            throw new Fault(FaultKind.Refused, "another coordinator has taken the run: its workers do the work") { Where = settings.RunDirectory };
        await using var runner = _connectors.OpenRunner(settings, _clock);
        OomPreference.TakeThisProcessFirst();
        await TellAsync(new WorkerOutput { Ready = true }).ConfigureAwait(false);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        using var sampler = new PeriodicTimer(TimeSpan.FromMilliseconds(Limits.SampleMilliseconds), _clock);
        var sampling = SampleAsync(sampler, runner);
        try
        {
            while (await _channel.ReadAsync(WorkerJson.Default.WorkerInput, cancel).ConfigureAwait(false) is { } message)
            {
                if (message.Order is { } order) Begin(runner, order, ended.Token);
                if (message.Withdraw is { } id && _orders.TryGetValue(id, out var withdrawn)) await withdrawn.CancelAsync().ConfigureAwait(false);
            }
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(_tasks.Values).ConfigureAwait(false);
            sampler.Dispose();
            await sampling.ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _channel.Dispose();

    private void Begin(UnitRunner runner, UnitOrder order, CancellationToken ended)
    {
        var stop = CancellationTokenSource.CreateLinkedTokenSource(ended);
        _orders[order.Id] = stop;
        var task = Task.Run(() => AnswerAsync(runner, order, stop.Token), CancellationToken.None);
        _tasks[order.Id] = task;
        _ = task.ContinueWith(
            done =>
            {
                _orders.TryRemove(order.Id, out _);
                _tasks.TryRemove(order.Id, out _);
                stop.Dispose();
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private async Task AnswerAsync(UnitRunner runner, UnitOrder order, CancellationToken cancel)
    {
        WorkerOutput answer;
        try
        {
            var result = await runner.RunAsync(order, () => LaneFree(order), cancel).ConfigureAwait(false);
            answer = new WorkerOutput { Order = order.Id, Result = result };
        }
        catch (OperationCanceledException)
        {
            answer = new WorkerOutput { Order = order.Id, Fault = new Fault(FaultKind.Cancelled, "the unit was withdrawn") };
        }
        catch (Exception error)
        {
            answer = new WorkerOutput { Order = order.Id, Fault = Faulted.From(error) };
        }

        await TellAsync(answer).ConfigureAwait(false);
    }

    private void LaneFree(UnitOrder order) => _ = TellAsync(new WorkerOutput { Order = order.Id, LaneFree = true });

    private async Task SampleAsync(PeriodicTimer sampler, UnitRunner runner)
    {
        while (await sampler.WaitForNextTickAsync(CancellationToken.None).ConfigureAwait(false))
            await TellAsync(new WorkerOutput { Progress = runner.Progress() }).ConfigureAwait(false);
    }

    private async Task TellAsync(WorkerOutput answer)
    {
        try
        {
            await _channel.WriteAsync(answer, WorkerJson.Default.WorkerOutput, CancellationToken.None).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // The coordinator is gone: the end of the input, which follows, ends this worker.
        }
    }
}
