using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.InteropServices;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Faults;
using Millrace.Load;
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
/// Reads one stream's units from source and target, each side through an embedded DuckDB that is locked to what it needs. Each may be read twice:
/// once to be added up, and, where sums differ, once for the rows of the keys that do. Any number of lanes at once.
/// </summary>
internal sealed class VerifySession : IDisposable
{
    private readonly ConcurrentBag<BucketSums> _idle = [];
    private readonly VerifyScope _scope;
    private readonly VerifiedTarget _target;
    private readonly SideReading _source;
    private readonly SideReading? _table;

    /// <summary>A session over two readers, which outlive it.</summary>
    public VerifySession(VerifyScope scope, WorkerSettings settings, VerifyFolder folder, IUnitReader reader, VerifiedTarget target)
    {
        _scope = scope;
        _target = target;
        if (target.Table is not null) settings = settings with { DuckDbBytes = settings.DuckDbBytes / 2, SpillBytes = settings.SpillBytes / 2 };
        ImmutableArray<string> paths = [folder.Source, folder.Target, .. target.ByUnit?.ReadablePaths ?? []];
        _source = new SideReading(settings, folder.Spill, new ReadSide(scope.Source, reader, scope.Header), paths, target.ByUnit, scope.Clock);
        if (target.Table is { } table)
            _table = new SideReading(settings with { RowsPerSecond = null, BytesPerSecond = null }, folder.TargetSpill, table.Side, paths, published: null, scope.Clock);
    }

    /// <summary>Rows of the source that were read, running units' included.</summary>
    public long Rows => _source.Rows;

    /// <summary>Bytes of the source that were read, running units' included.</summary>
    public long Bytes => _source.Bytes;

    /// <summary>Units of the source that are being read right now.</summary>
    public int Running => _source.Running;

    /// <summary>Adds a unit up as the source has it now.</summary>
    public async Task<UnitSum> SumSourceAsync(Unit unit, BucketSums total, CancellationToken cancel)
    {
        var sum = default(UnitSum);
        await _source.ReadAsync(
            unit,
            async (select, connection) =>
            {
                using var all = _scope.LeftOut.IsEmpty ? null : _source.Taps.Open();
                if (all is not null) select = all.Over(select, _scope.Header.Columns.Select(static column => column.Name));
                var sums = await SumAsync(_source, select, connection, cancel).ConfigureAwait(false);
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
                var sums = await SumAsync(_source, select, connection, cancel).ConfigureAwait(false);
                sum = new UnitSum(sums.Total, sums.Total);
                Keep(sums, total);
            },
            cancel).ConfigureAwait(false);
        return sum;
    }

    /// <summary>Adds up a part of the target's table.</summary>
    public Task SumTableAsync(Unit part, BucketSums total, CancellationToken cancel) => _table!.ReadAsync(
        part,
        async (select, connection) =>
        {
            var sums = await SumAsync(_table, _target.Table!.Over(select), connection, cancel).ConfigureAwait(false);
            return (sums.Total.Rows, () => Keep(sums, total));
        },
        cancel);

    /// <summary>Writes a unit's rows of some buckets into files, as the source has them now.</summary>
    public Task PickSourceAsync(Unit unit, BucketChoice buckets, string folder, CancellationToken cancel) =>
        PickAsync(_source, static select => select, unit, buckets, folder, cancel);

    /// <summary>The same of a part of the target's table.</summary>
    public Task PickTableAsync(Unit part, BucketChoice buckets, string folder, CancellationToken cancel) =>
        PickAsync(_table!, _target.Table!.Over, part, buckets, folder, cancel);

    /// <summary>Writes what the target has of a unit in some buckets into a file.</summary>
    public Task PickTargetAsync(UnitResult result, BucketChoice buckets, string folder, CancellationToken cancel) => ReadTargetAsync(
        result,
        async (select, connection) =>
        {
            var path = string.Create(CultureInfo.InvariantCulture, $"{folder}/{result.Number}-0");
            await PickAsync(_source, select, result.Number, buckets, path, connection, cancel).ConfigureAwait(false);
            Keep(path);
        },
        cancel);

    /// <summary>Runs a query over what was picked.</summary>
    public async Task QueryAsync(string sql, Action<DuckDbResult> read, CancellationToken cancel)
    {
        var connection = _source.Database.Rent();
        try
        {
            using var result = await connection.QueryAsync(sql, cancel).ConfigureAwait(false);
            while (result.Read()) read(result);
        }
        catch (DuckDbException error)
        {
            throw DuckDbFaults.Translate(error, SideReading.OrderOf(_scope.Header, new Unit { Number = 0, Slice = "", Label = "rows that differ" }));
        }
        finally
        {
            _source.Database.Return(connection);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _source.Dispose();
        _table?.Dispose();
    }

    /// <summary>One query's sums, which count only when the whole unit was read well.</summary>
    private async Task<BucketSums> SumAsync(SideReading side, string select, DuckDbConnection connection, CancellationToken cancel)
    {
        if (!_idle.TryTake(out var sums)) sums = new BucketSums(Limits.VerifyBuckets);
        using var tap = side.KeyTaps.OpenSums(sums, _scope.KnownBy, _scope.Compared);
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

    private Task PickAsync(SideReading side, Func<string, string> over, Unit unit, BucketChoice buckets, string folder, CancellationToken cancel)
    {
        var part = 0;
        return side.ReadAsync(
            unit,
            async (select, connection) =>
            {
                var path = string.Create(CultureInfo.InvariantCulture, $"{folder}/{unit.Number}-{part++}");
                var rows = await PickAsync(side, over(select), unit.Number, buckets, path, connection, cancel).ConfigureAwait(false);
                return (rows, () => Keep(path));
            },
            cancel);
    }

    /// <summary>Writes the rows of some buckets into a file; gives the number of rows that were looked at.</summary>
    private async Task<long> PickAsync(SideReading side, string select, long unit, BucketChoice buckets, string path, DuckDbConnection connection, CancellationToken cancel)
    {
        var choice = new KeyChoice(buckets);
        using var tap = side.KeyTaps.OpenChoice(choice, _scope.KnownBy);
        var copy = $"COPY ({tap.Over(select, _scope.Picked(unit, columns => side.KeyTaps.HashOf(columns)))}) TO {SqlText.Literal(path)} (FORMAT parquet, ROW_GROUP_SIZE {Limits.RowGroupRowsDefault})";
        long rows = 0;
        using (var answer = await connection.QueryAsync(copy, cancel).ConfigureAwait(false))
        {
            while (answer.Read()) rows = answer.GetInt64(0);
        }

        if (rows == 0) File.Delete(path);
        return choice.Rows;
    }

    private async Task ReadTargetAsync(UnitResult result, Func<string, DuckDbConnection, Task> read, CancellationToken cancel)
    {
        var published = _target.ByUnit!;
        await using var written = await published.OpenAsync(result, cancel).ConfigureAwait(false);
        if (written is null) return;
        var connection = _source.Database.Rent();
        try
        {
            await read(written.Select, connection).ConfigureAwait(false);
        }
        catch (DuckDbException error) when (error.Type != DuckDbErrorType.OutOfMemory)
        {
            cancel.ThrowIfCancellationRequested();
            throw new Fault(FaultKind.Data, $"can't be read: {error.Message}", error) { Side = FaultSide.Target, Where = published.NameOf(result) };
        }
        catch (DuckDbException error)
        {
            throw DuckDbFaults.Translate(error, SideReading.OrderOf(_scope.Header, new Unit { Number = result.Number, Slice = "", Label = written.Place }));
        }
        finally
        {
            _source.Database.Return(connection);
        }
    }
}
