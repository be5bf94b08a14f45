using System.Collections;
using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Load;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Verify;

/// <summary>
/// Verifies one committed stream:
/// <list type="number">
/// <item>Every unit is read again from the source, and what it has brought from the target; both are added up, by unit and by the buckets of keys.</item>
/// <item>Equal in every bucket: the stream is equal, whichever units its rows lie in now.</item>
/// <item>Otherwise units that differ are read once more, and of them the rows of the buckets that do: those are compared key by key.</item>
/// </list>
/// </summary>
/// <param name="scope">What is compared.</param>
/// <param name="session">Reads it.</param>
/// <param name="folder">Keeps what is read a second time.</param>
/// <param name="generation">The stream as it was read by the run.</param>
/// <param name="published">What the run has published of it.</param>
/// <param name="lanes">Units at once.</param>
internal sealed class StreamVerification(
    VerifyScope scope, VerifySession session, VerifyFolder folder, Generation generation, VerifiedTarget published, int lanes)
{
    private readonly BucketSums _source = new(Limits.VerifyBuckets);
    private readonly BucketSums _target = new(Limits.VerifyBuckets);
    private readonly ChangeList _changes = new();
    private readonly Lock _lock = new();
    private UnitSum _sourceSum;
    private long _rowsWritten;
    private long _units;
    private long _unmatched;

    /// <summary>Units that were compared.</summary>
    public long UnitsDone { get; private set; }

    /// <summary>Does it.</summary>
    /// <param name="plan">The stream as its source is cut now.</param>
    /// <param name="commit">The run's commit of it.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<StreamVerdict> RunAsync(StreamPlan plan, CommitRecord commit, CancellationToken cancel)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = lanes, CancellationToken = cancel };
        await using (var again = new UnitsAgain(folder))
        {
            await Parallel.ForEachAsync(UnitPairs.ReadAsync(plan, generation, cancel), options, async (pair, token) => await CompareAsync(pair, again, token).ConfigureAwait(false)).ConfigureAwait(false);
            if (published.Table is { } table)
            {
                await Parallel.ForEachAsync(
                    table.PartsAsync(cancel),
                    options,
                    async (part, token) =>
                    {
                        await session.SumTableAsync(part, _target, token).ConfigureAwait(false);
                        await again.AddPartAsync(part, token).ConfigureAwait(false);
                    }).ConfigureAwait(false);
            }
        }

        var strangers = published.ByUnit is { } files ? await StrangersAsync(files, cancel).ConfigureAwait(false) : 0;
        var (inSource, inTarget) = (_source.Total, _target.Total);
        var buckets = _source.Differing(_target, scope.RowsMax);
        var isEqual = buckets.Count == 0 && strangers == 0;
        if (_unmatched > 0) CompareWhole(commit);
        return new StreamVerdict
        {
            Stream = scope.Header.Stream,
            Place = published.Place,
            IsEqual = isEqual,
            Units = _units,
            RowsInSource = inSource.Rows,
            RowsInTarget = inTarget.Rows,
            RowsWritten = _rowsWritten,
            SourceHash = inSource.ToString(),
            TargetHash = inTarget.ToString(),
            Key = scope.Key,
            LeftOut = scope.LeftOut,
            BytesRead = session.Bytes,

            // Rows that are equal as a whole have at most moved from one unit to another, as an update of a table's own does.
            Changes = isEqual ? [] : _changes.Named,
            ChangeCount = isEqual ? 0 : _changes.Count,
            Rows = buckets.Count == 0 ? null : await DrillDownAsync(buckets, cancel).ConfigureAwait(false),
        };
    }

    /// <summary>Files that the run did not write; gives their number.</summary>
    private async Task<int> StrangersAsync(IPublishedReader files, CancellationToken cancel)
    {
        var strangers = 0;
        await foreach (var path in files.StrangersAsync(token => UnitPairs.ResultsAsync(generation, token), cancel).ConfigureAwait(false))
        {
            strangers++;
            _changes.Add(FaultSide.Target, null, path, "was not written by the run, and readers take it for a part of the table");
        }

        return strangers;
    }

    /// <summary>One unit, both sides; of a table that does not know its units, the source's.</summary>
    private async Task CompareAsync(UnitPair pair, UnitsAgain again, CancellationToken cancel)
    {
        var source = pair.Now is null ? default : await session.SumSourceAsync(pair.Now, _source, cancel).ConfigureAwait(false);
        var (target, isThere) = pair.Result is null || published.ByUnit is null ? (default, false) : await TargetAsync(published.ByUnit, pair.Result, cancel).ConfigureAwait(false);
        lock (_lock)
        {
            _sourceSum += source;
            _rowsWritten += pair.Result?.RowsWritten ?? 0;
            if (pair.Now is not null) _units++;
            if (!pair.IsSameRange) _unmatched++;
            UnitsDone++;
        }

        if (pair.IsSameRange && published.Table is not null) AddIfSourceChanged(pair, source);
        if (pair.IsSameRange && isThere) CompareUnit(published.ByUnit!, pair, source, target);
        if (pair.IsSameRange && isThere && source.Compared == target.Compared) return;
        await again.AddAsync(pair.Now, isThere ? pair.Result : null, cancel).ConfigureAwait(false);
    }

    /// <summary>What the target has of a unit; false when it can't be read any more.</summary>
    private async Task<(UnitSum Sum, bool IsThere)> TargetAsync(IPublishedReader files, UnitResult result, CancellationToken cancel)
    {
        try
        {
            var sum = await session.SumTargetAsync(result, _target, cancel).ConfigureAwait(false);
            _changes.AddIfChanged(FaultSide.Target, result, scope.LeftOut.IsEmpty ? sum.Compared : null, sum.Compared.Rows, files.NameOf(result));
            return (sum, true);
        }
        catch (Fault fault) when (fault.Kind == FaultKind.Data)
        {
            _changes.Add(FaultSide.Target, result.Number, fault.Where ?? files.NameOf(result), fault.Message);
            return (default, false);
        }
    }

    /// <summary>A unit that reads the same range as it did: what has changed in it.</summary>
    private void CompareUnit(IPublishedReader files, UnitPair pair, UnitSum source, UnitSum target)
    {
        var result = pair.Result!;
        var isChanged = AddIfSourceChanged(pair, source);
        var isComparedAll = scope.LeftOut.IsEmpty && result.HashOut is not null;

        // Where the record does not say which side it is, that they differ can still be said.
        if (!isChanged && !isComparedAll && source.Compared != target.Compared && source.Compared.Rows == target.Compared.Rows)
            _changes.Add(result.HashIn is null ? FaultSide.Run : FaultSide.Target, result.Number, files.NameOf(result), "other values than the source has");
    }

    /// <summary>Rows that passed undecoded were hashed in that form: only their number can be compared.</summary>
    private bool AddIfSourceChanged(UnitPair pair, UnitSum source) =>
        _changes.AddIfChanged(FaultSide.Source, pair.Result!, scope.Header.IsPassed ? null : source.All, source.All.Rows, pair.Now!.Label);

    /// <summary>Where the source is cut otherwise than it was, only its whole can be compared with what the run has read.</summary>
    private void CompareWhole(CommitRecord commit)
    {
        var isChanged = commit.Hash is null || scope.Header.IsPassed ? commit.RowsRead - commit.Rejected != _sourceSum.All.Rows : commit.Hash != _sourceSum.All.ToString();
        if (isChanged) _changes.Add(FaultSide.Source, null, scope.Header.Stream, ChangeList.TextOf(commit.RowsRead - commit.Rejected, _sourceSum.All.Rows));
    }

    private async Task<RowDifferences> DrillDownAsync(BucketChoice buckets, CancellationToken cancel)
    {
        var options = new ParallelOptions { MaxDegreeOfParallelism = lanes, CancellationToken = cancel };
        await Parallel.ForEachAsync(UnitsAgain.SourceAsync(folder, cancel), options, async (unit, token) => await session.PickSourceAsync(unit, buckets, folder.Source, token).ConfigureAwait(false)).ConfigureAwait(false);
        if (published.Table is null)
            await Parallel.ForEachAsync(UnitsAgain.TargetAsync(folder, cancel), options, async (result, token) => await session.PickTargetAsync(result, buckets, folder.Target, token).ConfigureAwait(false)).ConfigureAwait(false);
        else
            await Parallel.ForEachAsync(UnitsAgain.PartsAsync(folder, cancel), options, async (part, token) => await session.PickTableAsync(part, buckets, folder.Target, token).ConfigureAwait(false)).ConfigureAwait(false);
        var labels = scope.Key.IsEmpty ? await LabelsAsync(cancel).ConfigureAwait(false) : [];
        return await new RowComparison(scope, session, folder).CompareAsync(buckets.Left > 0, (side, unit) => labels.GetValueOrDefault((side, unit), $"unit {unit}"), cancel).ConfigureAwait(false);
    }

    /// <summary>What the first units that were read again are called, on either side.</summary>
    private async Task<Dictionary<(FaultSide Side, long Unit), string>> LabelsAsync(CancellationToken cancel)
    {
        var labels = new Dictionary<(FaultSide, long), string>();
        await foreach (var unit in UnitsAgain.SourceAsync(folder, cancel).ConfigureAwait(false))
        {
            if (HasRows(folder.Source, unit.Number) && labels.Count < Limits.VerifyNamedMax) labels[(FaultSide.Source, unit.Number)] = unit.Label;
        }

        await foreach (var (number, label) in TargetLabelsAsync(cancel).ConfigureAwait(false))
        {
            if (HasRows(folder.Target, number) && labels.Count < 2 * Limits.VerifyNamedMax) labels[(FaultSide.Target, number)] = label;
        }

        return labels;
    }

    private async IAsyncEnumerable<(long Number, string Label)> TargetLabelsAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        if (published.ByUnit is { } files)
        {
            await foreach (var result in UnitsAgain.TargetAsync(folder, cancel).ConfigureAwait(false)) yield return (result.Number, files.NameOf(result));
        }
        else
        {
            await foreach (var part in UnitsAgain.PartsAsync(folder, cancel).ConfigureAwait(false)) yield return (part.Number, part.Label);
        }
    }

    private static bool HasRows(string folder, long unit) => Directory.EnumerateFiles(folder, $"{unit}-*{VerifyFolder.PickedEnding}").Any();
}
