using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Load;
using Millrace.Planning;
using Millrace.Transform;
using Millrace.Worker;

namespace Millrace.Runs;

/// <summary>What a stream does with rows that the target can't hold, beyond what its job says.</summary>
/// <param name="Limit">How many there may be.</param>
/// <param name="Key">The source's names of the columns that such a row is known by; empty: none is known.</param>
internal sealed record RejectRule(RejectLimit Limit, ImmutableArray<string> Key);

/// <summary>
/// One reading of one stream by this coordinator: a new generation with its header, its units, and what an earlier generation's units
/// have already brought.
/// </summary>
internal sealed class StreamReading
{
    private readonly CarriedResults _carried;
    private readonly Lock _dividing = new();
    private int _divisions;
    private long _parts = Limits.UnitsMax;

    private StreamReading(StreamPlan plan, StreamHeader header, Generation generation, CarriedResults carried)
    {
        Plan = plan;
        Header = header;
        Generation = generation;
        _carried = carried;
    }

    /// <summary>How the stream is moved.</summary>
    public StreamPlan Plan { get; }

    /// <summary>What its units share.</summary>
    public StreamHeader Header { get; }

    /// <summary>Its place in the run directory.</summary>
    public Generation Generation { get; }

    /// <summary>
    /// Begins a reading. Results of the generation before count where they can: files always (a slice carries the file's size and time),
    /// rows under a moment only with <c>consistency: unit</c>.
    /// </summary>
    public static async Task<StreamReading> BeginAsync(RunDirectory directory, StreamPlan plan, string to, ITarget target, RejectRule rejects, CancellationToken cancel)
    {
        var folder = directory.Stream(plan.Stream.Name, plan.Stage?.Number ?? 0);
        var earlier = folder.Latest();
        var before = earlier?.ReadHeader();
        var carries = before is not null
            && (plan.Moment is null || plan.Stream.Consistency == Consistency.Unit || string.Equals(before.Moment, plan.Moment, StringComparison.Ordinal))
            && before.ReadsLike(plan.ReaderJson, plan.Columns, plan.Stage);
        var writer = await target.StageAsync(new StagingRequest(directory.Run, Fresh: !carries, to, plan), cancel).ConfigureAwait(false);
        carries = carries && string.Equals(before!.WriterJson, writer, StringComparison.Ordinal);

        var generation = folder.Next();
        var header = new StreamHeader
        {
            Run = directory.Run,
            Stream = plan.Stream.Name,
            To = to,
            Generation = generation.Number,
            Moment = plan.Moment,
            // Several threads would add up a unit's floats in an order that nobody knows.
            OneUnit = plan.EstimatedUnits <= 1 && plan.Stage is null or { OnlyChecks: true, Checks.InPlace: false },
            Proof = plan.Stream.Proof,
            OnReject = plan.Stream.OnReject,
            RejectLimit = rejects.Limit,
            RejectsStopAt = rejects.Limit.StopsAt(plan.EstimatedRows),
            Key = rejects.Key,
            Columns = plan.Columns,
            Table = target.IdentityOf(to),
            SchemaChanges = plan.SchemaChanges,
            Window = plan.Window,
            Refusals = plan.Stream.OnReject == OnReject.Quarantine && plan.Stage?.Output is null ? [.. Refusal.OfMode(plan), .. target.RefusalsOf(plan.Columns, writer)] : [],
            IsPassed = plan.Stage is null && target.IsPassed(writer),
            Stage = plan.Stage,
            ReaderJson = plan.ReaderJson,
            WriterJson = writer,
        };
        generation.WriteHeader(header);
        if (!carries) return new StreamReading(plan, header, generation, CarriedResults.None);

        // Ranges that were planned at another moment still cover everything, and only with the same ranges do finished units count.
        if (plan.Moment is not null && earlier!.PlannedUnits() is { } units) plan = plan with { EstimatedUnits = units, Units = token => Replayed(earlier, token) };
        var carried = await CarriedResults.LoadAsync(earlier!, unit => Fingerprint(plan, unit), cancel).ConfigureAwait(false);
        return new StreamReading(plan, header, generation, carried);
    }

    /// <summary>Units that an earlier coordinator finished and that may count.</summary>
    public long CarriedUnits => _carried.Count;

    /// <summary>What a unit's result must carry to count for this reading.</summary>
    public string FingerprintOf(Unit unit) => Fingerprint(Plan, unit);

    /// <summary>A result that an earlier generation has for this unit, now this generation's; null when there is none.</summary>
    public UnitResult? Carry(Unit unit)
    {
        var result = _carried.Find(FingerprintOf(unit), unit.Number);
        if (result is not null) Generation.TryWriteResult(result);
        return result;
    }

    /// <summary>The parts that an earlier coordinator divided this unit into; empty when it did not.</summary>
    public ImmutableArray<PlannedUnit> PartsOf(Unit unit) =>
        [.. _carried.PartsOf(FingerprintOf(unit)).Select(static part => new PlannedUnit(part.Slice, part.Label, part.EstimatedRows, part.EstimatedBytes))];

