using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Transform;

namespace Millrace.Planning;

/// <summary>Plans a job's streams one by one, and sizes the job up to pick its engine.</summary>
internal sealed class StreamPlanner(JobEnds ends, Job job, Budget budget, SchemaCheck schema, TransformPlanning transforms)
{
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);

    /// <summary>Each stream's plan in turn. A stream that can't be planned goes to <paramref name="failed"/>; the others go on.</summary>
    public async IAsyncEnumerator<StreamPlan> PlanAllAsync(
        ImmutableArray<StreamJob> streams, Action<StreamJob, Fault> failed, CancellationToken cancel)
    {
        var request = ends.RequestOf(budget);
        foreach (var stream in streams)
        {
            StreamPlan plan;
            try
            {
                Name(stream);
                plan = await schema.CheckAsync(await PlanAsync(stream, request, cancel).ConfigureAwait(false), cancel).ConfigureAwait(false);
                AssertColumns(plan);
                if (IsLookedAt(stream)) plan = plan with { WireForm = null };
                plan = plan with { Remarks = plan.Remarks.AddRange(await ends.Target.ForeseeAsync(plan, cancel).ConfigureAwait(false)) };
            }
            catch (Exception error) when (!cancel.IsCancellationRequested)
            {
                failed(stream, Faulted.From(error));
                continue;
            }

            yield return WithQuarantine(WithReadback(plan));
        }
    }

    /// <summary>Whether something between source and target must see the rows.</summary>
    private bool IsLookedAt(StreamJob stream) =>
        stream.OnReject == OnReject.Quarantine || stream.Proof == Proof.Readback || job.Limits is not { SourceRowsPerSecond: null, SourceBytesPerSecond: null };

    /// <summary>Plans a stream; an incremental one from where its table ends.</summary>
    private async ValueTask<StreamPlan> PlanAsync(StreamJob stream, PlanRequest request, CancellationToken cancel)
    {
        if (stream.Mode != WriteMode.Incremental) return await PlanReadingAsync(stream, request, cancel).ConfigureAwait(false);
        var window = await ends.Target.WindowAsync(stream, cancel).ConfigureAwait(false);
        var read = window.Over(stream);
        var plan = await PlanReadingAsync(read, request, cancel).ConfigureAwait(false);
        if (plan.Steps is { Earlier.IsEmpty: false }) throw KeyStepInWindow(stream);
        AssertColumns(plan with { Stream = stream });
        if (ends.Target.PartsAtCursor) window = window with { Next = await ends.Source.EndAsync(read, window, cancel).ConfigureAwait(false) };
        return plan with
        {
            Stream = stream,
            Window = window,
            Remarks = plan.Remarks.Add(window.From is null ? "the first load: every row is read" : $"rows from {stream.Cursor} = {window.From} on are read (loaded up to {window.Watermark})"),
        };
    }

    /// <summary>Plans what is read of a stream, and its steps.</summary>
    private async ValueTask<StreamPlan> PlanReadingAsync(StreamJob stream, PlanRequest request, CancellationToken cancel) =>
        stream.Transform.IsEmpty && !CheckCompiler.NeedsRows(stream)
            ? transforms.LayOut(await ends.Source.PlanAsync(stream, request, cancel).ConfigureAwait(false))
            : await transforms.PlanAsync(stream, cancel).ConfigureAwait(false);

    private static Fault KeyStepInWindow(StreamJob stream) => new(FaultKind.JobFile, "found mode: incremental with a step that needs all rows of a key")
    {
        Side = FaultSide.Job, Where = stream.MarkOf("mode").ToString(), Advice = "Use overwrite, or merge: an incremental load sees the latest rows only.",
    };

    /// <summary>What the mode needs must be among the columns.</summary>
    private static void AssertColumns(StreamPlan plan)
    {
        var stream = plan.Stream;
        if (stream.Mode is not (WriteMode.Merge or WriteMode.Incremental)) return;
        foreach (var (key, name) in stream.Key.Select(static name => ("key", name)).Append(("cursor", stream.Cursor!)).Append(("deletes", stream.Deletes!)))
        {
            if (name is null || plan.Columns.Any(column => string.Equals(column.SourceName, name, StringComparison.Ordinal))) continue;
            throw new Fault(FaultKind.JobFile, $"found {Words.Quote(name)}, which is no column of the stream")
            {
                Side = FaultSide.Job,
                Where = stream.MarkOf(key).ToString(),
                Advice = $"Its columns are {string.Join(", ", plan.Columns.Take(Limits.SchemaDifferencesNamedMax).Select(static column => column.SourceName))}.",
            };
        }
    }

    /// <summary>Plans until it is clear which engine fits: all streams of a small job, the first ones of a large one.</summary>
    public async Task<(List<StreamPlan> Planned, EngineChoice Engine)> SizeUpAsync(
        IAsyncEnumerator<StreamPlan> plans, int streams, CancellationToken cancel)
    {
        var planned = new List<StreamPlan>();
        var engine = EngineRule.Pick(job.Engine, budget.MemoryBytes, 0, 0);
        if (job.Engine == EngineChoice.Auto && streams > Limits.StreamsSizedUpMax) return (planned, EngineChoice.Local);
        long rows = 0, bytes = 0;
        while (engine == EngineChoice.InProc && await plans.MoveNextAsync().ConfigureAwait(false))
        {
            cancel.ThrowIfCancellationRequested();
            var plan = plans.Current;
            planned.Add(plan);
            if (job.Engine != EngineChoice.Auto) break;
            rows += plan.EstimatedRows ?? 0;
            bytes += plan.EstimatedBytes ?? 0;
            var unknown = plan.EstimatedRows is null && plan.EstimatedBytes is null;
            engine = EngineRule.Pick(job.Engine, budget.MemoryBytes, unknown ? null : rows, unknown ? null : bytes);
        }

        return (planned, engine);
    }

    /// <summary>Says which columns readback leaves out.</summary>
    private StreamPlan WithReadback(StreamPlan plan)
    {
        if (plan.Stream.Proof != Proof.Readback) return plan;
        var names = plan.Columns.Where(column => DuckDbType.TryParse(column.Type, out var type) && !ends.Target.Traits.ReadsBack(type)).Select(static column => column.Name).ToArray();
        if (names.Length == 0) return plan;
        var rest = names.Length == plan.Columns.Length ? "the number of rows" : "the other columns";
        return plan with { Remarks = plan.Remarks.Add($"readback compares {rest} only; these would not come back as they were written: {string.Join(", ", names)}") };
    }

    /// <summary>Says that rows may be left out.</summary>
    private StreamPlan WithQuarantine(StreamPlan plan)
    {
        var what = new List<string>(2);
        if (plan.Stream.OnReject == OnReject.Quarantine) what.Add("that the target can't hold");
        if (plan.Stream.Expect.Any(static rule => rule.Action == ExpectAction.Quarantine)) what.Add("that break a rule with action: quarantine");
        if (what.Count == 0) return plan;
        var remark = $"rows {string.Join(", and those ", what)} go to quarantine; the stream fails when they are more than {job.Limits.Rejects ?? RejectLimit.Default} (limits.rejects)";
        return plan with { Remarks = plan.Remarks.Add(remark) };
    }

    /// <summary>Two streams must not become one table.</summary>
    private void Name(StreamJob stream)
    {
        var name = stream.TargetName;
        if (_names.TryAdd(name, stream.Name)) return;
        throw new Fault(FaultKind.JobFile, $"the streams {_names[name]} and {stream.Name} would both become {name} in the target")
        {
            Side = FaultSide.Job,
            Where = stream.MarkOf("to").ToString(),
            Advice = "Give one of them another name with `to:`.",
        };
    }
}
