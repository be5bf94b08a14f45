using System.Collections.Immutable;
using System.Globalization;
using Millrace.DuckDb;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Transform;

/// <summary>The SQL around keys that alone are too large: their rows cut into runs, and the question which key has the most rows.</summary>
internal static class OversizeSql
{
    /// <summary>
    /// All rows, each with the number of its run among its key's rows: as many rows in the array's order as have so many bytes. It depends on the rows
    /// alone, so that a unit that is tried again or divided cuts as it did; a key with fewer bytes has one run. The sort spills, and what follows keeps one
    /// row in mind: a window with a partition takes a quarter more memory, which DuckDB does not count, and a third more time.
    /// </summary>
    /// <param name="step">The step.</param>
    /// <param name="columns">The columns of its rows.</param>
    /// <param name="run">The new column.</param>
    /// <param name="runBytes">How many bytes of rows a run has, about.</param>
    public static string Runs(NestStep step, ImmutableArray<Column> columns, string run, long runBytes)
    {
        var others = columns.Where(column => !step.By.Contains(column.Name, StringComparer.Ordinal)).ToArray();
        var names = columns.Select(static column => column.Name).ToArray();
        var (bytes, before, first) = (SqlText.Free("millrace_bytes", names), SqlText.Free("millrace_before", names), SqlText.Free("millrace_first", names));
        var sorted = $"SELECT *, {string.Join(" + ", others.Select(BytesOf).Prepend("0"))} AS {bytes} FROM {KeySql.Rows} ORDER BY {Order(step, columns)}";
        var added = $"SELECT *, sum({bytes}) OVER (ROWS UNBOUNDED PRECEDING) - {bytes} AS {before}, {IsFirst(step)} AS {first} FROM ({sorted})";
        var ofKey = $"{before} - coalesce(max(CASE WHEN {first} THEN {before} END) OVER (ROWS UNBOUNDED PRECEDING), 0)";
        var selected = $"{KeySql.Names(names)}, CAST(({ofKey}) // {runBytes.ToString(CultureInfo.InvariantCulture)} AS BIGINT) AS {SqlText.Name(run)}";
        return $"SELECT {selected} FROM ({added})";
    }

    /// <summary>
    /// Whether rows with equal keys follow each other in order. DuckDB's sort tells intervals apart that it calls equal, and puts others between them.
    /// </summary>
    public static bool MeetInOrder(NestStep step, ImmutableArray<Column> columns) => !step.By.Any(name => TransformCompiler.TypeOf(columns, name).Holds(static kind => kind == DuckDbKind.Interval));

    /// <summary>
    /// The rows that <c>nest</c> would give, each cut into its elements: they follow each other in the order of key and array. The sort spills, and what
    /// follows keeps one row in mind.
    /// </summary>
    /// <param name="step">The step.</param>
    /// <param name="columns">The columns of its rows.</param>
    /// <param name="first">A new column: whether it is a key's first element.</param>
    public static string Elements(NestStep step, ImmutableArray<Column> columns, string first) =>
        $"SELECT {KeySql.Names(step.By)}, [{KeySql.Element(step, columns)}] AS {SqlText.Name(step.As)}, row_number() OVER () = 1 OR {IsFirst(step)} AS {SqlText.Name(first)} " +
        $"FROM (SELECT * FROM {KeySql.Rows} ORDER BY {Order(step, columns)})";

    /// <summary>The key with the most rows as JSON, how many it has, and how many all keys have.</summary>
    public static string Largest(ImmutableArray<string> by)
    {
        var key = $"struct_pack({string.Join(", ", by.Select(static name => $"{SqlText.Name(name)} := {SqlText.Name(name)}"))})";
        var counted = $"SELECT {KeySql.Names(by)}, count(*) AS millrace_count FROM {KeySql.Rows} GROUP BY {KeySql.Names(by)}";
        var most = $"SELECT arg_max({key}, millrace_count) AS most, max(millrace_count) AS rows_of_it, CAST(sum(millrace_count) AS BIGINT) AS rows_of_all FROM ({counted})";
        return $"SELECT left(CAST(to_json(most) AS VARCHAR), {Limits.RejectValueCharsMax}), rows_of_it, rows_of_all FROM ({most})";
    }

    // The rows of a key together, in the order of its array, which ends with all columns.
    private static string Order(NestStep step, ImmutableArray<Column> columns)
    {
        var others = columns.Select(static column => column.Name).Where(name => !step.OrderBy.Any(term => term.Column == name) && !step.By.Contains(name, StringComparer.Ordinal));
        var terms = Ascending(step.By).Concat(step.OrderBy).Concat(Ascending(others));
        return string.Join(", ", terms.Select(term => term.ToSql(TransformCompiler.TypeOf(columns, term.Column))));
    }

    private static IEnumerable<OrderTerm> Ascending(IEnumerable<string> names) => names.Select(static name => new OrderTerm(name, Descending: false, NullsFirst: false));

    // Of rows in that order; of the very first it may say no, when its key is NULL.
    private static string IsFirst(NestStep step) =>
        string.Join(" OR ", step.By.Select(static name => $"{SqlText.Name(name)} IS DISTINCT FROM lag({SqlText.Name(name)}) OVER ()"));

    // About what a value takes in memory, by the value alone.
    private static string BytesOf(Column column)
    {
        var type = DuckDbType.Parse(column.Type);
        var name = SqlText.Name(column.Name);
        var fixedBytes = string.Create(CultureInfo.InvariantCulture, $"{Math.Max(1, type.ValueBytes)}");
        if (type.Kind == DuckDbKind.Blob) return $"{fixedBytes} + coalesce(octet_length({name}), 0)";
        var varies = type.IsNested || type.Kind is DuckDbKind.Varchar or DuckDbKind.Bit or DuckDbKind.BigNum or DuckDbKind.Geometry or DuckDbKind.Variant;
        return varies ? $"{fixedBytes} + coalesce(strlen(CAST({name} AS VARCHAR)), 0)" : fixedBytes;
    }
}
