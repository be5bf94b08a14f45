using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Transform;

namespace Millrace.Planning;

/// <summary>Looks at a job without running it: what <c>plan</c>, <c>check</c> and <c>discover</c> say.</summary>
public sealed class JobInspection(RunOptions options)
{
    /// <summary>Plans every stream as <c>run</c> would, without units being written anywhere.</summary>
    public async IAsyncEnumerable<InspectedStream> PlanAsync(Job job, [EnumeratorCancellation] CancellationToken cancel)
    {
        await using var ends = JobEnds.Open(job, options);
        var streams = await ends.Source.ExpandAsync(job.Streams, cancel).ConfigureAwait(false);
        ends.Expanded(streams);
        await ends.HoldAsync(streams, isHeld: false, cancel).ConfigureAwait(false);
        var budget = Budget.Of(job.Limits);
        var failed = new List<(StreamJob Stream, Fault Fault)>();
        var schema = new SchemaCheck(ends.Target, job.StatePath, run: null);
        using var transforms = new TransformPlanning(ends, budget, options.Stages, options.Clock.GetUtcNow());
        await using var plans = new StreamPlanner(ends, job, budget, schema, transforms).PlanAllAsync(streams, (stream, fault) => failed.Add((stream, fault)), cancel);
        long rows = 0, bytes = 0;
        while (await plans.MoveNextAsync().ConfigureAwait(false))
        {
            var plan = plans.Current;
            rows += plan.EstimatedRows ?? 0;
            bytes += plan.EstimatedBytes ?? 0;
            var unknown = plan.EstimatedRows is null && plan.EstimatedBytes is null;
            var engine = EngineRule.Pick(job.Engine, budget.MemoryBytes, unknown ? null : rows, unknown ? null : bytes);
            yield return new InspectedStream(plan.Stream, plan.Stream.TargetName, plan, engine, budget, Fault: null)
            {
                WhyTooLittleDisk = bytes <= (job.Limits.DiskBytes ?? long.MaxValue) ? null
                    : $"about {ByteSize.Format(bytes)} are expected, and limits.disk is {ByteSize.Format(job.Limits.DiskBytes!.Value)}: raise it, unless the files come out smaller",
            };
        }

        foreach (var (stream, fault) in failed)
            yield return new InspectedStream(stream, stream.TargetName, Plan: null, job.Engine, budget, fault);
    }

    /// <summary>Tries everything that a run needs before its first row: addresses, connections, rights, types, disk. All faults at once.</summary>
    public async Task<JobCheck> CheckAsync(Job job, CancellationToken cancel)
    {
        var found = ImmutableArray.CreateBuilder<string>();
        var faults = ImmutableArray.CreateBuilder<Fault>();
        async Task TryAsync(Func<Task> step)
        {
            try
            {
                await step().ConfigureAwait(false);
            }
            catch (Exception error) when (!cancel.IsCancellationRequested)
            {
                faults.Add(Faulted.From(error));
            }
        }

        await TryAsync(async () =>
        {
            await using var target = JobEnds.OpenTarget(job, options);
            found.Add($"target {target.Place}: {await target.CheckAsync(cancel).ConfigureAwait(false)}");
        }).ConfigureAwait(false);
        await TryAsync(async () =>
        {
            if (JobEnds.OpenShuffle(job, options) is not { } store) return;
            await using (store.ConfigureAwait(false)) found.Add($"shuffle {store.Place}: {await ShuffleProbe.RunAsync(store, cancel).ConfigureAwait(false)}");
        }).ConfigureAwait(false);
        await TryAsync(async () =>
        {
            await using var ends = JobEnds.Open(job, options);
            found.Add($"source {ends.Source.Place}: {await ends.Source.CheckAsync(cancel).ConfigureAwait(false)}");
        }).ConfigureAwait(false);
        if (faults.Count > 0) return new JobCheck(found.ToImmutable(), faults.ToImmutable());

        await TryAsync(async () =>
        {
            await foreach (var stream in PlanAsync(job, cancel).ConfigureAwait(false))
            {
                if (stream.Fault is { } fault) faults.Add(fault);
                else found.Add($"stream {stream.Stream.Name}: {stream.Plan!.Columns.Length} columns, about {stream.Plan.EstimatedRows?.ToString("N0") ?? "?"} rows{Changes(stream.Plan)}");
            }
        }).ConfigureAwait(false);
        return new JobCheck(found.ToImmutable(), faults.ToImmutable());
    }

    private static string Changes(StreamPlan plan) => plan.SchemaChanges.IsEmpty ? "" : $"; the table's columns change: {string.Join("; ", plan.SchemaChanges)}";

    /// <summary>Streams of a source that match a pattern, as they are found.</summary>
    public async IAsyncEnumerable<Discovered> DiscoverAsync(
        Endpoint source, string baseDirectory, string pattern, [EnumeratorCancellation] CancellationToken cancel)
    {
        var address = options.Secrets.Resolve(source).Reveal();
        await using var open = options.Connectors.SourceFor(address, source.Mark).Open(new SourceContext
        {
            Address = address,
            Mark = source.Mark,
            BaseDirectory = baseDirectory,
            Connections = 1,
            Clock = options.Clock,
        });
        await foreach (var found in open.DiscoverAsync(pattern, cancel).ConfigureAwait(false)) yield return found;
    }
}

/// <summary>A stream as <c>plan</c> shows it.</summary>
/// <param name="Stream">What the user wrote, wildcards expanded.</param>
/// <param name="To">Its name in the target.</param>
/// <param name="Plan">Its plan; null when it can't be planned.</param>
/// <param name="Engine">The engine that would run it, as far as the streams before it tell.</param>
/// <param name="Budget">How the limits are divided.</param>
/// <param name="Fault">Why it can't be planned; null when it can.</param>
public sealed record InspectedStream(StreamJob Stream, string To, StreamPlan? Plan, EngineChoice Engine, Budget Budget, Fault? Fault)
{
    /// <summary>Why the streams so far may pass <c>limits.disk</c>, and what to change; null when they fit, as far as estimates tell.</summary>
    public string? WhyTooLittleDisk { get; init; }
}

/// <summary>What <c>check</c> found.</summary>
/// <param name="Found">What is there, one line each.</param>
/// <param name="Faults">What is wrong; empty when a run could begin.</param>
public sealed record JobCheck(ImmutableArray<string> Found, ImmutableArray<Fault> Faults);
