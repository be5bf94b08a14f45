using System.Collections.Concurrent;
using System.ComponentModel;
using System.Diagnostics;
using Millrace.Faults;
using Millrace.Runs;
using Millrace.Worker;

namespace Millrace.Engines;

/// <summary>One worker process and the orders that it has. When it dies, all of them fail as <see cref="FaultKind.Died"/>.</summary>
internal sealed class ChildWorker : IAsyncDisposable
{
    private readonly Process _process;
    private readonly LineChannel _channel;
    private readonly ConcurrentDictionary<long, Pending> _pending = new();
    private readonly BoundedTail _errors = new(Limits.WorkerErrorCharsMax);
    private readonly Task _reading;
    private readonly Task _listening;
    private volatile Fault? _gone;
    private volatile string? _killedFor;
    private volatile bool _isReady;
    private int _silence;

    private ChildWorker(Process process)
    {
        _process = process;
        Pid = process.Id;
        _channel = new LineChannel(process.StandardOutput.BaseStream, process.StandardInput.BaseStream);
        _listening = ListenAsync();
        _reading = ReadAsync();
    }

    /// <summary>Its process id.</summary>
    public int Pid { get; }

    /// <summary>How it ended; null while it lives.</summary>
    public Fault? Gone => _gone;

    /// <summary>Units that it runs, not counting those whose lane is free again.</summary>
    public int Busy { get; set; }

    /// <summary>How far its orders are, those excepted that it has answered since it last said so.</summary>
    public WorkerSample Sample() => WorkerSample.Of(_pending.Values.Select(static pending => pending.Progress).OfType<OrderProgress>());

    /// <summary>
    /// Looks after it; called once a sample. A process that says nothing for <see cref="Limits.WorkerSilenceSecondsMax"/> hangs, and so does a
    /// unit whose rows stand still for <see cref="Limits.UnitStallSecondsMax"/>: the process is killed. Samples are counted, not time: a
    /// coordinator that was itself stopped for a while has not listened.
    /// </summary>
    public void Watch()
    {
        if (Interlocked.Increment(ref _silence) > SamplesIn(Limits.WorkerSilenceSecondsMax)) Kill($"was killed because it has said nothing for {Limits.WorkerSilenceSecondsMax} s");
        foreach (var (_, pending) in _pending)
        {
            if (pending.StandsStill() <= SamplesIn(Limits.UnitStallSecondsMax)) continue;
            Kill($"was killed because a unit of it has had no new row for {Limits.UnitStallSecondsMax} s");
        }
    }

    /// <summary>Kills it; what it runs fails as <see cref="FaultKind.Died"/>.</summary>
    /// <param name="reason">Why, as the end of a sentence that begins with the process.</param>
    public void Kill(string reason)
    {
        _killedFor ??= reason;
        try
        {
            _process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has died by itself meanwhile, and is being replaced.
        }
    }

    /// <summary>Starts a process and gives it its settings.</summary>
    public static async Task<ChildWorker> StartAsync(WorkerCommand command, WorkerSettings settings, CancellationToken cancel)
    {
        try
        {
            var worker = new ChildWorker(command.Start());
            await worker._channel.WriteAsync(new WorkerInput { Settings = settings }, WorkerJson.Default.WorkerInput, cancel).ConfigureAwait(false);
            return worker;
        }
        catch (Exception error) when (error is Win32Exception or IOException)
        {
            throw new Fault(FaultKind.Died, $"a worker process can't be started: {error.Message}", error) { Where = command.FileName };
        }
    }

    /// <summary>Runs one order.</summary>
    public async Task<UnitResult> RunAsync(UnitOrder order, Action laneFree, CancellationToken cancel)
    {
        var pending = new Pending(laneFree);
        _pending[order.Id] = pending;
        if (_gone is { } gone) Fail(order.Id, gone);
        try
        {
            await _channel.WriteAsync(new WorkerInput { Order = order }, WorkerJson.Default.WorkerInput, cancel).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // It has just died: the reading side says so and fails this order.
        }

        await using var withdrawing = cancel.Register(() => _ = WithdrawAsync(order.Id)).ConfigureAwait(false);
        try
        {
            return await pending.Answer.Task.ConfigureAwait(false);
        }
        catch (Fault fault) when (fault.Kind == FaultKind.Cancelled)
        {
            cancel.ThrowIfCancellationRequested();
            throw;
        }
    }

