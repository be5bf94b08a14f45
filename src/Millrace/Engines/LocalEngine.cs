using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Worker;

namespace Millrace.Engines;

/// <summary>
/// Units in worker processes on this machine, so that what kills a unit never takes the coordinator. As few processes as the lanes
/// fit in; one that died is replaced when the next unit needs its place.
/// </summary>
internal sealed class LocalEngine : IEngine
{
    private readonly WorkerCommand _command;
    private readonly WorkerSettings _settings;
    private readonly IRunObserver _observer;
    private readonly SemaphoreSlim _choosing = new(1, 1);
    private readonly ChildWorker?[] _workers;
    private readonly int _lanesPerProcess;
    private readonly long _workerBytes;
    private int _replacements;

    /// <summary>An engine with so many lanes; <paramref name="settings"/> are those of a process, <paramref name="workerBytes"/> its share of the memory.</summary>
    public LocalEngine(WorkerCommand command, WorkerSettings settings, int lanes, long workerBytes, IRunObserver observer)
    {
        _workerBytes = workerBytes;
        _command = command;
        _settings = settings;
        _observer = observer;
        _lanesPerProcess = settings.Lanes;
        _workers = new ChildWorker?[Processes(lanes)];
        Lanes = lanes;
    }

    /// <inheritdoc/>
    public int Lanes { get; }

    /// <summary>How many processes so many lanes need.</summary>
    public static int Processes(int lanes) => (lanes + Limits.LanesPerProcessMax - 1) / Limits.LanesPerProcessMax;

    /// <inheritdoc/>
    public async Task<UnitResult> RunAsync(UnitOrder order, Action laneFree, CancellationToken cancel)
    {
        var worker = await ChooseAsync(cancel).ConfigureAwait(false);
        var freed = 0;
        void Free()
        {
            if (Interlocked.Exchange(ref freed, 1) == 0) Release(worker);
        }

        try
        {
            return await worker.RunAsync(order, () => { Free(); laneFree(); }, cancel).ConfigureAwait(false);
        }
        finally
        {
            Free();
        }
    }

    /// <inheritdoc/>
    public WorkerSample Sample()
    {
        long rows = 0, bytes = 0;
        var running = 0;
        foreach (var worker in _workers)
        {
            if (worker is null || worker.Gone is not null) continue;
            worker.Watch();
            var sample = worker.Sample();
            rows += sample.Rows;
            bytes += sample.Bytes;
            running += sample.Running;
        }

        return new WorkerSample(rows, bytes, running);
    }

    /// <inheritdoc/>
    public long MemoryBytes()
    {
        long bytes = 0;
        foreach (var worker in _workers)
        {
            if (worker is null || worker.Gone is not null) continue;
            var taken = ProcessMemory.OfProcess(worker.Pid);
            bytes += taken.Bytes;
            if (taken.OwnBytes > _workerBytes)
                worker.Kill($"was killed because it took {ByteSize.Format(taken.OwnBytes)}, and its share of limits.memory is {ByteSize.Format(_workerBytes)}");
        }

        return bytes;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers)
        {
            if (worker is not null) await worker.DisposeAsync().ConfigureAwait(false);
        }

        _choosing.Dispose();
    }

    /// <summary>What a dead process has spilled is of no use to anybody, and counts under <c>limits.disk</c> as long as it is there.</summary>
    private void RemoveSpill(int pid)
    {
        try
        {
            RunDirectory.RemoveSpill(_settings.RunDirectory, pid);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            _observer.On(new Warned($"what the process had spilled can't be removed: {error.Message}"));
        }
    }

    private void Release(ChildWorker worker)
    {
        lock (_workers) worker.Busy--;
    }

    /// <summary>The first process with a free lane, started or replaced if need be.</summary>
    private async Task<ChildWorker> ChooseAsync(CancellationToken cancel)
    {
        await _choosing.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            for (var place = 0; ; place = (place + 1) % _workers.Length)
            {
                var worker = _workers[place];
                if (worker is null || worker.Gone is not null) worker = _workers[place] = await StartAsync(worker, cancel).ConfigureAwait(false);
                lock (_workers)
                {
                    if (worker.Busy >= _lanesPerProcess && place < _workers.Length - 1) continue;
                    worker.Busy++;
                    return worker;
                }
            }
        }
        finally
        {
            _choosing.Release();
        }
    }

    private async Task<ChildWorker> StartAsync(ChildWorker? lost, CancellationToken cancel)
    {
        if (lost is not null)
        {
            _observer.On(new WorkerLost(lost.Pid, lost.Gone!.Message));
            var reason = lost.Gone;
            await lost.DisposeAsync().ConfigureAwait(false);
            RemoveSpill(lost.Pid);
            if (++_replacements > Limits.WorkerReplacementsMax)
            {
                throw new Fault(FaultKind.Limit, $"{Limits.WorkerReplacementsMax} worker processes were replaced; the last: {reason!.Message}")
                {
                    Advice = reason.Advice ?? "What is done is kept: `millrace resume` goes on from there.",
                };
            }
        }

        return await ChildWorker.StartAsync(_command, _settings, cancel).ConfigureAwait(false);
    }
}
