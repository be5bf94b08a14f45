using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Faults;
using Millrace.Load;
using Millrace.Runs;

namespace Millrace.Worker;

/// <summary>
/// Runs units: the middle of the data path, the same code in a worker process and in the coordinator. Each call of
/// <see cref="RunAsync"/> is one attempt at one unit; as many may run at once as there are lanes.
/// </summary>
public sealed class UnitRunner : IAsyncDisposable
{
    private readonly WorkerSettings _settings;
    private readonly RunDirectory _directory;
    private readonly IUnitReader _reader;
    private readonly IUnitWriter _writer;
    private readonly ConcurrentDictionary<long, IUnitInput> _running = new();
    private readonly StreamSessions _sessions;
    private readonly HashTaps _taps = new("millrace_tap");
    private readonly RejectTaps _rejects = new("millrace_quarantine");
    private readonly Pace? _pace;
    private readonly SemaphoreSlim _ahead = new(Limits.UnitsAheadMax);
    private volatile Reading? _reading;

    /// <summary>A runner over a reader and a writer, both of which it disposes.</summary>
    public UnitRunner(WorkerSettings settings, IUnitReader reader, IUnitWriter writer, TimeProvider clock)
    {
        _pace = Pace.Of(settings, clock);
        _settings = settings;
        _reader = reader;
        _writer = writer;
        _directory = RunDirectory.OpenPath(settings.RunDirectory);
        _sessions = new StreamSessions(header => DuckDbSession.Open(settings, _directory, header, reader, writer, connection =>
        {
            _taps.Attach(connection);
            _rejects.Attach(connection);
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
        var (_, generation, header) = ReadingOf(order);
        if (generation.ReadResult(order.Unit.Number, order.Fingerprint) is { } done) return done;

        var began = Stopwatch.GetTimestamp();
        var attempt = $"g{order.Generation}-e{_settings.Epoch}-a{order.Attempt}";
        await using var output = await _writer.OpenAsync(header, order.Unit, attempt, cancel).ConfigureAwait(false);
        using var lane = new LaneHold(_ahead, laneFree);
        using var quarantine = Quarantine.Open(_rejects, _directory.Stream(order.Stream), header, order, attempt);
        using var proof = new UnitProof(_taps, header, output);
        var (rowsRead, bytesRead, rowsCopied) = header.IsPassed
            ? await PassAsync(order, header, output, proof, lane, cancel).ConfigureAwait(false)
            : await CopyAsync(order, header, output, quarantine, proof, lane, cancel).ConfigureAwait(false);
        lane.Copied();
        var written = await output.CompleteAsync(cancel).ConfigureAwait(false);
        var rejected = quarantine?.Rows ?? 0;
        AssertCounts(order, rowsRead - rejected, rowsCopied, written.Rows);
        var rejects = quarantine?.Complete();
        var result = new UnitResult
        {
            Number = order.Unit.Number,
            Fingerprint = order.Fingerprint,
            Attempt = order.Attempt,
            Epoch = _settings.Epoch,
            RowsRead = rowsRead,
            RowsWritten = written.Rows,
            Rejected = rejected,
            Rejects = rejects is null ? null : [rejects],
            HashIn = proof.Hash,
            HashOut = proof.Hash,
            BytesRead = bytesRead,
            Files = written.Files,
            Seconds = Math.Round(Stopwatch.GetElapsedTime(began).TotalSeconds, 3),
        };
        if (generation.TryWriteResult(result)) return result;
        quarantine?.Remove();
        return generation.ReadResult(order.Unit.Number, order.Fingerprint)
            ?? throw new Fault(FaultKind.Internal, $"unit {order.Unit.Number} has a result that reads something else") { Where = order.Stream };
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _sessions.Dispose();
        _ahead.Dispose();
        await _reader.DisposeAsync().ConfigureAwait(false);
        await _writer.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>What the units of an order's stream share, read once for all units in a row that share it.</summary>
    private Reading ReadingOf(UnitOrder order)
    {
        if (_reading is { } known && known.Generation.Number == order.Generation && string.Equals(known.Stream, order.Stream, StringComparison.Ordinal)) return known;
        var generation = _directory.Stream(order.Stream).Latest();
        if (generation is null || generation.Number != order.Generation || generation.ReadHeader() is not { } header)
            throw new Fault(FaultKind.Internal, $"generation {order.Generation} of the stream has no header") { Where = order.Stream };
        return _reading = new Reading(order.Stream, generation, header);
    }

    /// <summary>The copy itself: rows leave the source, pass DuckDB and reach the staged files.</summary>
    private async Task<(long RowsRead, long BytesRead, long RowsCopied)> CopyAsync(
        UnitOrder order, StreamHeader header, IUnitOutput output, Quarantine? quarantine, UnitProof proof, LaneHold lane, CancellationToken cancel)
    {
        using var session = _sessions.Enter(header);
        await using var input = await _reader.OpenAsync(header, order.Unit, cancel).ConfigureAwait(false);
        _running[order.Id] = input;
        input.WhenDrained(lane.Drained);
        var connection = session.Database.Rent();
        try
        {
            using var stop = cancel.Register(static state => ((IUnitInput)state!).Cancel(), input);
            using var paced = _pace is null ? null : new PacedInput(_pace, _taps, input, cancel);
            var select = paced?.Over(input.Select, header.Columns[0].Name) ?? input.Select;
            select = quarantine?.Over(select, input.RejectColumn) ?? select;
            using var answer = await connection.QueryAsync(output.CopyStatement(proof.Over(select), order.BatchDivisor), cancel).ConfigureAwait(false);
            var copied = output.Answered(answer);
            var passed = copied + (quarantine?.Rows ?? 0);
            await input.CompleteAsync(passed, cancel).ConfigureAwait(false);
            await proof.CompareAsync(output, connection, cancel).ConfigureAwait(false);
            return (input.RowsRead < 0 ? passed : input.RowsRead, input.BytesRead, copied);
        }
        catch (DuckDbException error)
        {
            cancel.ThrowIfCancellationRequested();
            throw quarantine?.Explain(error) ?? output.Explain(error) ?? input.Explain(error) ?? DuckDbFaults.Translate(error, order);
        }
        finally
        {
            _running.TryRemove(order.Id, out _);
            session.Database.Return(connection);
        }
    }

    /// <summary>Rows pass in the source's own form, and DuckDB does not see them.</summary>
    private async Task<(long RowsRead, long BytesRead, long RowsCopied)> PassAsync(
        UnitOrder order, StreamHeader header, IUnitOutput output, UnitProof proof, LaneHold lane, CancellationToken cancel)
    {
        await using var input = await _reader.OpenAsync(header, order.Unit, cancel).ConfigureAwait(false);
        _running[order.Id] = input;
        input.WhenDrained(lane.Drained);
        try
        {
            using var stop = cancel.Register(static state => ((IUnitInput)state!).Cancel(), input);
            var taker = output.Taker;
            var hash = await input.PassAsync(taker, cancel).ConfigureAwait(false);
            await input.CompleteAsync(taker.Rows, cancel).ConfigureAwait(false);
            if (hash is { } passed) proof.Take(passed);
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

    private static void AssertCounts(UnitOrder order, long stayed, long copied, long written)
    {
        if (stayed == copied && copied == written) return;
        throw new Fault(FaultKind.Data, $"{stayed} rows left the source for the target, {copied} were copied and {written} were written")
        {
            Where = $"{order.Stream}, unit {order.Unit.Number} ({order.Unit.Label})",
            Advice = "Nothing of this unit was kept. Please report it: the counts must agree.",
        };
    }

    private sealed record Reading(string Stream, Generation Generation, StreamHeader Header);
}
