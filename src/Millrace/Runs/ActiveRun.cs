using System.Collections.Immutable;
using System.Diagnostics;
using Millrace.Engines;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Keeper;
using Millrace.Telemetry;

namespace Millrace.Runs;

/// <summary>
/// A run while this coordinator holds it: lease, counters, the story and the samples. It hears every event first, keeps what the run
/// directory should remember, and passes it on, one at a time.
/// </summary>
internal sealed class ActiveRun : IRunObserver, IAsyncDisposable
{
    private readonly Lock _telling = new();
    private readonly IRunObserver _observer;
    private readonly TimeProvider _clock;
    private readonly long _began;
    private readonly FileStream _story;
    private readonly CancellationTokenSource _stop;
    private readonly PeriodicTimer _sampler;
    private readonly Task _sampling;
    private volatile IEngine? _engine;
    private volatile Dispatcher? _dispatcher;
    private volatile MemoryPressure? _pressure;
    private int _keeper;
    private int _storyLines;
    private Fault? _overDisk;
    private long _rowsDone, _bytesDone, _unitsDone, _unitsPlanned, _splits, _rowsExpected, _bytesExpected, _rowsShown, _bytesShown, _samples, _memory, _peak;

    private ActiveRun(RunDirectory directory, RunLease lease, JobLimits limits, IRunObserver observer, TimeProvider clock, CancellationToken cancel)
    {
        Directory = directory;
        Disk = new DiskUse(directory.SpillPath, limits.DiskBytes, text => On(new Warned(text)));
        RejectLimit = limits.Rejects ?? RejectLimit.Default;
        Lease = lease;
        _observer = observer;
        _clock = clock;
        _began = clock.GetTimestamp();
        _story = new FileStream(directory.StoryPath, FileMode.Append, FileAccess.Write, FileShare.Read);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        _sampler = new PeriodicTimer(TimeSpan.FromMilliseconds(Limits.SampleMilliseconds), clock);
        _sampling = SampleAsync();
    }

    /// <summary>The run's folder.</summary>
    public RunDirectory Directory { get; }

    /// <summary>The hold on it.</summary>
    public RunLease Lease { get; }

    /// <summary>Cancelled when somebody asks the run to stop: by signal, or by <c>millrace cancel</c>.</summary>
    public CancellationToken Stop => _stop.Token;

    /// <summary>Why this coordinator has stopped: another one has the run, as after a pause that was taken for death. Null otherwise.</summary>
    public Fault? Replaced { get; private set; }

    /// <summary>What has ended the run from inside, where nobody has cancelled it: <see cref="Replaced"/>, or more on disk than <c>limits.disk</c>.</summary>
    public Fault? StoppedBy => Replaced ?? _overDisk;

    /// <summary>What the run has on disk.</summary>
    public DiskUse Disk { get; }

    /// <summary>Whether rows between stages lie elsewhere than on this machine.</summary>
    public bool StoresBuckets { get; init; }

    /// <summary>The highest memory sample, in bytes.</summary>
    public long PeakMemoryBytes => Interlocked.Read(ref _peak);

    /// <summary>Wall time of this coordinator.</summary>
    public TimeSpan Elapsed => _clock.GetElapsedTime(_began);

    /// <summary>Units that have results.</summary>
    public long UnitsDone => Interlocked.Read(ref _unitsDone);

    /// <summary>Units and parts that were divided.</summary>
    public long Splits => Interlocked.Read(ref _splits);

    /// <summary>Attempts beyond each unit's first.</summary>
    public long Retries => _dispatcher?.Retries ?? 0;

    /// <summary>Takes a run. Its spill folder is emptied: what lies there belongs to dead processes.</summary>
    public static async Task<ActiveRun> TakeAsync(
        RunDirectory directory, RunOptions options, Job job, bool resumed, CancellationToken cancel)
    {
        var clock = options.Clock;
        var lease = await RunLease.TakeAsync(directory, clock, cancel).ConfigureAwait(false);
        ClearSpill(directory);
        System.IO.Directory.CreateDirectory(directory.SpillPath);
        File.Delete(directory.CancelPath);
        var run = new ActiveRun(directory, lease, job.Limits, options.Observer, clock, cancel) { StoresBuckets = job.Shuffle is not null };
        run.On(new RunStarted(directory.Run, directory.Path, resumed));
        return run;
    }

