using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Transform;

/// <summary>Plans streams that have steps, or rules that look at rows.</summary>
internal sealed class TransformPlanning : IDisposable
{
    private readonly JobEnds _ends;
    private readonly Budget _budget;
    private readonly BucketSizing _sizing;
    private readonly PlanRequest _request;
    private readonly PlanRequest _unchanged;
    private readonly Lazy<SqlCheck> _check;
    private readonly LayoutPlanning _layout;

    /// <summary>A planner of a job's streams.</summary>
    /// <param name="ends">The job's ends.</param>
    /// <param name="budget">Its limits.</param>
    /// <param name="bounds">From which size on rows are cut.</param>
    /// <param name="runStart">What <c>now()</c> is.</param>
    public TransformPlanning(JobEnds ends, Budget budget, StageBounds bounds, DateTimeOffset runStart)
    {
        _ends = ends;
        _budget = budget;
        RunStart = runStart;
        _sizing = new BucketSizing(budget, bounds);
        _unchanged = ends.RequestOf(budget);
        _request = _unchanged with { Target = TargetTraits.Vectors, OneUnit = false };
        _check = new Lazy<SqlCheck>(() => new SqlCheck(runStart));
        _layout = new LayoutPlanning(_check, _sizing);
    }

    /// <summary>What <c>now()</c> is in all SQL of the run.</summary>
    public DateTimeOffset RunStart { get; }

    /// <summary>Plans a stream: its source, its steps, and what the target can hold of what they give.</summary>
    /// <param name="stream">The stream as it is read.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="Fault">A step can't be run.</exception>
    public async ValueTask<StreamPlan> PlanAsync(StreamJob stream, CancellationToken cancel)
    {
        LayoutPlanning.AssertTakes(_ends.Target, stream);
        StreamPlan? own = null;
        var compiler = new TransformCompiler(_check.Value, PlanSideAsync, _ends.JoinSides, _sizing, new LookupCompiler(_check.Value, _ends.Lookups, _budget));
        var steps = await compiler.CompileAsync(stream, LayoutPlanning.KeepsOrder(stream) && !_ends.Target.OneFile, draft => stream.Transform.IsEmpty ? draft : Fitted(draft), cancel).ConfigureAwait(false);
        steps = WithElements(stream, steps);
        if (_ends.Target.OneFile && (steps.Last.Source is not { EstimatedUnits: <= 1 } || !steps.Earlier.IsEmpty)) steps = OneUnit(steps);
        var folders = _layout.FoldersOf(stream, steps.Last.OwnColumns);
        steps = _layout.Gathered(stream, folders, steps);
        var plan = own! with
        {
            Stream = stream,
            Columns = steps.Last.Columns,
            WireForm = null,
            Steps = steps,
            Folders = folders,
            Remarks = [.. own.Remarks, .. steps.Describe()],
        };
        return steps.Earlier.IsEmpty ? plan with { Stage = StageHeaders.Of(steps.Last, RunStart, StageHeaders.NoFiles) } : plan with
        {
            Strategy = steps.Last.Source is null ? PartitionBy.Hash : plan.Strategy,
            Why = steps.Last.Source is null ? $"{steps.Last.Label}, bucket by bucket" : plan.Why,
        };

        async ValueTask<StreamPlan> PlanSideAsync(StreamJob side, int? source, bool oneUnit, CancellationToken token)
        {
            var from = source is { } number ? _ends.Sides[number] : _ends.Source;
            var isMain = source is null && side.Name == stream.Name;

            // Without steps the source gives what the target can hold, and rejects what it can't, as it does without rules.
            var request = stream.Transform.IsEmpty
                ? _unchanged with { OneUnit = oneUnit || _unchanged.OneUnit }
                : _request with { OneUnit = oneUnit || (isMain && _ends.Target.OneFile && !stream.Transform.Any(static step => step is not (MapStep or UnnestStep))) };
            var planned = await from.PlanAsync(side with { Transform = [] }, request, token).ConfigureAwait(false);

            // How large the stream is, and so which engine runs it, is not told by what it joins.
            if (isMain) own = planned;
            return planned;
        }
    }

