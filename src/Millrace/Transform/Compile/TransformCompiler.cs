using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Transform;

/// <summary>Plans the rows of one side: a stream of the job, or of another source by its number; as one unit where that is asked for.</summary>
internal delegate ValueTask<StreamPlan> SidePlanner(StreamJob stream, int? source, bool oneUnit, CancellationToken cancel);

/// <summary>
/// Makes stages of a stream's steps. Row-wise steps become SQL of the stage that they stand in; a step that needs all rows of a key closes
/// the stage before it and begins one that reads buckets, unless all rows fit one unit.
/// </summary>
internal sealed class TransformCompiler
{
    /// <summary>What to do about a key whose array is too large, where another target would take it.</summary>
    public const string ElementsAdvice = $"{SplitAdvice}; write NDJSON, with no layout in `write`, which takes such an array whole; or raise limits.memory.";

    private const string SplitAdvice = "Write oversize: split to the step, which makes several rows of such a key";

    private readonly SqlCheck _check;
    private readonly SidePlanner _plan;
    private readonly JoinSides _sides;
    private readonly BucketSizing _sizing;
    private readonly LookupCompiler _lookups;
    private readonly List<PlannedStage> _earlier = [];

    /// <summary>A compiler of one stream.</summary>
    /// <param name="check">Types SQL.</param>
    /// <param name="plan">Plans what is read.</param>
    /// <param name="sides">Finds the right sides of joins.</param>
    /// <param name="sizing">How many buckets.</param>
    /// <param name="lookups">Compiles lookups.</param>
    public TransformCompiler(SqlCheck check, SidePlanner plan, JoinSides sides, BucketSizing sizing, LookupCompiler lookups)
    {
        _lookups = lookups;
        _check = check;
        _plan = plan;
        _sides = sides;
        _sizing = sizing;
    }

    /// <summary>Compiles.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="keepsOrder">Whether rows are to be written in the order of the source, as far as the steps leave one.</param>
    /// <param name="finish">What stands between the last step and the target: the types that the target can hold.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="Fault">A step that can't be run: its mark says where it stands.</exception>
    public async ValueTask<StagedPlan> CompileAsync(StreamJob stream, bool keepsOrder, Func<PlannedStage, PlannedStage> finish, CancellationToken cancel)
    {
        var draft = await ChainAsync(stream, source: null, stream.Transform, cancel, CheckCompiler.NeedsKey(stream), keepsOrder).ConfigureAwait(false);
        var last = finish(Checked(draft, stream)).Close(number: 0, output: null);
        return new StagedPlan([.. _earlier], last);
    }

    /// <summary>A stream's rows after some steps.</summary>
    private async ValueTask<PlannedStage> ChainAsync(StreamJob stream, int? source, ImmutableArray<TransformStep> steps, CancellationToken cancel, bool needsKey = false, bool keepsOrder = false)
    {
        var plan = await _plan(stream, source, oneUnit: false, cancel).ConfigureAwait(false);
        var isWhole = steps.Any(NeedsKey) ? _sizing.IsSmall(plan) : needsKey && _sizing.IsSmallEnoughToSpill(plan);
        if (isWhole) plan = await _plan(stream, source, oneUnit: true, cancel).ConfigureAwait(false);
        var draft = PlannedStage.From(plan, source, isWhole) with { KeepsOrder = keepsOrder };
        foreach (var step in steps)
        {
            draft = step switch
            {
                MapStep map => Map(draft, map),
                UnnestStep unnest => Unnest(draft, unnest),
                NestStep nest => Nest(draft.WithoutPlace(), nest),
                GroupStep group => Group(draft.WithoutPlace(), group),
                DedupeStep dedupe => Dedupe(draft.WithoutPlace(), dedupe),
                JoinStep join => await JoinAsync(draft, join, cancel).ConfigureAwait(false),
                LookupStep lookup => await _lookups.ThenAsync(draft, lookup, cancel).ConfigureAwait(false),
                _ => throw NotBuilt(step),
            };
        }

        return draft;
    }

    private static bool NeedsKey(TransformStep step) => step is NestStep or GroupStep or DedupeStep or JoinStep;