    /// <summary>Says who runs the units, so that samples can ask them, the ceiling of their memory, and whether their writers' batches can be smaller.</summary>
    public void Uses(IEngine engine, Dispatcher dispatcher, long memoryBytesMax, bool batches)
    {
        _pressure = new MemoryPressure(memoryBytesMax, engine.Lanes, batches ? dispatcher.Shrink : null, dispatcher.Narrow);
        _engine = engine;
        _dispatcher = dispatcher;
    }

    /// <summary>How whoever keeps the moment learns that this coordinator is there.</summary>
    public KeeperSign Sign => field ??= new KeeperSign(Directory);

    /// <summary>Says which process keeps the moment, so that samples count its memory.</summary>
    public void KeptBy(int pid) => Volatile.Write(ref _keeper, pid);

    /// <summary>Adds what a stream is expected to bring.</summary>
    public void Expect(long? rows, long? bytes, long units)
    {
        Interlocked.Add(ref _rowsExpected, rows ?? 0);
        Interlocked.Add(ref _bytesExpected, bytes ?? 0);
        Interlocked.Add(ref _unitsPlanned, units);
    }

    /// <summary>Rows of one stream that may be rejected.</summary>
    public RejectLimit RejectLimit { get; }

    /// <summary>Counts a finished unit and what it staged.</summary>
    /// <exception cref="Fault">The run has staged more than <c>limits.disk</c> allows.</exception>
    public void Count(UnitResult result, long stagedBytes)
    {
        Disk.Stage(stagedBytes);
        Interlocked.Add(ref _rowsDone, result.RowsRead);
        Interlocked.Add(ref _bytesDone, result.BytesRead);
        Interlocked.Increment(ref _unitsDone);
    }

    /// <inheritdoc/>
    public void On(RunEvent happened)
    {
        lock (_telling)
        {
            if (happened is UnitDivided or UnitSlow) Interlocked.Increment(ref _splits);
            Remember(happened);
            _observer.On(happened);
        }
    }

    /// <summary>Takes a last sample, writes the report and tells the end.</summary>
    public async Task<RunSummary> EndAsync(RunSummary summary, ImmutableArray<CommitRecord> commits)
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _sampler.Dispose();
        await _sampling.ConfigureAwait(false);
        if (_samples == 0) Sample();
        summary = summary with { Retries = Retries, Splits = Splits, PeakMemoryBytes = PeakMemoryBytes, Seconds = Math.Round(Elapsed.TotalSeconds, 3) };
        try
        {
            // Who was replaced leaves the run to the other one, with its spill and its report.
            if ((Replaced ??= Lease.Replaced()) is null)
            {
                ClearSpill(Directory);
                Directory.WriteReport(new RunReport { Epoch = Lease.Epoch, Summary = summary, Ended = _clock.GetUtcNow(), Commits = commits });
            }
        }
        catch (Exception error) when (error is IOException or Fault or UnauthorizedAccessException)
        {
            On(new Warned($"the report could not be written: {error.Message}"));
        }

