using System.Collections.Immutable;
using Millrace.Commit;
using Millrace.Engines;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Keeper;
using Millrace.Load;
using Millrace.Planning;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Transform;
using Millrace.Worker;

namespace Millrace;

/// <summary>
/// The way of the rows, from job to commit. Read this first.
/// <code>
/// job ──► 1 Open ──► 2 Hold ──► 3 Plan ──► 4 Extract, transform, load ──► 5 Commit ──► 6 Report
///         ends       moment     units      rows in vectors, staged files   one atomic    run
///                                          publish       directory
///         └──── coordinator ─────────┘     └──────── worker ───────────┘  └── coordinator ──┘
/// </code>
/// Step 4 is <see cref="UnitRunner"/>, in this process or in others; everything else runs here. The run directory remembers each
/// step, so that <see cref="ResumeAsync"/> is the same way once more, minus what it finds done.
/// </summary>
public sealed class DataPath(RunOptions options)
{
    /// <summary>Runs a job. Every ending is a summary; what failed is in its faults.</summary>
    public Task<RunSummary> RunAsync(Job job, CancellationToken cancel) => MoveAsync(job, existing: null, cancel);

    /// <summary>Goes on with a run whose coordinator has ended without committing every stream.</summary>
    /// <param name="directory">The run.</param>
    /// <param name="job">Its job: <see cref="RunDirectory.ReadJob"/>, with what the user gives anew (an address with its password).</param>
    /// <param name="cancel">Stops it; what is done stays done.</param>
    public Task<RunSummary> ResumeAsync(RunDirectory directory, Job job, CancellationToken cancel)
    {
        directory.AssertSameVersion();
        return MoveAsync(job, directory, cancel);
    }

    private async Task<RunSummary> MoveAsync(Job job, RunDirectory? existing, CancellationToken cancel)
    {
        var ending = new Ending();
        ActiveRun? run = null;
        try
        {
            if (existing is not null) run = await TakeAsync(existing, job, resumed: true, cancel).ConfigureAwait(false);

            // 1. Open: source and target by their addresses' schemes. Secrets are resolved here and go no further than the connectors.
            await using var ends = JobEnds.Open(job, options);

            // 2. Hold: one moment for every stream that must be read. A run that can't even begin leaves no run directory.
            var streams = existing is null ? await ends.Source.ExpandAsync(job.Streams, cancel).ConfigureAwait(false) : job.Streams;
            ends.Expanded(streams);
            var unread = existing is null ? streams : await CommitReadyAsync(run!, streams, ends, ending).ConfigureAwait(false);
            if (!unread.IsEmpty)
            {
                await ends.Target.CheckAsync(cancel).ConfigureAwait(false);
                if (ends.Shuffle is { } shuffle) await ShuffleProbe.RunAsync(shuffle, cancel).ConfigureAwait(false);
                var isRejoined = existing is not null && await KeptMoment.TryRejoinAsync(existing, ends.Source, ends.WithJoined(unread), cancel).ConfigureAwait(false);
                await ends.HoldAsync(unread, isRejoined, cancel).ConfigureAwait(false);
                run ??= await TakeAsync(Create(job with { Streams = streams }), job, resumed: false, cancel).ConfigureAwait(false);
                await MoveStreamsAsync(job, run, unread, ends, isRejoined, ending).ConfigureAwait(false);
            }

            if (ending.Faults.IsEmpty)
            {
                await ends.Target.DiscardAsync(run!.Directory.Run, CancellationToken.None).ConfigureAwait(false);

                // A worker that was killed while it wrote a result, and replaced, has left its beginning.
                run.Lease.AssertHolder();
                run.Directory.RemoveTemporaries();
                await RemoveStoredAsync(run, ends).ConfigureAwait(false);
            }
        }
        catch (Exception error)
        {
            ending.Add(cancel.IsCancellationRequested || run?.Stop.IsCancellationRequested is true
                ? run?.StoppedBy ?? new Fault(FaultKind.Cancelled, "the run was cancelled", error)
                : Faulted.From(error));
        }

        // 6. Report.
        if (run is null)
        {
            var summary = ending.Summary("");
            options.Observer.On(new RunFinished(summary));
            return summary;
        }

        await using (run)
        {
            return await run.EndAsync(ending.Summary(run.Directory.Run), ending.Commits).ConfigureAwait(false);
        }
    }

