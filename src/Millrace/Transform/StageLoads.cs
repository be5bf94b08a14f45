using System.Collections.Immutable;
using Millrace.Engines;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Load;
using Millrace.Planning;
using Millrace.Runs;
using Millrace.Telemetry;

namespace Millrace.Transform;

/// <summary>Runs a stream's earlier stages one after the other, each as a stream is loaded: a plan, units, a result for each, nothing published.</summary>
internal sealed class StageLoads(ActiveRun run, JobEnds ends, Dispatcher dispatcher, BucketSizing sizing, string? kept, TimeProvider clock)
{
    private readonly BucketPlace _place = ends.BucketsOf(run.Directory);

    /// <summary>Runs them all; gives the plan of the stage that writes to the target.</summary>
    /// <exception cref="Fault">A stage has failed; what its units have done is kept for <c>resume</c>.</exception>
    public async Task<StreamPlan> RunAsync(StreamPlan plan, CancellationToken cancel)
    {
        if (plan.Steps is not { Earlier.IsEmpty: false } steps) return plan;
        var finished = new Dictionary<int, FinishedStage>();
        var moments = new StageMoments(run.Directory, plan);
        foreach (var stage in steps.Earlier)
        {
            var staged = PlanOf(plan, stage, finished);
            if (staged.Moment is { } now) staged = staged with { Moment = await moments.OfAsync(stage, now, finished, cancel).ConfigureAwait(false) };
            try
            {
                finished[stage.Number] = await LoadAsync(staged, stage, steps, cancel).ConfigureAwait(false);
            }
            catch (Fault fault) when (fault.IsOneKey && stage.Elements is not null)
            {
                // One file takes all rows from one unit: that one sorts them, and no row need be whole.
                run.On(new UnitDivided(plan.Stream.Name, 0, stage.Label, ["all of it, element by element"], fault));
                return Last(plan, stage with { Number = 0, Output = null, IsWhole = true, InsteadOf = stage.Number }, finished);
            }
        }

        return Last(plan, steps.Last, finished);
    }

    private StreamPlan Last(StreamPlan plan, PlannedStage stage, Dictionary<int, FinishedStage> finished) =>
        PlanOf(plan, stage, finished) with { Remarks = [], SchemaChanges = plan.SchemaChanges, Window = plan.Window };

    /// <summary>How units of a stage are cut into parts.</summary>
    public UnitCuts CutsOf(StreamPlan plan, PlannedStage? stage)
    {
        if (stage is null) return new UnitCuts(ends.Target.OneFile ? NoParts : ends.Source.SplitAsync);
        if (stage.IsWhole || (stage.Output is null && ends.Target.OneFile)) return new UnitCuts(NoParts);
        if (stage.Source is not null) return new UnitCuts(stage.SourceNumber is { } side ? ends.Sides[side].SplitAsync : ends.Source.SplitAsync);
        return plan.Stage is { Buckets: [{ ByValue: true }] } ? new UnitCuts(PartitionSplitter(plan.Stream.Write)) : new UnitCuts(SplitAsync) { WhenSlow = SplitEvenlyAsync };
    }

    private async Task<FinishedStage> LoadAsync(StreamPlan plan, PlannedStage stage, StagedPlan steps, CancellationToken cancel)
    {
        run.Lease.AssertHolder();
        var folder = run.Directory.Stream(plan.Stream.Name, stage.Number);
        await using var target = new BucketTarget(folder, stage.Output!, _place, run.Lease.AssertHolder);
        var isOwn = stage.Source is not null && stage.SourceNumber is null && plan.Stream.OnReject == OnReject.Quarantine;
        var key = isOwn ? await ends.Source.KeyAsync(plan.Stream, cancel).ConfigureAwait(false) : [];
        var reading = await StreamReading.BeginAsync(run.Directory, plan, plan.Stream.TargetName, target, new RejectRule(run.RejectLimit, key), cancel).ConfigureAwait(false);
        run.Disk.Stage(plan.SpooledBytes);
        run.Expect(plan.EstimatedRows, plan.EstimatedBytes, reading.Plan.EstimatedUnits);
        run.On(new StageBegun(plan.Stream.Name, stage.Number, steps.Earlier.Length + 1, stage.Label, reading.Plan.EstimatedUnits, reading.CarriedUnits));
        using var load = new StreamLoad(reading, dispatcher, run, CutsOf(plan, stage), clock, cancel);
        await load.HandOutAsync().ConfigureAwait(false);
        await load.FinishAsync(cancel).ConfigureAwait(false);
        return await FinishedStage.ReadAsync(stage, reading.Generation, cancel).ConfigureAwait(false);
    }

