namespace Millrace.Jobs.Reading;

/// <content>The keys of steps and rules.</content>
internal sealed partial class KeyTable
{
    private const string Columns = "a column name or a list of them";

    private const string Pairs = "columns that both sides have, or a map of this side's columns to the other's";

    private const string Order = "a column name or a list of them, each with desc or nulls first behind it if need be";

    /// <summary>One item of <c>transform</c>.</summary>
    public static KeyTable Step { get; } = new(
        new("map", "a query over input", "SQL that makes each row by itself: `select ... from input where ...`."),
        new("join", "a map", "Columns of another side's rows with the same key."),
        new("nest", "a map", "Rows of a key become one row with an array of structs."),
        new("unnest", "the column of a list, or a map", "Each element of a list becomes a row."),
        new("dedupe", "a map", "One row of each key remains."),
        new("group", "a map of by, and of new columns to aggregates", "Rows of a key become one row: `by`, the key columns; every other key is a new column, such as `total: \"sum(amount)\"`."),
        new("lookup", "a map", "Columns looked up by key in a table of a database."));

    /// <summary>Below <c>join</c>.</summary>
    public static KeyTable Join { get; } = new(
        new("with", "a stream of this job, a path with an ending or wildcards, or a URL", "The other side. A stream gives its rows behind its own steps."),
        new("raw", "true or false", "A stream's rows before its own steps. Default: false."),
        new("stream", "a table such as public.customers", "The table, when `with` is a database's URL."),
        new("columns", "a list of column names", "Which columns of the other side, as in a stream's `columns`; those of `on` can be left out. Default: all."),
        new("where", "a condition", "Which rows of the other side: in the database's own SQL, else in the SQL of `map`."),
        new("read", "a map", "How the files are read, when `with` is files: the keys of a stream's `read`."),
        new("on", Pairs, "What must be equal. NULL is equal to nothing."),
        new("how", "left, inner, full, anti or semi", "Which rows remain. Default: left."),
        new("many", "all, first or error", "Several rows of the other side with one key: a row for each (default), the first by all its columns, or a fault."));

    /// <summary>Below <c>nest</c>.</summary>
    public static KeyTable Nest { get; } = new(
        new("by", Columns, "The key."),
        new("as", "a column name", "The array's column."),
        new("order_by", Order, "The array's order. Default: by all columns."),
        new("oversize", "fail or split", "A key whose array is too large: a fault that names it (default; NDJSON takes it whole), or several rows, each with the next of its elements."));

    /// <summary>Below <c>unnest</c>.</summary>
    public static KeyTable Unnest { get; } = new(
        new("column", "a column name", "The list's column. `unnest: NAME` is short for it."),
        new("outer", "true or false", "Keeps rows whose list is empty or NULL. Default: false."));

    /// <summary>Below <c>dedupe</c>.</summary>
    public static KeyTable Dedupe { get; } = new(
        new("by", Columns, "The key."),
        new("order_by", Order, "Which row is the first. Default: by all columns."),
        new("keep", "first, last or error", "The row that remains, or a fault when a key has two. Default: first."));

    /// <summary>Below <c>lookup</c>.</summary>
    public static KeyTable Lookup { get; } = new(
        new("in", "a postgres:// URL, duckdb:FILE or the path of a .duckdb file", "The database."),
        new("table", "a table such as public.mapping", "The table in it."),
        new("key", Pairs, "What must be equal. A map has this stream's columns first."),
        new("columns", Columns, "The columns that are wanted. Default: all but the key's."),
        new("as", "a column name", "One column for what was found: the value where `columns` has one name, else a struct. Default: a column for each."),
        new("missing", "null, error or drop", "A key that is not there: NULL (default), a fault, or the row goes."),
        new("batch", "a whole number", "Keys in one query at most, 1 to 100000; no query has more than 2,048. Default: 1000."),
        new("cache", ByteSize.Expected, "Memory for rows that were found, in each worker process; 0: none. Default: what `limits.memory` allows."));

    /// <summary>One item of <c>expect</c>.</summary>
    public static KeyTable Expect { get; } = new(
        new("not_null", Columns, "None of these columns has a NULL."),
        new("unique", Columns, "No two rows of the table have the same values in these columns together. Rows with a NULL in them do not count."),
        new("accepted", "a map of columns to lists of values", "Every value is one of the list."),
        new("between", "a map of columns to lists of the least and the greatest value", "Every value lies between them, both included; null leaves an end open."),
        new("matches", "a map of columns to regular expressions", "A part of every text matches (RE2); `^` and `$` tie it to the ends."),
        new("row_count", "a whole number, or a map of min and max", "How many rows the table has."),
        new("sql", "a condition in the SQL of map", "False for no row."),
        new("action", "fail, quarantine or warn", "When the rule is broken: nothing is published (default), the rows go to quarantine (not with unique and row_count), or they are counted and published."));

    /// <summary>Below <c>row_count</c>.</summary>
    public static KeyTable RowCount { get; } = new(
        new("min", "a whole number", "The fewest rows."),
        new("max", "a whole number", "The most rows."));

    /// <summary>The keys below a step whose value is a map.</summary>
    public static KeyTable BelowStep(string step) => step switch
    {
        "join" => Join,
        "nest" => Nest,
        "dedupe" => Dedupe,
        "lookup" => Lookup,
        "unnest" => Unnest,
        _ => Group,
    };

    /// <summary>What <c>group</c> has for certain; its other keys are the user's own.</summary>
    private static KeyTable Group { get; } = new(new KeyDefinition("by", Columns, "The key."));
}
