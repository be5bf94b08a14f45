using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Faults;
using Millrace.Load;
using Millrace.Planning;
using Millrace.Runs;
using Millrace.Worker;

namespace Millrace.Verify;

/// <summary>What a unit adds up to.</summary>
/// <param name="All">All columns; on the target's side the compared ones.</param>
/// <param name="Compared">The compared columns.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct UnitSum(ContentHash All, ContentHash Compared)
{
    public static UnitSum operator +(UnitSum a, UnitSum b) => new(a.All + b.All, a.Compared + b.Compared);
}

/// <summary>
/// Reads one stream's units from source and target, through one embedded DuckDB that is locked to what they need. Each may be read twice: once
/// to be added up, and, where sums differ, once for the rows of the keys that do. Any number of lanes at once.
/// </summary>
internal sealed class VerifySession : IDisposable
{
    private readonly ConcurrentDictionary<IUnitInput, bool> _running = new();
    private readonly ConcurrentBag<BucketSums> _idle = [];
    private readonly HashTaps _taps = new("millrace_tap");
    private readonly KeyTaps _keyTaps = new("millrace_key");
    private readonly RejectTaps _rejects = new("millrace_quarantine");
    private readonly SemaphoreSlim _splitting = new(1);
    private readonly VerifyScope _scope;
    private readonly IUnitReader _reader;
    private readonly IPublishedReader _published;
    private readonly DuckDbSession _database;
    private readonly Pace? _pace;
    private long _rowsDone;
    private long _bytesDone;

    /// <summary>A session over two readers, which outlive it.</summary>
    public VerifySession(VerifyScope scope, WorkerSettings settings, VerifyFolder folder, IUnitReader reader, IPublishedReader published)
    {
        _scope = scope;
        _reader = reader;
        _published = published;
        _pace = Pace.Of(settings, scope.Clock);
        ImmutableArray<string> paths = [.. reader.ReadablePaths(scope.Header), .. published.ReadablePaths, folder.Source, folder.Target];
        _database = DuckDbSession.Open(settings, folder.Spill, scope.Header.OneUnit, paths, connection =>
        {
            reader.Attach(connection);
            published.Attach(connection);
            _taps.Attach(connection);
            _keyTaps.Attach(connection);
            _rejects.Attach(connection);
        });
    }

    /// <summary>Rows of the source that were read, running units' included.</summary>
    public long Rows => Interlocked.Read(ref _rowsDone) + _running.Keys.Sum(static input => Math.Max(0, input.RowsRead));

    /// <summary>Bytes of the source that were read, running units' included.</summary>
    public long Bytes => Interlocked.Read(ref _bytesDone) + _running.Keys.Sum(static input => input.BytesRead);

    /// <summary>Units of the source that are being read right now.</summary>
    public int Running => _running.Count;

    /// <summary>Adds a unit up as the source has it now.</summary>
    public async Task<UnitSum> SumSourceAsync(Unit unit, BucketSums total, CancellationToken cancel)
    {
        var sum = default(UnitSum);
        await ReadSourceAsync(
            unit,
            async (select, connection) =>
            {
                using var all = _scope.LeftOut.IsEmpty ? null : _taps.Open();
                if (all is not null) select = all.Over(select, _scope.Header.Columns.Select(static column => column.Name));
                var sums = await SumAsync(select, connection, cancel).ConfigureAwait(false);
                var found = new UnitSum(all?.Hash ?? sums.Total, sums.Total);
                return (found.Compared.Rows, () =>
                {
                    sum += found;
                    Keep(sums, total);
                });
            },
            cancel).ConfigureAwait(false);
        return sum;
    }

    /// <summary>Adds up what the target has of a unit now.</summary>
    /// <exception cref="Fault">Of the kind <see cref="FaultKind.Data"/>: it is not there any more, or is damaged.</exception>
    public async Task<UnitSum> SumTargetAsync(UnitResult result, BucketSums total, CancellationToken cancel)
    {
        var sum = default(UnitSum);
        await ReadTargetAsync(
            result,
            async (select, connection) =>
            {
                var sums = await SumAsync(select, connection, cancel).ConfigureAwait(false);
                sum = new UnitSum(sums.Total, sums.Total);
                Keep(sums, total);
            },
            cancel).ConfigureAwait(false);
        return sum;
    }