    private PlannedStage Map(PlannedStage draft, MapStep map)
    {
        var input = Typed(draft.OwnColumns);
        _check.AssertRowWise(map.Sql, input, map.Mark);
        var sql = _check.OneSelect(map.Sql, map.Mark);
        var columns = ColumnsOf(sql, (StageHeader.Input, draft.OwnColumns), map.Mark);
        var carrying = draft.Place is { } name ? _check.Carrying(sql, input, Typed(columns), new DuckDb.TableColumn(name, DuckDbType.BigInt), map.Mark) : null;
        var next = carrying is null ? draft.WithoutPlace().Then("map", sql, columns) : draft.Then("map", carrying, columns.Add(SourcePlace.Of(draft.Place!)));
        return next with { KeyedBy = _check.Passes(sql, draft.KeyedBy, map.Mark) ? draft.KeyedBy : [] };
    }

    private PlannedStage Unnest(PlannedStage draft, UnnestStep step)
    {
        AssertColumns(draft.OwnColumns, [step.Column], step.Mark);
        var type = DuckDbType.Parse(draft.Columns.First(column => column.Name == step.Column).Type);
        if (type.Kind is not (DuckDbKind.List or DuckDbKind.Array))
            throw Refused(step.Mark, $"found {Words.Quote(step.Column)} of type {type.ToSql()}, expected a list", "Take the step out, or make a list of it in a map before.");
        var fields = type.Element.Kind == DuckDbKind.Struct ? type.Element.Fields.Select(static field => field.Name).ToImmutableArray() : [];
        draft = draft.WithRoomFor(fields);
        AssertFree(draft.Columns.Where(column => column.Name != step.Column), fields, step.Mark, "Rename one of them in a map before.");
        var sql = KeySql.Unnest(step, draft.Columns, fields);
        var columns = ColumnsOf(sql, (StageHeader.Input, draft.Columns), step.Mark);
        return draft.Then($"unnest {step.Column}", sql, columns) with { KeyedBy = draft.KeyedBy.Contains(step.Column, StringComparer.Ordinal) ? [] : draft.KeyedBy };
    }

    private PlannedStage Group(PlannedStage draft, GroupStep step)
    {
        foreach (var aggregate in step.Aggregates) _check.AssertAggregate(aggregate.Sql, Typed(draft.Columns), aggregate.Mark);
        var keyed = Keyed(draft, step.By, step.Mark, $"group by {Listed(step.By)}", BucketSizing.GroupFactor, KeySql.Group(step));
        return AskingFor(keyed, step.By, "Use aggregates that do not keep each value (no string_agg, median or distinct), or raise limits.memory.");
    }

    private PlannedStage Dedupe(PlannedStage draft, DedupeStep step)
    {
        AssertColumns(draft.Columns, step.OrderBy.Select(static term => term.Column), step.Mark);
        return Keyed(draft, step.By, step.Mark, $"dedupe by {Listed(step.By)}", BucketSizing.DedupeFactor, KeySql.Dedupe(step, draft.Columns));
    }

    private PlannedStage Nest(PlannedStage draft, NestStep step)
    {
        AssertColumns(draft.Columns, step.By, step.Mark);
        var word = $"nest by {Listed(step.By)}";
        if (step.Oversize == Oversize.Fail)
        {
            var nested = Keyed(draft, step.By, step.Mark, word, BucketSizing.NestFactor, KeySql.Nest(step, draft.Columns));
            if (nested.Keyed.IsEmpty) return nested;
            return AskingFor(nested with { GrowsWithRows = true, InElements = OversizeSql.MeetInOrder(step, draft.Columns) ? Elements(nested, draft.Columns, step) : null }, step.By, $"{SplitAdvice}, or raise limits.memory.");
        }

        // A key's rows meet once to be cut, which spills, and then each run is a key of its own: runs of one key lie in several units.
        var run = SqlText.Free("millrace_run", draft.Columns.Select(static column => column.Name));
        var cut = OversizeSql.Runs(step, draft.Columns, run, _sizing.NestedRunBytes);
        draft = Keyed(draft, step.By, step.Mark, $"cut large keys of {Listed(step.By)}", BucketSizing.SortFactor, cut) with { MemoryBytes = draft.IsWhole ? null : _sizing.SortMemoryBytes };
        return Keyed(draft, step.By.Add(run), step.Mark, word, BucketSizing.NestFactor, KeySql.Nest(step, draft.Columns, run)) with { KeyedBy = [], GrowsWithRows = true };
    }

