using System.Collections.Immutable;
using System.Globalization;
using Millrace.DuckDb;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Transform;

/// <summary>The SQL of the steps that need all rows of a key, over relations that hold all of them.</summary>
internal static class KeySql
{
    /// <summary>The rows of a step with one input.</summary>
    public const string Rows = "millrace_rows";

    /// <summary>The left side of a join.</summary>
    public const string Left = "millrace_left";

    /// <summary>The right side of a join.</summary>
    public const string Right = "millrace_right";

    /// <summary>How the error of a key with more rows than it may have begins; a fault is made of what follows.</summary>
    public const string TooMany = "millrace: found ";

    private const string AloneColumn = "millrace_alone";

    /// <summary>Rows of a key as an array of structs of their other columns.</summary>
    /// <param name="step">The step.</param>
    /// <param name="columns">The columns of its rows.</param>
    /// <param name="run">The column whose values cut a key's rows into several rows; null: each key becomes one row.</param>
    public static string Nest(NestStep step, ImmutableArray<Column> columns, string? run = null)
    {
        var element = Element(step, columns.Where(column => column.Name != run));
        // An aggregate with an order of several terms takes ten times as long, measured.
        var list = step.OrderBy.IsEmpty
            ? $"list_sort(list({element}))"
            : $"list_transform(list_sort(list(struct_pack(place := {SortKey(step.OrderBy)}, element := {element}))), lambda one: one.element)";
        return $"SELECT {Names(step.By)}, {list} AS {SqlText.Name(step.As)} FROM {Rows} GROUP BY {Names(run is null ? step.By : step.By.Add(run))}";
    }

    /// <summary>A row as an element of its key's array.</summary>
    public static string Element(NestStep step, IEnumerable<Column> columns)
    {
        var others = columns.Where(column => !step.By.Contains(column.Name, StringComparer.Ordinal)).Select(static column => SqlText.Name(column.Name));
        return $"struct_pack({string.Join(", ", others.Select(static name => $"{name} := {name}"))})";
    }

    /// <summary>Aggregates of a key's rows.</summary>
    public static string Group(GroupStep step)
    {
        var aggregates = step.Aggregates.Select(static one => $", {SqlCheck.Enclosed(one.Sql)} AS {SqlText.Name(one.Name)}");
        return $"SELECT {Names(step.By)}{string.Concat(aggregates)} FROM {Rows} GROUP BY {Names(step.By)}";
    }

    /// <summary>One row of each key.</summary>
    public static string Dedupe(DedupeStep step, ImmutableArray<Column> columns) => OneOfEach(Rows, step.By, columns, step.OrderBy, step.Keep);

    /// <summary>
    /// One row of each key, by an aggregate whose state is one row, however many a key has. The order ends with all columns, so that it does not
    /// matter in which order rows come.
    /// </summary>
    public static string OneOfEach(string relation, ImmutableArray<string> by, ImmutableArray<Column> columns, ImmutableArray<OrderTerm> order, KeepRule keep, bool alone = false)
    {
        var names = columns.Select(static column => column.Name).ToArray();
        var row = $"struct_pack({string.Join(", ", names.Select(static name => $"{SqlText.Name(name)} := {SqlText.Name(name)}"))})";
        var terms = order.AddRange(names.Where(name => !order.Any(term => term.Column == name)).Select(static name => new OrderTerm(name, Descending: false, NullsFirst: false)));
        var pick = keep == KeepRule.Last ? "arg_max" : "arg_min";
        var taken = $"{pick}({row}, {SortKey(terms)})";
        if (keep == KeepRule.Error)
        {
            var key = $"to_json(struct_pack({string.Join(", ", by.Select(static name => $"{SqlText.Name(name)} := any_value({SqlText.Name(name)})"))}))";
            taken = $"CASE WHEN count(*) > 1 THEN error({SqlText.Literal(TooMany)} || count(*) || ' rows with the key ' || {key}) ELSE {taken} END";
        }

        var fields = string.Join(", ", names.Select(static name => $"millrace_row.{SqlText.Name(name)} AS {SqlText.Name(name)}"));
        return $"SELECT {fields} FROM (SELECT {taken} AS millrace_row FROM {relation} GROUP BY {Names(by)}{(alone ? $", {AloneColumn}" : "")})";
    }

