using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Faults;
using Millrace.Load;
using Millrace.Runs;
using Millrace.Transform;

namespace Millrace.Worker;

/// <summary>
/// Runs units: the middle of the data path, the same code in a worker process and in the coordinator. Each call of
/// <see cref="RunAsync"/> is one attempt at one unit; as many may run at once as there are lanes.
/// </summary>
public sealed class UnitRunner : IAsyncDisposable
{
    private readonly WorkerSettings _settings;
    private readonly RunDirectory _directory;
    private readonly UnitEnds _ends;
    private readonly ConcurrentDictionary<long, IUnitInput> _running = new();
    private readonly StreamSessions _sessions;
    private readonly SortTurns _sorting;
    private readonly HashTaps _taps = new("millrace_tap");
    private readonly ElementTaps _elementTaps = new("millrace_element_tap");
    private readonly RejectTaps _rejects = new("millrace_quarantine");
    private readonly RuleTaps _rules = new("millrace_rules");
    private readonly Pace? _pace;
    private readonly SemaphoreSlim _ahead = new(Limits.UnitsAheadMax);
    private volatile Reading? _reading;

    /// <summary>A runner of units between these ends, which it disposes.</summary>
    public UnitRunner(WorkerSettings settings, RunDirectory directory, UnitEnds ends, TimeProvider clock)
    {
        _pace = Pace.Of(settings, clock);
        _settings = settings;
        _directory = directory;
        _ends = ends;
        _sorting = new SortTurns(settings, header => ends.WriterOf(header).Sorts(header));
        _sessions = new StreamSessions((header, spillBytes, hasMore) => DuckDbSession.Open(SettingsOf(header, spillBytes, hasMore), _directory, header, ends.ReaderOf(header), ends.WriterOf(header), connection =>
        {
            _taps.Attach(connection);
            _rejects.Attach(connection);
            if (header.Stage is not { } stage) return;
            if (stage.Elements is not null) _elementTaps.Attach(connection);
            ends.Buckets.Attach(connection);
            ends.Lookups.Attach(connection, stage);
            RunFunctions.Attach(connection, stage.RunStart);
            if (stage.Checks is not null) _rules.Attach(connection);

            // A join would have rows of its left side left out before they are counted, through whatever lies between. One that keeps the order of its
            // left side has the right one in memory, whichever is smaller.
            var keepsOrder = stage.Buckets.Any(static relation => relation.Merge is not null);
            connection.Execute($"SET GLOBAL disabled_optimizers = 'join_filter_pushdown{(keepsOrder ? ",build_side_probe_side" : "")}'");
        }));
    }

    /// <summary>How far the orders that run right now are.</summary>
    public ImmutableArray<OrderProgress> Progress()
    {
        var progress = ImmutableArray.CreateBuilder<OrderProgress>();
        foreach (var (order, input) in _running) progress.Add(new OrderProgress(order, Math.Max(0, input.RowsRead), input.BytesRead));
        return progress.ToImmutable();
    }