    /// <summary>The rows of a nested draft element by element.</summary>
    private PlannedStage Elements(PlannedStage nested, ImmutableArray<Column> columns, NestStep step)
    {
        var first = SqlText.Free("millrace_first", nested.Columns.Select(static column => column.Name));
        return nested with
        {
            KeySql = OversizeSql.Elements(step, columns, first),
            Columns = nested.Columns.Add(StageColumn.Of(first, DuckDbType.Boolean)),
            MemoryBytes = _sizing.SortMemoryBytes,
        };
    }

    private static string Listed(ImmutableArray<string> by) => string.Join(", ", by);

    /// <summary>The stage names the key whose rows alone are too many.</summary>
    private static PlannedStage AskingFor(PlannedStage keyed, ImmutableArray<string> by, string advice) =>
        keyed.Keyed.IsEmpty ? keyed : keyed with { Largest = new KeyQuestion(OversizeSql.Largest(by), advice) };

    /// <summary>A step over all rows of each key.</summary>
    private PlannedStage Keyed(PlannedStage draft, ImmutableArray<string> by, Mark mark, string word, int factor, string sql)
    {
        AssertColumns(draft.Columns, by, mark);
        var columns = ColumnsOf(sql, (KeySql.Rows, draft.Columns), mark);
        if (draft.IsWhole) return draft.Then(word, $"WITH {KeySql.Rows} AS NOT MATERIALIZED (SELECT * FROM {StageHeader.Input}) {sql}", columns);
        var stage = Close(draft, [.. by.Select(SqlText.Name)]);
        return new PlannedStage
        {
            Keyed = [new StageInput(stage, KeySql.Rows)],
            KeySql = sql,
            KeyedBy = by,
            StateFactor = factor,
            InputColumns = columns,
            Columns = columns,
            Words = [word],
            EstimatedBytes = draft.EstimatedBytes,
        };
    }

    private async ValueTask<PlannedStage> JoinAsync(PlannedStage left, JoinStep step, CancellationToken cancel)
    {
        var side = _sides.Of(step);
        var right = await ChainAsync(side.Stream, side.Source, side.Steps, cancel).ConfigureAwait(false);
        AssertColumns(left.OwnColumns, step.On.Select(static key => key.Left), step.Mark);
        AssertColumns(right.Columns, step.On.Select(static key => key.Right), step.Mark);
        var brought = KeySql.Brought(step, right.Columns).Select(static column => column.Name).ToArray();
        left = left.WithRoomFor(brought);
        AssertFree(left.Columns, brought, step.Mark, "Name the columns that you want with join.columns, or rename them in a map before.");
        var types = KeyTypes(step, left.Columns, right.Columns);
        var word = $"{step.How.ToString().ToLowerInvariant()} join {side.Stream.Name} on {string.Join(", ", step.On.Select(static key => key.Left))}";
        if (left.IsWhole || (step.How != JoinKind.Full && _sizing.FitsEveryUnit(right)))
        {
            var kept = new StageInput(Close(right, []), $"millrace_side_{_earlier.Count}");
            var whole = KeySql.Join(step, StageHeader.Input, left.Columns, kept.Name, right.Columns, types, left.Place);
            var given = ColumnsOf(whole, (StageHeader.Input, left.Columns), (kept.Name, right.Columns), step.Mark);
            return (left with { Sides = left.Sides.Add(kept) }).Then($"{word} (the right side is kept in memory)", whole, given);
        }

        var isKept = left is { KeepsOrder: true, Place: null, Source: not null } && !(right.EstimatedBytes > left.EstimatedBytes * Limits.OrderedRightTimesMax);
        var added = isKept ? SourcePlace.FreeName(left.Columns, right.Columns) : null;
        var leftColumns = added is null ? left.Columns : left.Columns.Add(SourcePlace.Of(added));
        var place = left.Place ?? added;
        var sql = KeySql.Join(step, KeySql.Left, leftColumns, KeySql.Right, right.Columns, types, place);
        var columns = ColumnsOf(sql, (KeySql.Left, leftColumns), (KeySql.Right, right.Columns), step.Mark);
        var larger = Math.Max(left.EstimatedBytes ?? 0, right.EstimatedBytes ?? 0);
        var leftStage = Close(left, [.. step.On.Select((key, i) => $"CAST({SqlText.Name(key.Left)} AS {types[i]})")], larger, added);
        var rightStage = Close(right, [.. step.On.Select((key, i) => $"CAST({SqlText.Name(key.Right)} AS {types[i]})")], larger);
        return new PlannedStage
        {
            Keyed = [new StageInput(leftStage, KeySql.Left), new StageInput(rightStage, KeySql.Right)],
            KeySql = sql,
            KeyedBy = [.. step.On.Select(static key => key.Left)],
            StateFactor = BucketSizing.JoinFactor,
            InputColumns = columns,
            Columns = columns,
            KeepsOrder = left.KeepsOrder,
            Place = place,
            Words = [word],
            EstimatedBytes = left.EstimatedBytes + right.EstimatedBytes,
        };
    }