        if (summary.Status == RunStatus.Succeeded) Sign.End();
        On(new RunFinished(summary));
        return summary;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        _sampler.Dispose();
        await _sampling.ConfigureAwait(false);
        await _story.DisposeAsync().ConfigureAwait(false);
        Lease.Dispose();
        _stop.Dispose();
    }

    private static void ClearSpill(RunDirectory directory)
    {
        if (System.IO.Directory.Exists(directory.SpillPath)) System.IO.Directory.Delete(directory.SpillPath, recursive: true);
    }

    /// <summary>Until the sampler is disposed: the usual end of a run throws nothing.</summary>
    private async Task SampleAsync()
    {
        while (await _sampler.WaitForNextTickAsync(CancellationToken.None).ConfigureAwait(false))
        {
            if (File.Exists(Directory.CancelPath) || IsReplaced() || IsOverDisk()) await _stop.CancelAsync().ConfigureAwait(false);
            if (_samples % Limits.SamplesPerSign == 0) Sign.Give();
            On(Sample());
        }
    }

    private bool IsReplaced()
    {
        try
        {
            return (Replaced ??= Lease.Replaced()) is not null;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or Fault)
        {
            // The run directory is out of reach just now: nothing can be published either.
            return false;
        }
    }

    private bool IsOverDisk() => (_overDisk ??= Disk.Look()) is not null;

    private ProgressSample Sample()
    {
        var sample = _engine?.Sample() ?? new Worker.WorkerSample(0, 0, 0);
        if (_samples++ % Limits.SamplesPerMemoryReading == 0)
        {
            _memory = ProcessMemory.OfThisProcess() + (_engine?.MemoryBytes() ?? 0);
            if (Volatile.Read(ref _keeper) is > 0 and var keeper) _memory += ProcessMemory.OfProcess(keeper).Bytes;
            _peak = Math.Max(_peak, _memory);
            if (_pressure?.Feel(_memory) is { } warning) On(new Warned(warning));
        }

        // A unit that is being made durable is in neither sum for a moment: what was shown stays.
        var rows = _rowsShown = Math.Max(_rowsShown, Interlocked.Read(ref _rowsDone) + sample.Rows);
        var bytes = _bytesShown = Math.Max(_bytesShown, Interlocked.Read(ref _bytesDone) + sample.Bytes);
        return new ProgressSample
        {
            RowsRead = rows,
            BytesRead = bytes,
            UnitsDone = Interlocked.Read(ref _unitsDone),
            UnitsTotal = Math.Max(Interlocked.Read(ref _unitsPlanned), Interlocked.Read(ref _unitsDone)),
            Fraction = Fraction(rows, bytes),
            Elapsed = Elapsed,
            MemoryBytes = _memory,
            Running = sample.Running,
            Retries = Retries,
        };
    }

    /// <summary>Estimates are only that: nothing is done before it is committed.</summary>
    private double? Fraction(long rows, long bytes)
    {
        var expectedRows = Interlocked.Read(ref _rowsExpected);
        var expectedBytes = Interlocked.Read(ref _bytesExpected);
        if (expectedRows > 0) return Math.Min(0.99, (double)rows / expectedRows);
        return expectedBytes > 0 ? Math.Min(0.99, (double)bytes / expectedBytes) : null;
    }

    private void Remember(RunEvent happened)
    {
        var line = happened switch
        {
            RunStarted it => Line(it.Resumed ? "resumed" : "started", null, null, $"by coordinator {Lease.Epoch}"),
            StreamPlanned it => Line("planned", it.Plan.Stream.Name, null, $"by {it.Plan.Strategy.ToString().ToLowerInvariant()}: {it.Plan.Why}"),
            UnitRetried it => Line("retried", it.Stream, it.Unit, $"attempt {it.Attempt} of {it.Label}: {it.Reason.Message}"),
            UnitDivided it => Line("divided", it.Stream, it.Unit, $"{it.Label} into {string.Join(" and ", it.Parts)}: {it.Reason.Message}"),
            UnitSlow it => Line("slow", it.Stream, it.Unit, $"{it.Label} has run for {it.Taken.TotalSeconds:F0} s, others took {it.Usual.TotalSeconds:F1} s: also read as {string.Join(" and ", it.Parts)}"),
            RangeLost it => Line("lost", it.Stream, it.Unit, $"{it.Label}: {it.Reason.Message}"),
            WorkerLost it => Line("worker_lost", null, null, it.Reason),
            StreamCommitted it => Line("committed", it.Stream, null, $"rows: {it.Receipt.Rows}, files: {it.Receipt.Files}, in {it.Receipt.Place}"),
            StreamFailed it => Line("failed", it.Stream, null, it.Fault.Describe()),
            Warned it => Line("warned", null, null, it.Text),
            _ => null,
        };
        if (line is null || _storyLines++ >= Limits.StoryLinesMax) return;
        try
        {
            _story.Write(RunJson.Line(line, RunJson.Default.StoryLine));
            _story.WriteByte((byte)'\n');
            _story.Flush();
        }
        catch (IOException error)
        {
            // A full disk must not end the run here: the units will say so.
            Debug.WriteLine(error);
        }
    }

    private StoryLine Line(string what, string? stream, long? unit, string text) =>
        new() { At = _clock.GetUtcNow(), Epoch = Lease.Epoch, What = what, Stream = stream, Unit = unit, Text = text };
}
