using System.Collections.Immutable;

namespace Millrace.Jobs.Reading;

/// <summary>One key of the job file.</summary>
/// <param name="Name">The key.</param>
/// <param name="Expected">What stands behind it, in the words of an error message and of the reference.</param>
/// <param name="Meaning">What it means, with its default, in the words of the reference.</param>
/// <param name="Built">False: the job file has the key, this version can't do it yet.</param>
internal sealed record KeyDefinition(string Name, string Expected, string Meaning, bool Built = true);

/// <summary>The keys that one map of the job file can have: the one definition that reading, messages and the reference share.</summary>
internal sealed partial class KeyTable
{
    private readonly Dictionary<string, KeyDefinition> byName;

    private KeyTable(params KeyDefinition[] keys)
    {
        Keys = [.. keys];
        byName = keys.ToDictionary(key => key.Name, StringComparer.Ordinal);
    }

    /// <summary>The keys in the order of the reference.</summary>
    public ImmutableArray<KeyDefinition> Keys { get; }

    /// <summary>The definition of a key, or null.</summary>
    public KeyDefinition? Find(string name) => byName.GetValueOrDefault(name);

    /// <summary>The top of the file.</summary>
    public static KeyTable Job { get; } = new(
        new("name", "a name: letters, digits, '-', '_' and '.'", "The job's name; part of each run's id. Default: the file's name."),
        new("source", "a path, a glob, '-' or a URL such as postgres://user@host/database", "Where rows come from. `${NAME}` and `${file:/path}` are resolved when used."),
        new("target", "a path, '-' or a URL such as postgres://user@host/database", "Where rows go: a folder that holds a table for each stream, one file, or a database."),
        new("format", "parquet, csv or ndjson", "The format of the target's files. Default: what the target's ending says, else parquet; ndjson on standard output."),
        new("state", "a folder", "The folder that holds `runs/`. Default: .millrace"),
        new("shuffle", "a URL such as s3://bucket/prefix", "Where the rows between stages lie: an object store, in place of the disk; see [the guide](../guide/transform.md#rows-between-stages-on-an-object-store). Default: the run directory."),
        new("engine", "auto, inproc or local", "Who runs the units. auto: this process below a million estimated rows and 256 MB, worker processes above."),
        new("limits", "a map", "The bounds of a run."),
        new("params", "a map of names to texts, numbers, true or false", "Values that SQL in this file names as `$name`; `--set params.NAME=...` gives another one."),
        new("streams", "a list of names, or a map of names to options", "What is moved. A source that is one file or one glob needs none."));

    /// <summary>Below <c>limits</c>.</summary>
    public static KeyTable Limits { get; } = new(
        new("memory", ByteSize.Expected, "The ceiling for all processes of the run together; at least 128MB. Default: three quarters of the machine or of its memory group."),
        new("workers", "a whole number or auto", "How many units run at once, 1 to 256. Default: one for each processor."),
        new("source_connections", "a whole number", "Connections to the source at once, 1 to 256. Default: 4."),
        new("target_connections", "a whole number", "Connections to the target at once, for targets that are servers, 1 to 256. Default: 4."),
        new("source_rows_per_second", "a whole number", "How many rows a second may be read, by all workers together; at least 10. Default: as many as can be."),
        new("source_bytes_per_second", ByteSize.Expected, "How many bytes a second may be read, by all workers together; at least 64KB. Default: as many as can be."),
        new("disk", ByteSize.Expected, "Staged output and spill together; at least 64MB. Default: what the disk has."),
        new("snapshot_hold", Duration.Expected, "How long the moment of a run that was killed is kept for resume; 0: not at all. Default: 15m."),
        new("rejects", RejectLimit.Expected, "How many rows of one stream may go to quarantine, or what share of them, before the stream fails. Default: 10000."));