    /// <summary>The rules at the end of all steps. Rows that must be compared meet in a stage of their own, unless they do already.</summary>
    private PlannedStage Checked(PlannedStage draft, StreamJob stream)
    {
        if (!CheckCompiler.NeedsRows(stream)) return draft;
        draft = draft with { Checks = new CheckCompiler(_check, draft.OwnColumns).Compile(stream) with { Place = draft.Place }, InElements = null };
        var uniques = stream.Expect.Select(static (rule, i) => (Rule: rule, Check: new UniqueCheck(i, rule.Columns))).Where(static one => one.Rule.Kind == ExpectKind.Unique);
        foreach (var (_, unique) in uniques.OrderByDescending(one => draft.Meets(one.Check.Columns)).ToArray())
        {
            if (!draft.IsWhole && !draft.Meets(unique.Columns)) draft = Met(draft.WithoutPlace(), unique.Columns);
            draft = draft with { Checks = draft.Checks! with { Unique = draft.Checks.Unique.Add(unique), InPlace = draft.IsWhole } };
        }

        return draft;
    }

    /// <summary>The same rows in a stage whose units have all rows with the same values.</summary>
    private PlannedStage Met(PlannedStage draft, ImmutableArray<string> columns)
    {
        var stage = Close(draft, [.. columns.Select(SqlText.Name)]);
        return new PlannedStage
        {
            Keyed = [new StageInput(stage, KeySql.Rows)],
            KeySql = $"SELECT * FROM {KeySql.Rows}",
            KeyedBy = columns,
            StateFactor = BucketSizing.GroupFactor,
            InputColumns = draft.Columns,
            Columns = draft.Columns,
            Checks = draft.Checks! with { Place = null, Rows = [], Refusals = [], Unique = [] },
            Words = [$"unique {string.Join(", ", columns)}"],
            EstimatedBytes = draft.EstimatedBytes,
        };
    }

    private int Close(PlannedStage draft, ImmutableArray<string> keys) => Close(draft, keys, draft.EstimatedBytes);

    /// <summary>Closes a draft into a stage whose rows go into buckets; gives its number.</summary>
    /// <param name="draft">The draft.</param>
    /// <param name="keys">SQL expressions by which its rows meet.</param>
    /// <param name="bytes">About how many bytes tell how many buckets; the same for both sides of a join, whose rows meet bucket by bucket.</param>
    /// <param name="place">A column to be added that says where in the source each row comes from; null: none.</param>
    private int Close(PlannedStage draft, ImmutableArray<string> keys, long? bytes, string? place = null)
    {
        var number = _earlier.Count + 1;
        _earlier.Add(draft.Close(number, _sizing.OutputOf(keys, bytes) with { Place = place, MergeBytes = draft.Place is null ? 0 : _sizing.MergeBytes }));
        return number;
    }