    /// <summary>Writes a unit's rows of some buckets into a file, as the source has them now.</summary>
    public Task PickSourceAsync(Unit unit, BucketChoice buckets, string folder, CancellationToken cancel)
    {
        var part = 0;
        return ReadSourceAsync(
            unit,
            async (select, connection) =>
            {
                var path = string.Create(CultureInfo.InvariantCulture, $"{folder}/{unit.Number}-{part++}");
                var rows = await PickAsync(select, unit.Number, buckets, path, connection, cancel).ConfigureAwait(false);
                return (rows, () => Keep(path));
            },
            cancel);
    }

    /// <summary>Writes what the target has of a unit in some buckets into a file.</summary>
    public Task PickTargetAsync(UnitResult result, BucketChoice buckets, string folder, CancellationToken cancel) => ReadTargetAsync(
        result,
        async (select, connection) =>
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"{folder}/{result.Number}");
            await PickAsync(select, result.Number, buckets, path, connection, cancel).ConfigureAwait(false);
            Keep(path);
        },
        cancel);

    /// <summary>Runs a query over what was picked.</summary>
    public async Task QueryAsync(string sql, Action<DuckDbResult> read, CancellationToken cancel)
    {
        var connection = _database.Rent();
        try
        {
            using var result = await connection.QueryAsync(sql, cancel).ConfigureAwait(false);
            while (result.Read()) read(result);
        }
        catch (DuckDbException error)
        {
            throw DuckDbFaults.Translate(error, OrderOf(new Unit { Number = 0, Slice = "", Label = "rows that differ" }));
        }
        finally
        {
            _database.Return(connection);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _database.Dispose();
        _splitting.Dispose();
    }

    /// <summary>One query's sums, which count only when the whole unit was read well.</summary>
    private async Task<BucketSums> SumAsync(string select, DuckDbConnection connection, CancellationToken cancel)
    {
        if (!_idle.TryTake(out var sums)) sums = new BucketSums(Limits.VerifyBuckets);
        using var tap = _keyTaps.OpenSums(sums, _scope.KnownBy, _scope.Compared);
        await connection.ExecuteAsync(tap.Over(select, "SELECT count(*)"), cancel).ConfigureAwait(false);
        return sums;
    }

    private void Keep(BucketSums sums, BucketSums total)
    {
        total.Add(sums);
        sums.Clear();
        _idle.Add(sums);
    }

    /// <summary>Rows count from here on: only files with this ending are compared.</summary>
    private static void Keep(string path)
    {
        if (File.Exists(path)) File.Move(path, path + VerifyFolder.PickedEnding);
    }

    /// <summary>Writes the rows of some buckets into a file; gives the number of rows that were looked at.</summary>
    private async Task<long> PickAsync(string select, long unit, BucketChoice buckets, string path, DuckDbConnection connection, CancellationToken cancel)
    {
        var choice = new KeyChoice(buckets);
        using var tap = _keyTaps.OpenChoice(choice, _scope.KnownBy);
        var copy = $"COPY ({tap.Over(select, _scope.Picked(unit, columns => _keyTaps.HashOf(columns)))}) TO {SqlText.Literal(path)} (FORMAT parquet, ROW_GROUP_SIZE {Limits.RowGroupRowsDefault})";
        long rows = 0;
        using (var answer = await connection.QueryAsync(copy, cancel).ConfigureAwait(false))
        {
            while (answer.Read()) rows = answer.GetInt64(0);
        }

        if (rows == 0) File.Delete(path);
        return choice.Rows;
    }

    /// <summary>One unit of the source, tried again where that can help, and in parts where it is too much as a whole.</summary>
    private async Task ReadSourceAsync(Unit unit, Func<string, DuckDbConnection, Task<(long Rows, Action Keep)>> read, CancellationToken cancel)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                await ReadSourceOnceAsync(unit, read, cancel).ConfigureAwait(false);
                return;
            }
            catch (Fault fault) when (fault.Retryable && attempt < Limits.UnitAttemptsMax)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(Limits.RetryWaitMilliseconds << (attempt - 1)), _scope.Clock, cancel).ConfigureAwait(false);
            }
            catch (Fault fault) when (fault.Divisible)
            {
                if (await PartsOfAsync(unit, cancel).ConfigureAwait(false) is not { Length: > 1 } parts) throw;
                foreach (var part in parts)
                    await ReadSourceAsync(new Unit { Number = unit.Number, Slice = part.Slice, Label = part.Label }, read, cancel).ConfigureAwait(false);
                return;
            }
        }
    }

    private async Task<ImmutableArray<PlannedUnit>> PartsOfAsync(Unit unit, CancellationToken cancel)
    {
        await _splitting.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            return await _scope.Source.SplitAsync(_scope.Header, unit, cancel).ConfigureAwait(false);
        }
        finally
        {
            _splitting.Release();
        }
    }

    private async Task ReadSourceOnceAsync(Unit unit, Func<string, DuckDbConnection, Task<(long Rows, Action Keep)>> read, CancellationToken cancel)
    {
        await using var input = await _reader.OpenAsync(_scope.Header, unit, cancel).ConfigureAwait(false);
        _running[input] = true;
        var connection = _database.Rent();
        try
        {
            using var stop = cancel.Register(static state => ((IUnitInput)state!).Cancel(), input);
            using var paced = _pace is null ? null : new PacedInput(_pace, _taps, input, cancel);
            var select = paced?.Over(input.Select, _scope.Header.Columns[0].Name) ?? input.Select;
            long rejected = 0;
            (select, var rejects) = Refusal.Over(select, input.RejectColumn, _scope.Header);
            using var stays = rejects is null ? null : _rejects.Open((_, _) => Interlocked.Increment(ref rejected));
            // Whether a row is rejected depends on all of its columns: all are asked for, also where only some are compared.
            select = stays?.Over(select, rejects!, RejectLine.RowOf(_scope.Header.Columns)) ?? select;
            var (rows, keep) = await read(select, connection).ConfigureAwait(false);
            await input.CompleteAsync(rows + rejected, cancel).ConfigureAwait(false);
            Interlocked.Add(ref _rowsDone, rows);
            Interlocked.Add(ref _bytesDone, input.BytesRead);
            keep();
        }
        catch (DuckDbException error)
        {
            cancel.ThrowIfCancellationRequested();
            throw input.Explain(error) ?? DuckDbFaults.Translate(error, OrderOf(unit));
        }
        finally
        {
            _running.TryRemove(input, out _);
            _database.Return(connection);
        }
    }

    private async Task ReadTargetAsync(UnitResult result, Func<string, DuckDbConnection, Task> read, CancellationToken cancel)
    {
        await using var written = await _published.OpenAsync(result, cancel).ConfigureAwait(false);
        if (written is null) return;
        var connection = _database.Rent();
        try
        {
            await read(written.Select, connection).ConfigureAwait(false);
        }
        catch (DuckDbException error) when (error.Type != DuckDbErrorType.OutOfMemory)
        {
            cancel.ThrowIfCancellationRequested();
            throw new Fault(FaultKind.Data, $"can't be read: {error.Message}", error) { Side = FaultSide.Target, Where = _published.NameOf(result) };
        }
        catch (DuckDbException error)
        {
            throw DuckDbFaults.Translate(error, OrderOf(new Unit { Number = result.Number, Slice = "", Label = written.Place }));
        }
        finally
        {
            _database.Return(connection);
        }
    }

    private UnitOrder OrderOf(Unit unit) =>
        new() { Id = 0, Stream = _scope.Header.Stream, Generation = _scope.Header.Generation, Unit = unit, Fingerprint = "", Attempt = 1 };
}
