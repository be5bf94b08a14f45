using System.Collections.Immutable;

namespace Millrace.Jobs.Reading;

/// <summary>One key of the job file.</summary>
/// <param name="Name">The key.</param>
/// <param name="Expected">What stands behind it, in the words of an error message and of the reference.</param>
/// <param name="Built">False: the job file has the key, this version can't do it yet.</param>
internal sealed record KeyDefinition(string Name, string Expected, bool Built = true);

/// <summary>The keys that one map of the job file can have: the one definition that reading, messages and the reference share.</summary>
internal sealed class KeyTable
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
        new("name", "a name: letters, digits, '-', '_' and '.'"),
        new("source", "a path, a glob, '-' or a URL such as postgres://user@host/database"),
        new("target", "a path or '-'"),
        new("format", "parquet, csv or ndjson"),
        new("state", "a folder"),
        new("engine", "auto, inproc or local"),
        new("limits", "a map"),
        new("streams", "a list of names, or a map of names to options"));

    /// <summary>Below <c>limits</c>.</summary>
    public static KeyTable Limits { get; } = new(
        new("memory", ByteSize.Expected),
        new("workers", "a whole number or auto"),
        new("source_connections", "a whole number"),
        new("disk", ByteSize.Expected));

    /// <summary>Below a stream.</summary>
    public static KeyTable Stream { get; } = new(
        new("to", "a name in the target"),
        new("mode", "overwrite or append"),
        new("where", "a condition in the source's SQL"),
        new("query", "a query in the source's SQL"),
        new("consistency", "snapshot or unit"),
        new("columns", "a list of column names"),
        new("types", "a map of column names to types"),
        new("rename", "a map of column names to new names"),
        new("partition", "a map"),
        new("read", "a map"),
        new("write", "a map"),
        new("proof", "counts"),
        new("key", "a list of column names", Built: false),
        new("cursor", "a column name", Built: false),
        new("transform", "a list of steps", Built: false),
        new("expect", "a list of checks", Built: false),
        new("on_reject", "fail or quarantine", Built: false));

    /// <summary>Below <c>partition</c>.</summary>
    public static KeyTable Partition { get; } = new(
        new("by", "auto, pages, date, id, hash, files, bytes, row_groups or none"),
        new("key", "a column name or a list of them"),
        new("rows", "a whole number"));

    /// <summary>Below <c>read</c>.</summary>
    public static KeyTable Read { get; } = new(
        new("format", "csv, ndjson, json or parquet"),
        new("compression", "gzip, zstd or none"),
        new("delimiter", "one to four characters"),
        new("quote", "one character, or '' for none"),
        new("escape", "one character, or '' for none"),
        new("header", "true or false"),
        new("null", "a word or a list of words that mean NULL"),
        new("comment", "one character"),
        new("encoding", "the name of a text encoding, such as utf-8 or latin-1"),
        new("decimal", "'.' or ','"),
        new("date_format", "a strftime format such as %d.%m.%Y"),
        new("timestamp_format", "a strftime format such as %d.%m.%Y %H:%M:%S"),
        new("ragged", "fail or pad"),
        new("missing_columns", "null or fail"),
        new("file_name_column", "a column name"),
        new("hive", "true or false"));

    /// <summary>Below <c>write</c>.</summary>
    public static KeyTable Write { get; } = new(
        new("codec", "zstd, snappy, gzip, lz4, brotli or none"),
        new("level", "a whole number"),
        new("row_group_rows", "a whole number"),
        new("max_rows_per_file", "a whole number"),
        new("max_file_bytes", ByteSize.Expected),
        new("partition_by", "a column name or a list of them"),
        new("cluster_by", "a column name or a list of them", Built: false));
}