    /// <summary>Ends it: its input is closed, and if that is not enough within some seconds, it is killed.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            _process.StandardInput.Close();
            using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(Limits.WorkerStopSecondsMax));
            await _process.WaitForExitAsync(deadline.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _reading.ConfigureAwait(false);
        await _listening.ConfigureAwait(false);
        _channel.Dispose();
        _process.Dispose();
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await _channel.ReadAsync(WorkerJson.Default.WorkerOutput, CancellationToken.None).ConfigureAwait(false) is { } message)
                Take(message);
        }
        catch (Exception error) when (error is IOException or Fault or ObjectDisposedException)
        {
            _process.Kill(entireProcessTree: true);
        }

        await _process.WaitForExitAsync().ConfigureAwait(false);
        await _listening.ConfigureAwait(false);
        _gone = Ended();
        foreach (var (id, _) in _pending) Fail(id, _gone);
    }

    private static int SamplesIn(int seconds) => seconds * 1000 / Limits.SampleMilliseconds;

    private void Take(WorkerOutput message)
    {
        Interlocked.Exchange(ref _silence, 0);
        if (message.Ready is true) _isReady = true;
        foreach (var progress in message.Progress ?? [])
        {
            if (_pending.TryGetValue(progress.Order, out var running)) running.Take(progress);
        }

        if (message.Order is not { } id || !_pending.TryGetValue(id, out var pending)) return;
        if (message.LaneFree is true)
        {
            pending.FreeLane();
            return;
        }

        if (!_pending.TryRemove(id, out _)) return;
        if (message.Result is { } result) pending.Answer.TrySetResult(result);
        else pending.Answer.TrySetException(message.Fault ?? new Fault(FaultKind.Died, "a worker gave an empty answer"));
    }

    private void Fail(long id, Fault fault)
    {
        if (_pending.TryRemove(id, out var pending)) pending.Answer.TrySetException(fault);
    }

    private async Task WithdrawAsync(long id)
    {
        try
        {
            await _channel.WriteAsync(new WorkerInput { Withdraw = id }, WorkerJson.Default.WorkerInput, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // It is gone, and so is the unit.
        }
    }

    private async Task ListenAsync()
    {
        while (await _process.StandardError.ReadLineAsync().ConfigureAwait(false) is { } line) _errors.Add(line);
    }

    private Fault Ended()
    {
        var code = _process.ExitCode;
        var how = _killedFor ?? (code > 128 ? $"was killed by signal {code - 128}" : $"ended with exit code {code}");
        var last = _errors.ToString();
        var said = last.Length == 0 ? "" : $": {last}";
        if (!_isReady) return new Fault(FaultKind.Died, $"worker process {Pid} {how} before it could begin{said}") { Retryable = true };
        return new Fault(FaultKind.Died, $"worker process {Pid} {how}{said}")
        {
            Retryable = true,
            Divisible = true,
            Advice = _killedFor is null && code == 137 ? "Signal 9 is most often the kernel's: out of memory. Lower limits.memory or limits.workers." : null,
        };
    }

    /// <summary>An order that it has not answered yet.</summary>
    private sealed class Pending(Action laneFree)
    {
        private volatile OrderProgress? _progress;
        private volatile bool _isCopied;
        private int _still;

        public OrderProgress? Progress => _progress;

        public TaskCompletionSource<UnitResult> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void FreeLane()
        {
            _isCopied = true;
            laneFree();
        }

        public void Take(OrderProgress progress)
        {
            if (progress != _progress) Interlocked.Exchange(ref _still, 0);
            _progress = progress;
        }

        /// <summary>Samples in which no row has come, from the first row to the last; 0 where rows are not counted.</summary>
        public int StandsStill() => _progress is { Rows: > 0 } && !_isCopied ? Interlocked.Increment(ref _still) : 0;
    }
}