    /// <summary>Plans the folders of a stream without steps; the same plan where it has none that need anything.</summary>
    /// <exception cref="Fault">An expression is wrong.</exception>
    public StreamPlan LayOut(StreamPlan plan)
    {
        var stream = plan.Stream;
        LayoutPlanning.AssertTakes(_ends.Target, stream);
        if (stream.Write.PartitionBy.IsEmpty || _ends.Target.OneFile) return plan;
        var folders = _layout.FoldersOf(stream, plan.Columns);
        var only = PlannedStage.From(plan, source: null, isWhole: false).Close(number: 0, output: null);
        var steps = _layout.Gathered(stream, folders, new StagedPlan([], only));
        if (!steps.Earlier.IsEmpty) return plan with { Folders = folders, Steps = steps, WireForm = null, Remarks = [.. plan.Remarks, .. steps.Describe()] };
        return folders.IsEmpty ? plan : plan with { Folders = folders, WireForm = null, Stage = StageHeaders.Of(only, RunStart, StageHeaders.NoFiles) };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_check.IsValueCreated) _check.Value.Dispose();
    }

    /// <summary>The last columns in types that the target can hold.</summary>
    private PlannedStage Fitted(PlannedStage draft)
    {
        var selected = new List<string>(draft.Columns.Length);
        var columns = ImmutableArray.CreateBuilder<Column>(draft.Columns.Length);
        var isFitted = true;
        foreach (var column in draft.Columns)
        {
            var name = SqlText.Name(column.Name);
            var fitting = TypeFitting.Fit(DuckDbType.Parse(column.Type), _ends.Target.Traits, text => TargetRefusals.Raise(column.Name, text), inUnit: true)
                ?? throw new Fault(FaultKind.JobFile, $"the steps give the column {Words.Quote(column.Name)} of type {column.Type}, which can't be written")
                {
                    Side = FaultSide.Job, Advice = "Cast it in a last map, or leave it out.",
                };
            isFitted &= fitting.Sql == TypeFitting.Hole;
            selected.Add(fitting.Sql == TypeFitting.Hole ? name : $"{fitting.Sql.Replace(TypeFitting.Hole, name, StringComparison.Ordinal)} AS {name}");
            columns.Add(column with { Type = fitting.Type.ToSql(), Remark = fitting.Remark ?? column.Remark });
        }

        if (isFitted) return draft;
        var fitted = draft.Then("types that the target can hold", $"SELECT {string.Join(", ", selected)} FROM {StageHeader.Input}", columns.ToImmutable());
        return fitted with { Words = draft.Words, InElements = draft.InElements is null ? null : Fitted(draft.InElements) };
    }

    /// <summary>
    /// Whether a key whose array no memory holds is written element by element. Then only its own rows are many: a bucket with more rows than others is
    /// not planned in more parts.
    /// </summary>
    private StagedPlan WithElements(StreamJob stream, StagedPlan steps)
    {
        var last = steps.Last;
        if (last.Elements is null) return steps;
        var isList = DuckDbType.Parse(last.Columns[^1].Type).Kind == DuckDbKind.List;
        if (isList && _ends.Target.TakesElements(stream)) return steps with { Last = last with { GrowsWithRows = false } };
        return steps with { Last = last with { Elements = null, Largest = last.Largest! with { Advice = TransformCompiler.ElementsAdvice } } };
    }

    /// <summary>A target of one file takes all rows from one unit: a stage that gives them as one bucket comes before.</summary>
    private StagedPlan OneUnit(StagedPlan steps)
    {
        var number = steps.Earlier.Length + 1;
        var gathered = steps.Last with { Number = number, Output = _sizing.OutputOf([], bytes: null) };
        var last = new PlannedStage
        {
            Words = ["write one file"],
            Keyed = [new StageInput(number, KeySql.Rows)],
            KeySql = $"SELECT * FROM {KeySql.Rows}",
            InputColumns = gathered.Columns,
            Columns = gathered.Columns,
            IsWhole = true,
        };
        return new StagedPlan(steps.Earlier.Add(gathered), last);
    }
}

/// <summary>Values that a step gives and the target can't hold.</summary>
internal static class TargetRefusals
{
    private const string Sign = "millrace-target:";

    /// <summary>SQL of the error.</summary>
    public static string Raise(string column, string text) =>
        $"error({SqlText.Literal($"{Sign}found ")} || left({text}, {Limits.RejectValueCharsMax}) || {SqlText.Literal($" in column {column}, which the target can't hold")})";

    /// <summary>The fault behind such an error, or that of a key with too many rows; null when it is another.</summary>
    public static Fault? Explain(DuckDbException error, string where)
    {
        foreach (var sign in (ReadOnlySpan<string>)[Sign, KeySql.TooMany])
        {
            var at = error.Message.IndexOf(sign, StringComparison.Ordinal);
            if (at < 0) continue;
            var text = sign == Sign ? error.Message[(at + sign.Length)..] : $"found {error.Message[(at + sign.Length)..]}";
            return new Fault(FaultKind.Data, text, error) { Side = FaultSide.Transform, Where = where };
        }

        return null;
    }
}
