using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Transform;

/// <summary>Makes SQL of <c>lookup</c>: a function of ours gives the row of a key as a struct, NULL where there is none.</summary>
/// <param name="check">Types SQL.</param>
/// <param name="stores">What lookups ask.</param>
/// <param name="budget">The job's limits.</param>
internal sealed class LookupCompiler(SqlCheck check, LookupStores stores, Budget budget)
{
    private const string Found = "millrace_found";
    private const string Key = "millrace_key";
    private const string Row = "millrace_row";

    /// <summary>A draft with one more lookup.</summary>
    /// <exception cref="Fault">The table, a column or a type is not as it must be.</exception>
    public async ValueTask<PlannedStage> ThenAsync(PlannedStage draft, LookupStep step, CancellationToken cancel)
    {
        TransformCompiler.AssertColumns(draft.OwnColumns, step.Key.Select(static key => key.Left), step.Mark);
        var (store, number) = stores.Of(step);
        var question = new LookupQuestion(step.Table, [.. step.Key.Select(static key => key.Right)], step.Columns, step.Mark);
        var table = await store.DescribeAsync(question, cancel).ConfigureAwait(false);
        AssertColumns(table, step.Mark);
        var header = new LookupHeader
        {
            Store = number,
            Table = table.Name,
            Key = question.Key,
            Columns = table.Columns,
            Batch = step.Batch ?? Limits.LookupBatchKeysDefault,
            CacheBytes = stores.CacheBytesOf(step, budget),
            Missing = step.Missing,
            QueryJson = table.QueryJson,
        };
        var isList = IsList(draft, step, table);
        var call = Call(draft, step, table, LookupHeader.FunctionOf(draft.Lookups.Length), isList);
        var added = Added(step, header, isList);
        draft = draft.WithRoomFor(added.Select(static one => one.Column.Name));
        TransformCompiler.AssertFree(draft.Columns, added.Select(static one => one.Column.Name), step.Mark, "Name the columns that you want with lookup.columns, give what was found one name with lookup.as, or rename in a map before.");
        var kept = draft.Columns.Select(static column => SqlText.Name(column.Name)).Concat(added.Select(static one => $"{one.Sql} AS {SqlText.Name(one.Column.Name)}"));
        var where = step.Missing == LookupMissing.Drop && !isList ? $" WHERE {Found} IS NOT NULL" : "";
        var sql = $"SELECT {string.Join(", ", kept)} FROM (SELECT *, {call} AS {Found} FROM {StageHeader.Input}){where}";
        var word = $"look up {string.Join(", ", step.Key.Select(static key => key.Left))} in {table.Name}{(table.IsUnique ? "" : " (no unique index on its key: each query may read all of it, and a key with several rows is an error)")}";
        return (draft with { Lookups = draft.Lookups.Add(header) }).Then(word, sql, [.. draft.Columns, .. added.Select(static one => one.Column)]);
    }

    /// <summary>The columns that come, each with the SQL that makes it of what was found.</summary>
    private static ImmutableArray<(Column Column, string Sql)> Added(LookupStep step, LookupHeader header, bool isList)
    {
        DuckDbType Each(DuckDbType type) => isList ? DuckDbType.List(type) : type;
        string Taken(string column) => isList
            ? $"list_transform({Found}, lambda {Row}: struct_extract({Row}, {SqlText.Literal(column)}))"
            : $"struct_extract({Found}, {SqlText.Literal(column)})";
        if (step.As is { } name && header.Columns.Length > 1) return [(StageColumn.Of(name, Each(header.RowType())), Found)];
        return [.. header.Columns.Select(column => (StageColumn.Of(step.As ?? column.Name, Each(DuckDbType.Parse(column.Type))), Taken(column.Name)))];
    }

    /// <summary>The call of the lookup's function, for each element where the key is a list.</summary>
    private string Call(PlannedStage draft, LookupStep step, LookupTable table, string function, bool isList)
    {
        var texts = new string[step.Key.Length];
        for (var i = 0; i < texts.Length; i++)
        {
            var type = TypeOf(draft, step.Key[i]);
            texts[i] = TextOf(isList ? Key : SqlText.Name(step.Key[i].Left), step.Key[i].Left, isList ? type.Element : type, table.Key[i], step, draft);
        }

        var call = $"{function}({LookupDesk.Unit}, {string.Join(", ", texts)})";
        if (!isList) return call;
        var element = TypeOf(draft, step.Key[0]).Element.ToSql();
        var found = $"list_transform(CAST({SqlText.Name(step.Key[0].Left)} AS {element}[]), lambda {Key}: {call})";
        return step.Missing == LookupMissing.Drop ? $"list_filter({found}, lambda {Row}: {Row} IS NOT NULL)" : found;
    }

    /// <summary>A key's value as the store's type writes it; NULL where that type has no such value.</summary>
    private string TextOf(string value, string name, DuckDbType type, LookupColumn key, LookupStep step, PlannedStage draft)
    {
        var wanted = DuckDbType.Parse(key.Type);
        if (IsText(type) != IsText(wanted) || type.IsNested)
        {
            throw TransformCompiler.Refused(
                step.Mark,
                $"found {Words.Quote(name)} of type {type.ToSql()} and the table's {Words.Quote(key.Name)} of type {wanted.ToSql()}, expected types that can be equal",
                "Cast it in a map before.");
        }

        if (type == wanted || IsText(wanted)) return $"CAST({value} AS VARCHAR)";
        string Cast(string of) => $"TRY_CAST({of} AS {key.Type})";
        var none = $"CAST(NULL AS {type.ToSql()})";
        var input = draft.Columns.Select(static column => new DuckDb.TableColumn(column.Name, DuckDbType.Parse(column.Type))).ToImmutableArray();
        _ = check.ColumnsOf(
            $"SELECT {Cast(none)} = {none} AS same FROM {StageHeader.Input}",
            new Dictionary<string, ImmutableArray<DuckDb.TableColumn>>(StringComparer.OrdinalIgnoreCase) { [StageHeader.Input] = input },
            step.Mark);
        return $"CASE WHEN {Cast(value)} = {value} THEN CAST({Cast(value)} AS VARCHAR) END";
    }

    /// <summary>Whether the key is a list, each of whose elements is looked up.</summary>
    private static bool IsList(PlannedStage draft, LookupStep step, LookupTable table)
    {
        if (!step.Key.Any(key => TypeOf(draft, key).Kind is DuckDbKind.List or DuckDbKind.Array)) return false;
        if (table.Key.Length == 1) return true;
        throw TransformCompiler.Refused(step.Mark, "found a list among several key columns", "Look up by the list alone, or use unnest before.");
    }

    private static void AssertColumns(LookupTable table, Mark mark)
    {
        if (table.Columns.IsEmpty) throw TransformCompiler.Refused(mark, $"found no column in {table.Name} beside its key", "Name the columns that you want with lookup.columns.");
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var column in table.Columns)
        {
            if (!names.Add(column.Name))
                throw TransformCompiler.Refused(mark, $"found columns of {table.Name} that differ in case only: {column.Name}", "Name one of them with lookup.columns.");
            if (!ValueBytes.CanHold(DuckDbType.Parse(column.Type)))
                throw TransformCompiler.Refused(mark, $"found the column {column.Name} of type {column.Type}, which can't be looked up", "Name other columns with lookup.columns.");
        }
    }

    private static bool IsText(DuckDbType type) => type.Kind is DuckDbKind.Varchar or DuckDbKind.Enum;

    private static DuckDbType TypeOf(PlannedStage draft, JoinKey key) => DuckDbType.Parse(draft.Columns.First(column => column.Name == key.Left).Type);
}