    /// <summary>One attempt at one unit. When it returns, the unit has a durable result: this one's or an earlier attempt's.</summary>
    /// <param name="order">The unit and the attempt's number.</param>
    /// <param name="laneFree">
    /// Called once, on any thread: when all rows are copied and the files are not durable yet, or somewhat earlier (<see cref="LaneHold"/>).
    /// The next unit may begin.
    /// </param>
    /// <param name="cancel">Stops the attempt and removes what it has written.</param>
    /// <exception cref="Fault">Why the attempt failed.</exception>
    public async Task<UnitResult> RunAsync(UnitOrder order, Action laneFree, CancellationToken cancel)
    {
        var reading = ReadingOf(order);
        if (reading.Generation.ReadResult(order.Unit.Number, order.Fingerprint) is { } done) return done;
        try
        {
            return await AttemptAsync(order, reading, hasMore: false, laneFree, cancel).ConfigureAwait(false);
        }
        catch (Fault fault) when (MayHaveMore(order, reading.Header) && DuckDbFaults.IsOutOfMemory(fault))
        {
            return await AttemptAsync(order, reading, hasMore: true, laneFree, cancel).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _sessions.Dispose();
        _sorting.Dispose();
        _ahead.Dispose();
        await _ends.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>
    /// Whether DuckDB gets more memory when a unit does not fit: a large row needs it, and nobody else runs beside. Not where a stage sorts, which takes all
    /// that there is, nor where a key that is too large is written element by element instead, unless that fails as well.
    /// </summary>
    private bool MayHaveMore(UnitOrder order, StreamHeader header) =>
        order.IsAlone && _settings.HasLittleMemory && (header.Stage is null or { MemoryBytes: null, Elements: null } || ElementStream.Of(header, order.Unit) is not null);

    /// <summary>The settings of a stream's database.</summary>
    private WorkerSettings SettingsOf(StreamHeader header, long? spillBytes, bool hasMore) => _settings with
    {
        Lanes = _sorting.ThreadsOf(header),
        DuckDbBytes = hasMore ? _settings.DuckDbBytesAlone : header.Stage?.MemoryBytes ?? _settings.DuckDbBytes,
        SpillBytes = spillBytes ?? _settings.SpillBytes,
    };

    private async Task<UnitResult> AttemptAsync(UnitOrder order, Reading reading, bool hasMore, Action laneFree, CancellationToken cancel)
    {
        var (generation, header) = (reading.Generation, reading.Header);
        var began = Stopwatch.GetTimestamp();
        var name = $"{(order.Stage == 0 ? "" : $"s{order.Stage}-")}g{order.Generation}-e{_settings.Epoch}-a{order.Attempt}";
        await using var output = await _ends.WriterOf(header).OpenAsync(header, order.Unit, name, cancel).ConfigureAwait(false);
        using var lane = new LaneHold(_ahead, laneFree);
        using var quarantine = Quarantine.Open(_rejects, _directory.Stream(order.Stream), reading.ReadHeader, order, name);
        var elements = ElementStream.Of(header, order.Unit);
        using var steps = elements is null ? UnitSteps.Open(header, _taps, _ends.Buckets) : null;
        using var checks = UnitChecks.Open(header, _rules);
        using var proof = elements is null ? UnitProof.Of(_taps, header, output) : UnitProof.OfElements(_elementTaps, elements.First, _taps, header, output);
        var attempt = new UnitAttempt
        {
            Order = order, Header = header, ReadHeader = reading.ReadHeader, HasMore = hasMore, Output = output, Lane = lane,
            Quarantine = quarantine, Elements = elements, Steps = steps, Checks = checks, Proof = proof,
        };
        var (rowsRead, bytesRead, rowsCopied) = header.IsPassed
            ? await PassAsync(attempt, cancel).ConfigureAwait(false)
            : await CopyAsync(attempt, cancel).ConfigureAwait(false);
        lane.Copied();
        var written = await output.CompleteAsync(cancel).ConfigureAwait(false);
        attempt.AssertCounts(rowsRead, rowsCopied, written.Rows);
        var rejects = quarantine?.Complete();
        var result = new UnitResult
        {
            Number = order.Unit.Number,
            Fingerprint = order.Fingerprint,
            Attempt = order.Attempt,
            Epoch = _settings.Epoch,
            RowsRead = rowsRead,
            RowsWritten = written.Rows,
            Rejected = quarantine?.Rows ?? 0,
            Rejects = rejects is null ? null : [rejects],
            Rules = checks?.Counts(),
            HashIn = header.Stage is { OnlyChecks: false } ? null : proof.Hash,
            HashOut = proof.Hash,
            BytesRead = bytesRead,
            Lookups = steps?.Lookups,
            Files = written.Files,
            Seconds = Math.Round(Stopwatch.GetElapsedTime(began).TotalSeconds, 3),
        };
        if (generation.TryWriteResult(result)) return result;
        quarantine?.Remove();
        return generation.ReadResult(order.Unit.Number, order.Fingerprint)
            ?? throw new Fault(FaultKind.Internal, $"unit {order.Unit.Number} has a result that reads something else") { Where = order.Stream };
    }

    /// <summary>What the units of an order's stream share, read once for all units in a row that share it.</summary>
    private Reading ReadingOf(UnitOrder order)
    {
        if (_reading is { } known && known.Generation.Number == order.Generation && known.Stage == order.Stage && string.Equals(known.Stream, order.Stream, StringComparison.Ordinal)) return known;
        var generation = _directory.Stream(order.Stream, order.Stage).Latest();
        if (generation is null || generation.Number != order.Generation || generation.ReadHeader() is not { } header)
            throw new Fault(FaultKind.Internal, $"generation {order.Generation} of the stream has no header") { Where = order.Stream };
        return _reading = new Reading(order.Stream, order.Stage, generation, header, header.AsItIsRead());
    }

    /// <summary>The copy itself: rows leave the source, pass DuckDB and reach the staged files.</summary>
    private async Task<(long RowsRead, long BytesRead, long RowsCopied)> CopyAsync(UnitAttempt attempt, CancellationToken cancel)
    {
        var (order, header, steps) = (attempt.Order, attempt.Header, attempt.Steps);
        using var turn = await _sorting.TakeAsync(header, cancel).ConfigureAwait(false);
        using var session = _sessions.Enter(attempt.Elements?.In(header) ?? header, order.SpillBytes, attempt.HasMore);
        await using var input = await Again().ConfigureAwait(false);
        _running[order.Id] = input;
        input.WhenDrained(attempt.Lane.Drained);
        var connection = session.Database.Rent();
        UnitLookups? lookups = null;
        try
        {
            lookups = await _ends.Lookups.EnterAsync(connection, header, cancel).ConfigureAwait(false);
            using var stop = cancel.Register(() =>
            {
                input.Cancel();
                lookups?.Cancel();
                steps?.Cancel();
            });
            using var paced = _pace is null ? null : new PacedInput(_pace, _taps, input, cancel);
            var select = attempt.Over(paced?.Over(input.Select, attempt.ReadHeader.Columns[0].Name) ?? input.Select, input);
            var copied = await attempt.WriteAsync(select, input.Statements, connection, cancel).ConfigureAwait(false);
            var ended = await attempt.ReadRestAsync(copied, input, Again, connection, cancel).ConfigureAwait(false);
            var passed = attempt.RowsFrom(copied);
            if (ended is null) await input.CompleteAsync(passed, cancel).ConfigureAwait(false);
            await attempt.Proof.CompareAsync(attempt.Output, connection, cancel).ConfigureAwait(false);
            if (steps is not null) steps.Lookups = lookups?.Counts;
            if (attempt.Checks is { } checks) await checks.CompareAsync(Again, () => UnitSteps.Open(header, _taps, _ends.Buckets), connection, cancel).ConfigureAwait(false);
            var (rows, bytes) = ended ?? (input.RowsRead < 0 ? passed : input.RowsRead, input.BytesRead);
            return (rows, bytes, copied);
        }
        catch (DuckDbException error)
        {
            cancel.ThrowIfCancellationRequested();
            var fault = attempt.Explain(error, input);
            if (!attempt.HasMore && MayHaveMore(order, header)) throw fault;
            throw await KeyQuestion.NameAsync(fault, order, header.Stage, _ends.Buckets, connection, cancel).ConfigureAwait(false);
        }
        finally
        {
            _running.TryRemove(order.Id, out _);
            session.Database.Return(connection);
            if (lookups is not null) await lookups.DisposeAsync().ConfigureAwait(false);
        }

        ValueTask<IUnitInput> Again() => _ends.ReaderOf(attempt.ReadHeader).OpenAsync(attempt.ReadHeader, order.Unit, cancel);
    }

    /// <summary>Rows pass in the source's own form, and DuckDB does not see them.</summary>
    private async Task<(long RowsRead, long BytesRead, long RowsCopied)> PassAsync(UnitAttempt attempt, CancellationToken cancel)
    {
        var (order, header) = (attempt.Order, attempt.Header);
        await using var input = await _ends.ReaderOf(header).OpenAsync(header, order.Unit, cancel).ConfigureAwait(false);
        _running[order.Id] = input;
        input.WhenDrained(attempt.Lane.Drained);
        try
        {
            using var stop = cancel.Register(static state => ((IUnitInput)state!).Cancel(), input);
            var taker = attempt.Output.Taker;
            var hash = await input.PassAsync(taker, cancel).ConfigureAwait(false);
            await input.CompleteAsync(taker.Rows, cancel).ConfigureAwait(false);
            if (hash is { } passed) attempt.Proof.Take(passed);
            return (input.RowsRead, input.BytesRead, taker.Rows);
        }
        catch (Fault)
        {
            cancel.ThrowIfCancellationRequested();
            throw;
        }
        finally
        {
            _running.TryRemove(order.Id, out _);
        }
    }

    private sealed record Reading(string Stream, int Stage, Generation Generation, StreamHeader Header, StreamHeader ReadHeader);
}