    /// <summary>A stage's plan, when the stages that it reads are done.</summary>
    private StreamPlan PlanOf(StreamPlan plan, PlannedStage stage, Dictionary<int, FinishedStage> finished)
    {
        var header = StageHeaders.Of(stage, RunStart, finished);
        if (stage.Source is { } source)
        {
            // A side source's rows go to no quarantine: its values are as it gives them, or its unit fails.
            var stream = stage.SourceNumber is null && source.Stream.Name == plan.Stream.Name ? plan.Stream : plan.Stream with { OnReject = OnReject.Fail };
            var moment = source.Moment is not null && kept is not null && stage.SourceNumber is null ? kept : source.Moment;
            return source with { Stream = stream, Columns = stage.Columns, Folders = plan.Folders, Stage = header, Steps = plan.Steps, Moment = moment, WireForm = null };
        }

        if (header.Buckets is [{ ByValue: true } together]) return ByPartition(plan, stage, header, together);
        var buckets = BucketPlanning.Of(_place, header.Buckets, stage.IsWhole ? long.MaxValue : sizing.UnitBytes(stage.StateFactor), stage.GrowsWithRows);
        var byElement = stage is { Elements: not null, Output: null } && (stage.IsWhole || sizing.NestsByElement) && buckets.Rows > 0;
        var units = buckets.Units(byElement).ToImmutableArray();
        return OverBuckets(plan, stage, header, units) with { EstimatedRows = buckets.Rows, EstimatedBytes = buckets.Bytes, Why = $"{stage.Label}, bucket by bucket" };
    }

    /// <summary>The plan of the stage that writes rows that lie together by partition.</summary>
    private StreamPlan ByPartition(StreamPlan plan, PlannedStage stage, StageHeader header, BucketRelation relation)
    {
        var most = plan.Stream.Write.MaxRowsPerFile;
        var partitions = PartitionUnits.Of(_place, relation, plan.Stream.Write);
        var together = relation.Merge is not null ? sizing.MergedUnitBytes(partitions.Bytes) : stage.Order.IsEmpty ? 0 : sizing.OrderedBytes;
        return OverBuckets(plan, stage, header, [.. partitions.Units(sizing.PartitionUnitBytes(partitions.Bytes, most), together)]) with
        {
            EstimatedRows = partitions.Rows, EstimatedBytes = partitions.Bytes, Why = stage.Label, RowsOfFolder = partitions.RowsOfPartition,
        };
    }

    private static StreamPlan OverBuckets(StreamPlan plan, PlannedStage stage, StageHeader header, ImmutableArray<PlannedUnit> units) => plan with
    {
        Columns = stage.Columns,
        EstimatedUnits = units.Length,
        Strategy = PartitionBy.Hash,
        SpooledBytes = 0,
        Moment = null,
        WireForm = null,
        ReaderJson = StreamPlan.NoReader,
        Stage = header,
        Units = _ => units.ToAsyncEnumerable(),
    };

    private UnitSplitter PartitionSplitter(WriteOptions write) => (header, unit, _) =>
        ValueTask.FromResult(PartitionUnits.Of(_place, header.Stage!.Buckets[0], write).Split(BucketUnitReader.SliceOf(unit)));

    private DateTimeOffset RunStart => run.Directory.Manifest.Began;

    private ValueTask<ImmutableArray<PlannedUnit>> SplitAsync(StreamHeader header, Unit unit, CancellationToken cancel) =>
        ValueTask.FromResult(BucketPlanning.Of(_place, header.Stage!.Buckets, unitBytes: long.MaxValue).Split(BucketUnitReader.SliceOf(unit)));

    private ValueTask<ImmutableArray<PlannedUnit>> SplitEvenlyAsync(StreamHeader header, Unit unit, CancellationToken cancel) =>
        ValueTask.FromResult(EvenParts.Of(_place, header.Stage!, unit));

    /// <summary>One file can't be written in parts, and rows of one key can't be told apart.</summary>
    private static ValueTask<ImmutableArray<PlannedUnit>> NoParts(StreamHeader header, Unit unit, CancellationToken cancel) =>
        ValueTask.FromResult<ImmutableArray<PlannedUnit>>([]);
}