    /// <summary>The type that both columns of each pair have in common, by DuckDB's own rule.</summary>
    private ImmutableArray<string> KeyTypes(JoinStep step, ImmutableArray<Column> left, ImmutableArray<Column> right)
    {
        var types = ImmutableArray.CreateBuilder<string>(step.On.Length);
        foreach (var key in step.On)
        {
            var (leftType, rightType) = (TypeOf(left, key.Left), TypeOf(right, key.Right));
            if (IsText(leftType) != IsText(rightType))
                throw Refused(step.Mark, $"found {Words.Quote(key.Left)} of type {leftType.ToSql()} and {Words.Quote(key.Right)} of type {rightType.ToSql()}, expected types that can be equal", "Cast one of them in a map before.");
            var both = $"SELECT {SqlText.Name(key.Left)} AS k FROM {KeySql.Left} UNION ALL SELECT {SqlText.Name(key.Right)} FROM {KeySql.Right}";
            types.Add(ColumnsOf(both, (KeySql.Left, left), (KeySql.Right, right), step.Mark)[0].Type);
        }

        return types.ToImmutable();
    }

    private static bool IsText(DuckDbType type) => type.Kind is DuckDbKind.Varchar or DuckDbKind.Enum;

    /// <summary>The type of a column that is there.</summary>
    internal static DuckDbType TypeOf(ImmutableArray<Column> columns, string name) => DuckDbType.Parse(columns.First(column => column.Name == name).Type);

    private ImmutableArray<Column> ColumnsOf(string sql, (string Name, ImmutableArray<Column> Columns) relation, Mark mark) => ColumnsOf(sql, mark, [relation]);

    private ImmutableArray<Column> ColumnsOf(
        string sql, (string Name, ImmutableArray<Column> Columns) first, (string Name, ImmutableArray<Column> Columns) second, Mark mark) => ColumnsOf(sql, mark, [first, second]);

    private ImmutableArray<Column> ColumnsOf(string sql, Mark mark, ReadOnlySpan<(string Name, ImmutableArray<Column> Columns)> relations)
    {
        var known = new Dictionary<string, ImmutableArray<DuckDb.TableColumn>>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, columns) in relations) known[name] = Typed(columns);
        return [.. _check.ColumnsOfStep(sql, known, mark).Select(static column => StageColumn.Of(column.Name, column.Type))];
    }

    /// <summary>Columns with their types.</summary>
    internal static ImmutableArray<DuckDb.TableColumn> Typed(ImmutableArray<Column> columns) =>
        [.. columns.Select(static column => new DuckDb.TableColumn(column.Name, DuckDbType.Parse(column.Type)))];

    /// <summary>Refuses a name that no column has.</summary>
    internal static void AssertColumns(ImmutableArray<Column> columns, IEnumerable<string> names, Mark mark)
    {
        foreach (var name in names)
        {
            if (columns.Any(column => column.Name == name)) continue;
            var known = columns.Take(Limits.SchemaDifferencesNamedMax).Select(static column => column.Name).ToArray();
            throw Refused(mark, $"found {Words.Quote(name)}, which is no column here", Words.Nearest(name, known) is { } nearest ? $"Did you mean '{nearest}'?" : $"The columns are {string.Join(", ", known)}.");
        }
    }

    /// <summary>Refuses names that columns have already.</summary>
    internal static void AssertFree(IEnumerable<Column> columns, IEnumerable<string> names, Mark mark, string advice)
    {
        var taken = names.Where(name => columns.Any(column => string.Equals(column.Name, name, StringComparison.OrdinalIgnoreCase))).ToArray();
        if (taken.Length > 0) throw Refused(mark, $"found {string.Join(", ", taken.Select(Words.Quote))} on both sides, expected each name once", advice);
    }

    /// <summary>A mistake in the job.</summary>
    internal static Fault Refused(Mark mark, string message, string advice) =>
        new(FaultKind.JobFile, message) { Side = FaultSide.Job, Where = mark.ToString(), Advice = advice };

    private static Fault NotBuilt(TransformStep step) => Refused(step.Mark, "found a step that this version can't run yet", "Take it out.");
}

/// <summary>Columns that a step makes.</summary>
internal static class StageColumn
{
    /// <summary>A column by its name and type.</summary>
    public static Column Of(string name, DuckDbType type) => new() { Name = name, SourceName = name, SourceType = type.ToSql(), Type = type.ToSql() };
}