    /// <summary>Rows of two sides put together.</summary>
    /// <param name="step">The step.</param>
    /// <param name="left">The left side's name in SQL.</param>
    /// <param name="leftColumns">Its columns.</param>
    /// <param name="right">The right side's name in SQL.</param>
    /// <param name="rightColumns">Its columns.</param>
    /// <param name="keyTypes">The type that both sides of each pair of key columns have in common.</param>
    /// <param name="place">The left column that says where in the source a row comes from; null: none does. Rows that only the right side has come last.</param>
    public static string Join(
        JoinStep step, string left, ImmutableArray<Column> leftColumns, string right, ImmutableArray<Column> rightColumns, ImmutableArray<string> keyTypes, string? place)
    {
        if (step.Many != ManyRule.All)
        {
            var keep = step.Many == ManyRule.Error ? KeepRule.Error : KeepRule.First;
            var keys = step.On.Select(static key => key.Right).ToImmutableArray();
            right = $"({OneOfEach(Alone(right, keys, step.How), keys, rightColumns, [], keep, alone: step.How == JoinKind.Full)})";
        }

        var on = string.Join(" AND ", step.On.Select((key, i) => $"CAST(l.{SqlText.Name(key.Left)} AS {keyTypes[i]}) = CAST(r.{SqlText.Name(key.Right)} AS {keyTypes[i]})"));
        var kind = step.How switch
        {
            JoinKind.Left => "LEFT",
            JoinKind.Inner => "INNER",
            JoinKind.Full => "FULL",
            JoinKind.Anti => "ANTI",
            _ => "SEMI",
        };
        var selected = leftColumns.Select(column => step.How == JoinKind.Full && column.Name == place ? Last(place) : Taken(step, column)).Concat(Brought(step, rightColumns).Select(static column => $"r.{SqlText.Name(column.Name)}"));
        return $"SELECT {string.Join(", ", selected)} FROM {left} AS l {kind} JOIN {right} AS r ON {on}";
    }

    /// <summary>A right side whose rows with NULL in the key, which is equal to nothing, are no several rows of one key: each is alone, or not needed.</summary>
    private static string Alone(string right, ImmutableArray<string> keys, JoinKind how) => how == JoinKind.Full
        ? $"(SELECT *, CASE WHEN {string.Join(" OR ", keys.Select(static name => $"{SqlText.Name(name)} IS NULL"))} THEN row_number() OVER () END AS {AloneColumn} FROM {right})"
        : $"(SELECT * FROM {right} WHERE {string.Join(" AND ", keys.Select(static name => $"{SqlText.Name(name)} IS NOT NULL"))})";

    /// <summary>The columns that a join brings from its right side: all but the key's, which the left side has.</summary>
    public static ImmutableArray<Column> Brought(JoinStep step, ImmutableArray<Column> right) => step.How is JoinKind.Anti or JoinKind.Semi
        ? []
        : [.. right.Where(column => !step.On.Any(key => key.Right == column.Name))];

    /// <summary>Each element of a list as a row.</summary>
    /// <param name="step">The step.</param>
    /// <param name="columns">The columns before it.</param>
    /// <param name="fields">The element's fields, when it is a struct; empty otherwise.</param>
    public static string Unnest(UnnestStep step, ImmutableArray<Column> columns, ImmutableArray<string> fields)
    {
        var list = SqlText.Name(step.Column);
        var elements = step.Outer ? $"CASE WHEN len({list}) > 0 THEN {list} ELSE [NULL] END" : list;
        var selected = columns.SelectMany(column => column.Name != step.Column ? [SqlText.Name(column.Name)]
            : fields.IsEmpty ? new[] { $"millrace_element AS {list}" }
            : fields.Select(static field => $"millrace_element.{SqlText.Name(field)} AS {SqlText.Name(field)}"));
        return $"SELECT {string.Join(", ", selected)} FROM (SELECT *, unnest({elements}) AS millrace_element FROM {StageHeader.Input})";
    }

    /// <summary>A list of quoted names.</summary>
    public static string Names(IEnumerable<string> names) => string.Join(", ", names.Select(SqlText.Name));

    /// <summary>What orders rows as these terms do, as one value.</summary>
    private static string SortKey(ImmutableArray<OrderTerm> terms) =>
        $"create_sort_key({string.Join(", ", terms.Select(static term => $"{SqlText.Name(term.Column)}, '{term.Direction}'"))})";

    private static string Last(string place) => $"coalesce(l.{SqlText.Name(place)}, {long.MaxValue.ToString(CultureInfo.InvariantCulture)}) AS {SqlText.Name(place)}";

    // A row that only the right side has brings its key: both columns are one.
    private static string Taken(JoinStep step, Column column)
    {
        var name = SqlText.Name(column.Name);
        return step.How == JoinKind.Full && step.On.FirstOrDefault(key => key.Left == column.Name) is { } key
            ? $"coalesce(l.{name}, r.{SqlText.Name(key.Right)}) AS {name}" : $"l.{name}";
    }
}
