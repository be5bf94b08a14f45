using System.Collections.Concurrent;
using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Faults;
using Millrace.Load;
using Millrace.Planning;
using Millrace.Runs;
using Millrace.Worker;

namespace Millrace.Verify;

/// <summary>What a side's units are read with; all of it outlives the reading.</summary>
/// <param name="Source">The coordinator's half.</param>
/// <param name="Reader">The worker's half.</param>
/// <param name="Header">The stream as it is read now.</param>
internal sealed record ReadSide(ISource Source, IUnitReader Reader, StreamHeader Header);

/// <summary>
/// A stream's units as one side has them now, through an embedded DuckDB of its own: tried again where that can help, and in parts where one is
/// too much as a whole. Any number of lanes at once.
/// </summary>
internal sealed class SideReading : IDisposable
{
    private readonly ConcurrentDictionary<IUnitInput, bool> _running = new();
    private readonly RejectTaps _rejects = new("millrace_quarantine");
    private readonly SemaphoreSlim _splitting = new(1);
    private readonly ReadSide _side;
    private readonly TimeProvider _clock;
    private readonly Pace? _pace;
    private long _rowsDone;
    private long _bytesDone;

    /// <summary>Opens the database.</summary>
    /// <param name="settings">Memory, disk, lanes and pace.</param>
    /// <param name="spill">Where it may spill.</param>
    /// <param name="side">What is read.</param>
    /// <param name="paths">What the database may read and write beside that.</param>
    /// <param name="published">What is read through the same database; null: nothing.</param>
    /// <param name="clock">The clock.</param>
    public SideReading(WorkerSettings settings, string spill, ReadSide side, ImmutableArray<string> paths, IPublishedReader? published, TimeProvider clock)
    {
        _side = side;
        _clock = clock;
        _pace = Pace.Of(settings, clock);
        Database = DuckDbSession.Open(settings, spill, side.Header.OneUnit, [.. side.Reader.ReadablePaths(side.Header), .. paths], connection =>
        {
            side.Reader.Attach(connection);
            published?.Attach(connection);
            Taps.Attach(connection);
            KeyTaps.Attach(connection);
            _rejects.Attach(connection);
        });
    }

    /// <summary>The database.</summary>
    public DuckDbSession Database { get; }

    /// <summary>Its taps for whole rows.</summary>
    public HashTaps Taps { get; } = new("millrace_tap");

    /// <summary>Its taps for keys.</summary>
    public KeyTaps KeyTaps { get; } = new("millrace_key");

    /// <summary>Rows that were read, running units' included.</summary>
    public long Rows => Interlocked.Read(ref _rowsDone) + _running.Keys.Sum(static input => Math.Max(0, input.RowsRead));

    /// <summary>Bytes that were read, running units' included.</summary>
    public long Bytes => Interlocked.Read(ref _bytesDone) + _running.Keys.Sum(static input => input.BytesRead);

    /// <summary>Units that are being read right now.</summary>
    public int Running => _running.Count;

    /// <summary>What a fault of DuckDB's is told with.</summary>
    public static UnitOrder OrderOf(StreamHeader header, Unit unit) =>
        new() { Id = 0, Stream = header.Stream, Generation = header.Generation, Unit = unit, Fingerprint = "", Attempt = 1 };

    /// <summary>Reads a unit, as a whole or in parts.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="read">Reads the rows of a SELECT; gives their number, and what is done when all of it was read well.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task ReadAsync(Unit unit, Func<string, DuckDbConnection, Task<(long Rows, Action Keep)>> read, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await ReadOnceAsync(unit, read, cancel).ConfigureAwait(false);
                return;
            }
            catch (Fault fault) when (fault.Retryable && attempt < Limits.UnitAttemptsMax)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(Limits.RetryWaitMilliseconds << (attempt - 1)), _clock, cancel).ConfigureAwait(false);
            }
            catch (Fault fault) when (fault.Divisible)
            {
                if (await PartsOfAsync(unit, cancel).ConfigureAwait(false) is not { Length: > 1 } parts) throw;
                foreach (var part in parts)
                    await ReadAsync(new Unit { Number = unit.Number, Slice = part.Slice, Label = part.Label }, read, cancel).ConfigureAwait(false);
                return;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Database.Dispose();
        _splitting.Dispose();
    }

    private async Task<ImmutableArray<PlannedUnit>> PartsOfAsync(Unit unit, CancellationToken cancel)
    {
        await _splitting.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            return await _side.Source.SplitAsync(_side.Header, unit, cancel).ConfigureAwait(false);
        }
        finally
        {
            _splitting.Release();
        }
    }

    private async Task ReadOnceAsync(Unit unit, Func<string, DuckDbConnection, Task<(long Rows, Action Keep)>> read, CancellationToken cancel)
    {
        await using var input = await _side.Reader.OpenAsync(_side.Header, unit, cancel).ConfigureAwait(false);
        _running[input] = true;
        var connection = Database.Rent();
        try
        {
            using var stop = cancel.Register(static state => ((IUnitInput)state!).Cancel(), input);
            using var paced = _pace is null ? null : new PacedInput(_pace, Taps, input, cancel);
            var select = paced?.Over(input.Select, _side.Header.Columns[0].Name) ?? input.Select;
            long rejected = 0;
            (select, var rejects) = Refusal.Over(select, input.RejectColumn, _side.Header);
            using var stays = rejects is null ? null : _rejects.Open((_, _) => Interlocked.Increment(ref rejected));
            // Whether a row is rejected depends on all of its columns: all are asked for, also where only some are compared.
            select = stays?.Over(select, rejects!, RejectLine.RowOf(_side.Header.Columns)) ?? select;
            var (rows, keep) = await read(select, connection).ConfigureAwait(false);
            await input.CompleteAsync(rows + rejected, cancel).ConfigureAwait(false);
            Interlocked.Add(ref _rowsDone, rows);
            Interlocked.Add(ref _bytesDone, input.BytesRead);
            keep();
        }
        catch (DuckDbException error)
        {
            cancel.ThrowIfCancellationRequested();
            throw input.Explain(error) ?? DuckDbFaults.Translate(error, OrderOf(_side.Header, unit));
        }
        finally
        {
            _running.TryRemove(input, out _);
            Database.Return(connection);
        }
    }
}
