using Millrace.Runs;
using Millrace.Telemetry;

namespace Millrace.Verify;

/// <summary>Tells how far a verification is, about twice a second, and everything else in between: one call at a time.</summary>
internal sealed class VerifyProgress(RunOptions options, long began) : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private readonly CancellationTokenSource _stop = new();
    private Task _sampling = Task.CompletedTask;
    private (VerifySession Session, StreamVerification Stream)? _current;
    private long _unitsExpected;
    private long _unitsBefore;
    private long _rowsBefore;
    private long _bytesBefore;
    private long _peak;

    /// <summary>Begins.</summary>
    public void Start(RunDirectory run, long units)
    {
        _unitsExpected = units;
        Tell(new VerifyStarted(run.Run, run.Path));
        _sampling = Task.Run(SampleAsync);
    }

    /// <summary>Tells something.</summary>
    public void Tell(RunEvent happened)
    {
        lock (_lock) options.Observer.On(happened);
    }

    /// <summary>Watches a stream until what it returns is disposed.</summary>
    public IDisposable Watch(VerifySession session, StreamVerification stream)
    {
        lock (_lock) _current = (session, stream);
        return new Watching(this);
    }

    /// <summary>Ends the samples; gives the most memory that was seen.</summary>
    public async Task<long> EndAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _sampling.ConfigureAwait(false);
        return Math.Max(_peak, ProcessMemory.OfThisProcess());
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await EndAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task SampleAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(Limits.SampleMilliseconds), options.Clock);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                _peak = Math.Max(_peak, ProcessMemory.OfThisProcess());
                lock (_lock) options.Observer.On(Sample());
            }
        }
        catch (OperationCanceledException)
        {
            // It is over.
        }
    }

    private ProgressSample Sample()
    {
        var units = _unitsBefore + (_current?.Stream.UnitsDone ?? 0);
        return new ProgressSample
        {
            RowsRead = _rowsBefore + (_current?.Session.Rows ?? 0),
            BytesRead = _bytesBefore + (_current?.Session.Bytes ?? 0),
            UnitsDone = units,
            UnitsTotal = Math.Max(units, _unitsExpected),
            Fraction = _unitsExpected == 0 ? null : Math.Min(1, (double)units / _unitsExpected),
            Elapsed = options.Clock.GetElapsedTime(began),
            MemoryBytes = ProcessMemory.OfThisProcess(),
            Running = _current?.Session.Running ?? 0,
            Retries = 0,
        };
    }

    private void Leave()
    {
        lock (_lock)
        {
            if (_current is not { } done) return;
            _unitsBefore += done.Stream.UnitsDone;
            _rowsBefore += done.Session.Rows;
            _bytesBefore += done.Session.Bytes;
            _current = null;
        }
    }

    private sealed class Watching(VerifyProgress owner) : IDisposable
    {
        public void Dispose() => owner.Leave();
    }
}