    /// <summary>Below a stream.</summary>
    public static KeyTable Stream { get; } = new(
        new("to", "a name in the target", "Its name in the target. Default: the last part of the stream's name."),
        new("mode", "overwrite, append, merge or incremental", "What happens to rows that are there: overwrite (default) or append; merge: rows with the same `key` are replaced; incremental: only rows since the last load are read. All in one step; merge for databases, incremental for them and for folders of files."),
        new("where", "a condition in the source's SQL", "A condition in the source's own SQL."),
        new("query", "a query in the source's SQL", "A query instead of a table; one unit, unless partition.key is given."),
        new("consistency", "snapshot or unit", "snapshot (default): every row of one moment; unit: one moment for each unit."),
        new("columns", "a list of column names", "Which columns, in order: \"*\", names, and \"-name\" to leave one out. Default: all."),
        new("types", "a map of column names to types", "Target types by source column, such as decimal(18,2) or text; \"*\" means all others."),
        new("rename", "a map of column names to new names", "New names by source column."),
        new("partition", "a map", "How the stream is cut into units."),
        new("read", "a map", "How source files are read. What is not written is found by looking at them."),
        new("write", "a map", "How target files are written."),
        new("proof", "counts, hash or readback", "How what was written is proved against what was read: numbers of rows; hash (default): a hash of all values too; readback: the written files read back as well."),
        new("on_reject", "fail or quarantine", "What happens to a row with a value that the target can't hold: fail (default) stops the stream and names it; quarantine writes it to the run directory, with the reason, and goes on."),
        new("schema", "evolve, freeze or replace", "What happens when the columns are not those of the table that is there: evolve (default): new ones that may be NULL and wider types go on and are said, all else stops; freeze: any difference stops; replace: the table takes them (not with append)."),
        new("key", "a column name or a list of them", "The columns that a row is known by: for merge, and for incremental into a database where rows change."),
        new("cursor", "a column name", "The column that only grows (a time of change, a number): incremental loads go by it, and of rows with one key in one load the last counts."),
        new("lag", "a time such as 15m, or a number", "incremental: how far behind the last load's end reading begins again, for rows that are committed late. Default: at that end."),
        new("deletes", "a column name", "merge: a BOOLEAN column; rows in which it is true are removed."),
        new("transform", "a list of steps", "Steps between source and target, in order, each a map with one key; see [the guide](../guide/transform.md)."),
        new("expect", "a list of rules", "Rules that the rows must keep behind the last step, each a map with one key and, if need be, an action."));

    /// <summary>Below <c>partition</c>.</summary>
    public static KeyTable Partition { get; } = new(
        new("by", "auto, pages, date, id, hash, files, bytes, row_groups or none", "The strategy. Default: auto; `millrace plan` says what it picks and why."),
        new("key", "a column name or a list of them", "The columns that id, date and hash go by. Default: the planner picks."),
        new("rows", "a whole number", "Rows a unit. Default: units of about 64 MB."));

    /// <summary>Below <c>read</c>.</summary>
    public static KeyTable Read { get; } = new(
        new("format", "csv, ndjson, json or parquet", "Default: from the file's ending."),
        new("compression", "gzip, zstd or none", "Default: from the file's ending."),
        new("delimiter", "one to four characters", "CSV: what stands between fields."),
        new("quote", "one character, or '' for none", "CSV: the quote character."),
        new("escape", "one character, or '' for none", "CSV: what stands before a quote inside a quoted field. Default: the quote itself."),
        new("header", "true or false", "CSV: whether the first line has the names."),
        new("null", "a word or a list of words that mean NULL", "CSV: words that mean NULL. Default: the empty field."),
        new("comment", "one character", "CSV: lines that start with it are left out."),
        new("encoding", "the name of a text encoding, such as utf-8 or latin-1", "CSV and JSON. Default: utf-8."),
        new("decimal", "'.' or ','", "CSV: the decimal mark. Default: a point."),
        new("date_format", "a strftime format such as %d.%m.%Y", "CSV and JSON."),
        new("timestamp_format", "a strftime format such as %d.%m.%Y %H:%M:%S", "CSV and JSON."),
        new("ragged", "fail or pad", "CSV: rows with too few fields: fail (default), or pad with NULL."),
        new("missing_columns", "null or fail", "Columns that one of many files lacks: null (default) or fail."),
        new("file_name_column", "a column name", "Adds a column with the file's path."),
        new("hive", "true or false", "Whether key=value folders become columns. Default: when every file has them."));

    /// <summary>Below <c>write</c>.</summary>
    public static KeyTable Write { get; } = new(
        new("codec", "zstd, snappy, gzip, lz4, brotli or none", "Default: zstd for parquet; none for csv and ndjson, which take gzip and zstd."),
        new("level", "a whole number", "The level of zstd, 1 to 22. Default: 1."),
        new("row_group_rows", "a whole number", "Parquet: rows a row group, 2048 to 10000000. Default: 20480."),
        new("max_rows_per_file", "a whole number", "The most rows a file holds, in each folder of partition_by. Default: one file a unit and folder."),
        new("max_file_bytes", ByteSize.Expected, "About how large a file grows; at least 64KB. Not with partition_by or max_rows_per_file. Default: one file a unit."),
        new("partition_by", "columns, calls such as year(day), or a map of names to expressions", "Columns that become key=value folders, outermost first. A call of one column gets the function's name."),
        new("cluster_by", "a column name or a list of them, each with desc or nulls first behind it if need be", "The order of the rows within each file. Default: as they come."));
}