    /// <summary>Step 3 to 5 for every stream: the next one's units are handed out while the last ones of those before still run.</summary>
    private async Task MoveStreamsAsync(Job job, ActiveRun run, ImmutableArray<StreamJob> streams, JobEnds ends, bool isRejoined, Ending ending)
    {
        var budget = Budget.Of(job.Limits);

        // 3. Plan: enough streams to know how large the job is, the others as their turn comes.
        using var transforms = new TransformPlanning(ends, budget, options.Stages, run.Directory.Manifest.Began);
        var planner = new StreamPlanner(ends, job, budget, new SchemaCheck(ends.Target, job.StatePath, run.Directory), transforms);
        await using var plans = planner.PlanAllAsync(streams, (stream, fault) => ending.Fail(run, stream, fault), run.Stop);
        var (first, choice) = await planner.SizeUpAsync(plans, streams.Length, run.Stop).ConfigureAwait(false);
        await using var engine = OpenEngine(choice, job, run, budget, ends);
        using var dispatcher = new Dispatcher(engine, run, options.Clock) { SpillBytes = () => run.Disk.BytesLeft };
        if (budget.WhyTooFewFiles(choice, OpenFiles.Max) is { } few) run.On(new Warned(few));
        run.Uses(engine, dispatcher, budget.MemoryBytes, ends.Target.Traits.Batches);

        // 4 and 5 are the pipeline's.
        var kept = choice == EngineChoice.Local && !isRejoined ? await KeptMoment.KeepAsync(run, job, ends, options).ConfigureAwait(false) : null;
        var stages = new StageLoads(run, ends, dispatcher, new BucketSizing(budget, options.Stages), kept, options.Clock);
        await using var pipeline = new StreamPipeline(run, ends, dispatcher, ending, stages, kept, streams.Length, options.Clock);
        foreach (var plan in first) await pipeline.MoveAsync(plan, choice).ConfigureAwait(false);
        while (await plans.MoveNextAsync().ConfigureAwait(false)) await pipeline.MoveAsync(plans.Current, choice).ConfigureAwait(false);
        await pipeline.EndAsync().ConfigureAwait(false);
    }

    /// <summary>What a coordinator that was killed behind a commit has not removed any more, or what the store did not remove then.</summary>
    private static async Task RemoveStoredAsync(ActiveRun run, JobEnds ends)
    {
        try
        {
            await ends.BucketsOf(run.Directory).RemoveAllAsync(run.Lease.AssertHolder, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Fault fault)
        {
            run.On(new Warned($"rows between stages are left in {ends.Shuffle!.Place}/{run.Directory.Run}, and `millrace runs prune` removes them with the run: {fault.Message}"));
        }
    }

    /// <summary>
    /// On resume: streams that are committed count; streams whose units are all done are committed without asking the source again.
    /// Gives the others.
    /// </summary>
    private static async Task<ImmutableArray<StreamJob>> CommitReadyAsync(
        ActiveRun run, ImmutableArray<StreamJob> streams, JobEnds ends, Ending ending)
    {
        var unread = ImmutableArray.CreateBuilder<StreamJob>();
        foreach (var stream in streams)
        {
            var folder = run.Directory.Stream(stream.Name);
            if (folder.ReadCommit() is { } committed)
            {
                ending.Add(committed);
            }
            else if (folder.Latest() is { } generation && await generation.CompleteHeaderAsync(stream.Consistency, run.Stop).ConfigureAwait(false) is { } header)
            {
                ending.Commit(run, await StreamCommit.RunAsync(run, stream, header, generation, ends.Target, ends.BucketsOf(run.Directory), run.Stop).ConfigureAwait(false));
            }
            else
            {
                unread.Add(stream);
            }
        }

        return unread.ToImmutable();
    }

    private IEngine OpenEngine(EngineChoice choice, Job job, ActiveRun run, Budget budget, JobEnds ends)
    {
        var settings = ends.SettingsOf(job, run.Directory, budget, run.Lease.Epoch, choice);
        return choice == EngineChoice.Local
            ? new LocalEngine(budget.HasLittleMemory ? options.Worker.ForLittleMemory() : options.Worker, settings, budget.Lanes, budget.WorkerBytes, run)
            : new InProcEngine(options.Connectors.OpenRunner(settings, options.Clock), budget.Lanes);
    }

    private RunDirectory Create(Job job) => RunDirectory.Create(job.StatePath, job, options.Clock.GetUtcNow());

    private Task<ActiveRun> TakeAsync(RunDirectory directory, Job job, bool resumed, CancellationToken cancel) =>
        ActiveRun.TakeAsync(directory, options, job, resumed, cancel);
}
