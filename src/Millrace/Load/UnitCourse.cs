using System.Collections.Immutable;
using Millrace.Engines;
using Millrace.Faults;
using Millrace.Planning;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Transform;

namespace Millrace.Load;

/// <summary>Cuts a unit in parts that together read what it reads; empty where that can't be. May be called from any thread at any time.</summary>
internal delegate ValueTask<ImmutableArray<PlannedUnit>> UnitSplitter(StreamHeader header, Unit unit, CancellationToken cancel);

/// <summary>How units are cut.</summary>
/// <param name="WhenFailed">Such as can't be read as a whole.</param>
internal sealed record UnitCuts(UnitSplitter WhenFailed)
{
    /// <summary>Such as are read, but slowly: parts that take less time, or none.</summary>
    public UnitSplitter WhenSlow { get; init; } = WhenFailed;
}

/// <summary>
/// A unit's way to its result when it can't be read as a whole: it is divided, and its parts again, until they are read or too small to be
/// divided; one whose key is too large is written element by element where the target can. The parts' results become the unit's own, so that whoever commits or resumes sees one result a unit.
/// </summary>
internal sealed class UnitCourse(StreamReading reading, Dispatcher dispatcher, ActiveRun run, UnitSplitter split)
{
    private readonly Lock _lock = new();
    private ImmutableArray<Fault> _lost = [];
    private int _partsDone;

    /// <summary>The ranges that could not be read.</summary>
    public ImmutableArray<Fault> Lost
    {
        get { lock (_lock) return _lost; }
    }

    /// <summary>Waits for a unit that runs. Null when a range of it is lost; the stream can go on then, but not be committed.</summary>
    /// <exception cref="Fault">Why the whole stream must stop.</exception>
    public async Task<UnitResult?> FollowAsync(Unit unit, Task<UnitResult> running, CancellationToken cancel)
    {
        try
        {
            return await running.ConfigureAwait(false);
        }
        catch (Fault fault) when (fault.Divisible && !cancel.IsCancellationRequested)
        {
            return await DivideAsync(unit, fault, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>Goes on with a unit that an earlier coordinator divided.</summary>
    public Task<UnitResult?> GoOnAsync(Unit unit, ImmutableArray<PlannedUnit> parts, CancellationToken cancel) =>
        RunPartsAsync(unit, parts, new Fault(FaultKind.Died, "it was divided before"), cancel);

    private async Task<UnitResult?> DivideAsync(Unit unit, Fault why, CancellationToken cancel)
    {
        var parts = reading.PartsOf(unit);
        if (parts.IsEmpty && !why.IsOneKey) parts = await split(reading.Header, unit, cancel).ConfigureAwait(false);

        // Its rows go through buckets to one file: whoever runs the stage has that file written otherwise.
        if (parts.Length < 2 && reading.Header.Stage is { Elements: not null, Output: not null }) throw OfOneKey(why);
        if (parts.Length < 2 && ElementStream.Again(reading.Header, unit) is { } byElement) return await RunPartsAsync(unit, [byElement], why, cancel).ConfigureAwait(false);
        if (parts.Length > 1) return await RunPartsAsync(unit, parts, why, cancel).ConfigureAwait(false);
        Lose(unit, why);
        return null;
    }

    private static Fault OfOneKey(Fault why) => why.IsOneKey ? why : new Fault(why.Kind, why.Message, why)
    {
        Side = why.Side, Where = why.Where, Advice = why.Advice, Code = why.Code, Divisible = true, IsOneKey = true,
    };

    /// <summary>One part after the other: each is a suspect and runs alone anyway.</summary>
    private async Task<UnitResult?> RunPartsAsync(Unit unit, ImmutableArray<PlannedUnit> planned, Fault why, CancellationToken cancel)
    {
        var parts = reading.Divide(unit, planned, why.Message);
        run.On(new UnitDivided(reading.Header.Stream, unit.Number, unit.Label, [.. parts.Select(static part => part.Label)], why));
        var results = new List<UnitResult>(parts.Length);
        foreach (var part in parts)
        {
            if (await RunPartAsync(part, cancel).ConfigureAwait(false) is not { } result) continue;
            results.Add(result);
            Interlocked.Increment(ref _partsDone);
        }

        return results.Count == parts.Length ? reading.WriteWhole(unit, results, run.Lease.Epoch) : null;
    }

    private async Task<UnitResult?> RunPartAsync(Unit part, CancellationToken cancel)
    {
        if (reading.Carry(part) is { } carried) return carried;
        if (reading.PartsOf(part) is { IsEmpty: false } parts) return await GoOnAsync(part, parts, cancel).ConfigureAwait(false);
        return await FollowAsync(part, dispatcher.RunAloneAsync(reading.OrderOf(part), cancel), cancel).ConfigureAwait(false);
    }

    /// <summary>A range is lost; when nothing at all succeeds, or too much is lost, the stream is.</summary>
    private void Lose(Unit unit, Fault why)
    {
        run.On(new RangeLost(reading.Header.Stream, unit.Number, unit.Label, why));
        var named = new Fault(why.Kind, why.Message, why) { Side = why.Side, Where = $"{reading.Header.Stream}, {unit.Label}", Advice = why.Advice, Code = why.Code };
        lock (_lock)
        {
            _lost = _lost.Add(named);
            if (_lost.Length < Limits.LostRangesMax && (_partsDone > 0 || run.UnitsDone > 0)) return;
        }

        throw named;
    }
}