    /// <summary>The order of a unit's first attempt.</summary>
    public UnitOrder OrderOf(Unit unit) => new()
    {
        Id = 0,
        Stream = Header.Stream,
        Stage = Header.Stage?.Number ?? 0,
        Generation = Generation.Number,
        Unit = unit,
        Fingerprint = FingerprintOf(unit),
        Attempt = 1,
    };

    /// <summary>Numbers a unit's parts and remembers them; durable when it returns. Thread safe.</summary>
    /// <exception cref="Fault">Too many units of the stream were divided.</exception>
    public ImmutableArray<Unit> Divide(Unit unit, ImmutableArray<PlannedUnit> parts, string why)
    {
        lock (_dividing)
        {
            var numbered = Number(unit, parts);
            Generation.Divide(new Division(FingerprintOf(unit), unit.Number, why, numbered));
            return numbered;
        }
    }

    /// <summary>Numbers parts that are read beside their unit, for this coordinator only. Thread safe.</summary>
    /// <exception cref="Fault">Too many units of the stream were divided.</exception>
    public ImmutableArray<Unit> Number(Unit unit, ImmutableArray<PlannedUnit> parts)
    {
        lock (_dividing)
        {
            if (++_divisions > Limits.DivisionsMax)
            {
                throw new Fault(FaultKind.Limit, $"units were divided {Limits.DivisionsMax} times")
                {
                    Where = Header.Stream,
                    Advice = "Raise limits.memory, or make units smaller with partition.rows.",
                };
            }

            return parts.Select(part => new Unit
            {
                Number = _parts++,
                PartOf = unit.PartOf ?? unit.Number,
                Slice = part.Slice,
                Label = part.Label,
                EstimatedRows = part.EstimatedRows,
                EstimatedBytes = part.EstimatedBytes,
            }).ToImmutableArray();
        }
    }

    /// <summary>The parts' results as their unit's own, written. An attempt at the whole may have written one before: then that counts.</summary>
    public UnitResult WriteWhole(Unit unit, IReadOnlyList<UnitResult> parts, int epoch)
    {
        var whole = new UnitResult
        {
            Number = unit.Number,
            Fingerprint = FingerprintOf(unit),
            Attempt = parts.Max(static part => part.Attempt),
            Epoch = epoch,
            RowsRead = parts.Sum(static part => part.RowsRead),
            RowsWritten = parts.Sum(static part => part.RowsWritten),
            Rejected = parts.Sum(static part => part.Rejected),
            Rejects = parts.Any(static part => part.Rejects is not null) ? [.. parts.SelectMany(static part => part.Rejects ?? [])] : null,
            Rules = RuleCount.Sum(parts),
            HashIn = ResultHashes.Sum(parts, static part => part.HashIn),
            HashOut = ResultHashes.Sum(parts, static part => part.HashOut),
            BytesRead = parts.Sum(static part => part.BytesRead),
            Lookups = LookupCounts.Sum(parts.Select(static part => part.Lookups)),
            Parts = parts.Sum(static part => part.Parts ?? 1),
            Files = [.. parts.SelectMany(static part => part.Files)],
            Seconds = Math.Round(parts.Sum(static part => part.Seconds), 3),
        };
        if (Generation.TryWriteResult(whole)) return whole;
        return Generation.ReadResult(unit.Number, whole.Fingerprint)
            ?? throw new Fault(FaultKind.Internal, $"unit {unit.Number} has a result that reads something else") { Where = Header.Stream };
    }

    /// <summary>Writes the plan to the end.</summary>
    public async Task WritePlanAsync(PlanWriter writer, CancellationToken cancel)
    {
        try
        {
            long number = 0;
            await foreach (var planned in Plan.Units(cancel).ConfigureAwait(false))
            {
                var unit = new Unit
                {
                    Number = number++,
                    Slice = planned.Slice,
                    Label = planned.Label,
                    EstimatedRows = planned.EstimatedRows,
                    EstimatedBytes = planned.EstimatedBytes,
                };
                if (number > Limits.UnitsMax)
                {
                    throw new Fault(FaultKind.Limit, $"the plan has more than {Limits.UnitsMax} units")
                    {
                        Where = Header.Stream,
                        Advice = "Make units larger with partition.rows.",
                    };
                }

                await writer.AddAsync(unit, cancel).ConfigureAwait(false);
            }

            await writer.EndAsync(cancel).ConfigureAwait(false);

            // What a long plan leaves behind would stay for the rest of the run: so little is allocated then that nothing collects it.
            if (number >= Limits.PlanCollectedUnitsMin) GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        }
        catch (Exception error)
        {
            writer.Break(error);
        }
    }

    private static string Fingerprint(StreamPlan plan, Unit unit) =>
        Generation.Fingerprint(unit.Slice, plan.Stream.Consistency == Consistency.Unit ? null : plan.Moment);

    private static async IAsyncEnumerable<PlannedUnit> Replayed(Generation earlier, [EnumeratorCancellation] CancellationToken cancel)
    {
        await foreach (var unit in earlier.ReadPlanAsync(cancel).ConfigureAwait(false))
            yield return new PlannedUnit(unit.Slice, unit.Label, unit.EstimatedRows, unit.EstimatedBytes);
    }
}
