using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Millrace.Jobs;

/// <summary>One stream of a job as the user wrote it: what to read, what to make of it, where to put it. Immutable.</summary>
public sealed record StreamJob
{
    /// <summary>The stream's key in the job file: a table (<c>schema.table</c>), a glob, or any name when <see cref="Query"/> is given.</summary>
    public required string Name { get; init; }

    /// <summary>Where the key stands.</summary>
    public required Mark Mark { get; init; }

    /// <summary>The name in the target; null: the stream's own last part (<c>public.events</c> becomes <c>events</c>).</summary>
    public string? To { get; init; }

    /// <summary>
    /// True when the job's source itself names this stream's data (one file, a glob, a folder without <c>streams</c>, standard input)
    /// and <see cref="Name"/> is only a name. False: <see cref="Name"/> is a table, or a glob below the source's folder.
    /// </summary>
    public bool IsWholeSource { get; init; }

    /// <summary>The table in the target: <see cref="To"/>, or what <see cref="Name"/> makes of itself (a glob: the file's stem; a table: its last part).</summary>
    [JsonIgnore]
    public string TargetName => To ?? (IsWholeSource ? Name
        : StreamNames.HasDataEnding(Name) || Name.Contains('/', StringComparison.Ordinal) ? StreamNames.FromPath(Name)
        : StreamNames.LastPart(Name));

    /// <summary>What happens to rows that the target already has.</summary>
    public WriteMode Mode { get; init; } = WriteMode.Overwrite;

    /// <summary>The source's names of the columns that a row is known by, for merge and incremental; empty: none was named.</summary>
    public ImmutableArray<string> Key { get; init; } = [];

    /// <summary>The source's name of the column that tells later rows from earlier ones: incremental loads go by it, and of rows with one key the last counts.</summary>
    public string? Cursor { get; init; }

    /// <summary>
    /// How far behind its watermark an incremental load begins, for rows that are committed late: a time (<c>15m</c>) or, for a number, a
    /// number. Null: at the watermark itself.
    /// </summary>
    public string? Lag { get; init; }

    /// <summary>The source's name of a BOOLEAN column: merge removes the rows in which it is true. Null: none is removed.</summary>
    public string? Deletes { get; init; }

    /// <summary>A query in the source's own language instead of a table; one unit unless <see cref="Partition"/> names a key.</summary>
    public string? Query { get; init; }

    /// <summary>A condition in the source's own SQL; null: every row.</summary>
    public string? Where { get; init; }

    /// <summary>One moment for all units, or one per unit.</summary>
    public Consistency Consistency { get; init; } = Consistency.Snapshot;

    /// <summary>How what was written is proved against what was read.</summary>
    public Proof Proof { get; init; } = Proof.Hash;

    /// <summary>What happens to rows with a value that the target can't hold.</summary>
    public OnReject OnReject { get; init; } = OnReject.Fail;

    /// <summary>What happens when the columns are not those of the table that is there.</summary>
    public SchemaRule Schema { get; init; } = SchemaRule.Evolve;

    /// <summary>Columns in order: <c>*</c>, names, and <c>-name</c> to leave one out. Empty: all.</summary>
    public ImmutableArray<string> Columns { get; init; } = [];

    /// <summary>Target types by source column name, in DuckDB's spelling (<c>decimal(18,2)</c>, <c>text</c>); the key <c>*</c> means every column without its own.</summary>
    public ImmutableSortedDictionary<string, string> Types { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>New names by source column name.</summary>
    public ImmutableSortedDictionary<string, string> Rename { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>The steps between source and target, in order. They see the stream's columns after <see cref="Types"/> and <see cref="Rename"/>.</summary>
    public ImmutableArray<TransformStep> Transform { get => field.IsDefault ? [] : field; init; } = [];

    /// <summary>The rules that the rows must keep behind the last step.</summary>
    public ImmutableArray<ExpectRule> Expect { get => field.IsDefault ? [] : field; init; } = [];

    /// <summary>How the stream is cut into units.</summary>
    public PartitionSpec Partition { get; init; } = new();

    /// <summary>How source files are read; ignored by sources that are no files.</summary>
    public ReadOptions Read { get; init; } = new();

    /// <summary>How target files are written.</summary>
    public WriteOptions Write { get; init; } = new();

    /// <summary>The mark of each key that stands in the job file, by its path below the stream (<c>types.amount</c>): for later errors about it.</summary>
    public ImmutableSortedDictionary<string, Mark> Marks { get; init; } = ImmutableSortedDictionary<string, Mark>.Empty;

    /// <summary>The mark of a key below the stream, or the stream's own when the key was not written.</summary>
    public Mark MarkOf(string key) => Marks.TryGetValue(key, out var mark) ? mark : Mark;
}

/// <summary>What happens to rows that the target already has.</summary>
public enum WriteMode
{
    /// <summary>The new table takes the place of the old one, in one step.</summary>
    Overwrite = 0,

    /// <summary>The new rows come beside the old ones, in one step.</summary>
    Append = 1,

    /// <summary>Rows whose key is there already take the place of those, the others come beside them, in one step.</summary>
    Merge = 2,

    /// <summary>Rows since the last load, by a cursor: merged where there is a key, else in the place of those in the window that is read again.</summary>
    Incremental = 3,
}

/// <summary>Which moments of the source a stream's rows may come from.</summary>
public enum Consistency
{
    /// <summary>Every row is of one moment; when that moment is lost before the commit, the stream is read again.</summary>
    Snapshot = 0,

    /// <summary>Each unit is of one moment; finished units stay finished.</summary>
    Unit = 1,
}

/// <summary>How what was written is proved against what was read. Each holds those before it.</summary>
public enum Proof
{
    /// <summary>Numbers of rows.</summary>
    Counts = 0,

    /// <summary>A hash of all values as they leave the source and as they are handed to the writer.</summary>
    Hash = 1,

    /// <summary>What was written is read back as well, and hashed once more.</summary>
    Readback = 2,
}

/// <summary>What happens to a row with a value that the target can't hold.</summary>
public enum OnReject
{
    /// <summary>Its unit fails, and the stream with it; the fault names row, column and value.</summary>
    Fail = 0,

    /// <summary>The row is written to a file of the run directory, with the reason, and counted; the others go on.</summary>
    Quarantine = 1,
}

/// <summary>What happens to a stream whose columns are not those that the last commit has left in the table.</summary>
public enum SchemaRule
{
    /// <summary>New columns that may be NULL and wider types go on and are said; anything else stops the stream.</summary>
    Evolve = 0,

    /// <summary>Any difference stops the stream.</summary>
    Freeze = 1,

    /// <summary>The table takes the stream's columns, whatever they are; only where its rows are replaced, too.</summary>
    Replace = 2,
}

/// <summary>How a stream is cut into units.</summary>
public sealed record PartitionSpec
{
    /// <summary>The strategy; <see cref="PartitionBy.Auto"/> lets the planner pick.</summary>
    public PartitionBy By { get; init; } = PartitionBy.Auto;

    /// <summary>The key columns for id, date and hash; empty: the planner picks.</summary>
    public ImmutableArray<string> Key { get; init; } = [];

    /// <summary>Rows a unit; null: units aim at <c>Limits.UnitBytesTarget</c>.</summary>
    public long? Rows { get; init; }
}

/// <summary>The strategies that cut a stream into units.</summary>
public enum PartitionBy
{
    /// <summary>The planner picks and says why.</summary>
    Auto = 0,

    /// <summary>Physical pages (PostgreSQL's ctid).</summary>
    Pages = 1,

    /// <summary>Ranges of a date or timestamp column.</summary>
    Date = 2,

    /// <summary>Ranges of a key that has an order.</summary>
    Id = 3,

    /// <summary>Hash buckets of a key: each is a full scan.</summary>
    Hash = 4,

    /// <summary>One unit.</summary>
    None = 5,

    /// <summary>Groups of whole files.</summary>
    Files = 6,

    /// <summary>Byte ranges of a CSV or NDJSON file.</summary>
    Bytes = 7,

    /// <summary>Row groups of a Parquet file.</summary>
    RowGroups = 8,
}

/// <summary>How source files are read. Null means: found by looking at the files.</summary>
public sealed record ReadOptions
{
    /// <summary>The format: csv, ndjson, json, parquet. Null: from the file's ending.</summary>
    public string? Format { get; init; }

    /// <summary>gzip, zstd or none. Null: from the file's ending.</summary>
    public string? Compression { get; init; }

    /// <summary>CSV: the text between two fields; one to four bytes.</summary>
    public string? Delimiter { get; init; }

    /// <summary>CSV: the quote character; empty: none.</summary>
    public string? Quote { get; init; }

    /// <summary>CSV: the character before a quote inside a quoted field; the quote itself by default.</summary>
    public string? Escape { get; init; }

    /// <summary>CSV: whether the first line has the column names.</summary>
    public bool? Header { get; init; }

    /// <summary>CSV: words that mean NULL. Default: the empty field.</summary>
    public ImmutableArray<string> NullWords { get; init; } = [];

    /// <summary>CSV: lines that start with this are left out.</summary>
    public string? Comment { get; init; }

    /// <summary>CSV and JSON: the text encoding by its IANA name. Default: utf-8.</summary>
    public string? Encoding { get; init; }

    /// <summary>CSV: the decimal mark. Default: a point.</summary>
    public string? Decimal { get; init; }

    /// <summary>CSV and JSON: the format of dates, in strftime notation.</summary>
    public string? DateFormat { get; init; }

    /// <summary>CSV and JSON: the format of timestamps, in strftime notation.</summary>
    public string? TimestampFormat { get; init; }

    /// <summary>CSV: what happens to a row with too few fields: <c>fail</c> (default) or <c>pad</c> (missing fields are NULL).</summary>
    public string? Ragged { get; init; }

    /// <summary>Many files: what happens to a column that a file lacks: <c>null</c> (default) or <c>fail</c>.</summary>
    public string? MissingColumns { get; init; }

    /// <summary>Adds a column with the file's path under this name.</summary>
    public string? FileNameColumn { get; init; }

    /// <summary>Whether <c>key=value</c> folders become columns. Null: when every file has them.</summary>
    public bool? HivePartitions { get; init; }
}

/// <summary>How target files are written.</summary>
public sealed record WriteOptions
{
    /// <summary>Parquet: zstd, snappy, gzip, lz4, brotli or none. CSV and NDJSON: none, gzip or zstd. Null: zstd for Parquet, none otherwise.</summary>
    public string? Codec { get; init; }

    /// <summary>The codec's level; zstd: 1 to 22. Null: <c>Limits.ZstdLevelDefault</c>.</summary>
    public int? Level { get; init; }

    /// <summary>Parquet: rows a row group; 2,048 to 10,000,000. Null: <c>Limits.RowGroupRowsDefault</c>.</summary>
    public int? RowGroupRows { get; init; }

    /// <summary>The most rows a file holds, exactly. Null: one file a unit.</summary>
    public long? MaxRowsPerFile { get; init; }

    /// <summary>About how large a file grows before the next one starts, in bytes. Null: one file a unit.</summary>
    public long? MaxFileBytes { get; init; }

    /// <summary>Columns that become <c>key=value</c> folders, outermost first; those that <see cref="PartitionExpressions"/> make are among them.</summary>
    public ImmutableArray<string> PartitionBy { get; init; } = [];

    /// <summary>Columns of <see cref="PartitionBy"/> that an expression over the stream's columns makes; they are in the folders' names only.</summary>
    public ImmutableArray<NamedExpression> PartitionExpressions { get => field.IsDefault ? [] : field; init; } = [];

    /// <summary>The order of the rows within a file; empty: as they come.</summary>
    public ImmutableArray<OrderTerm> ClusterBy { get => field.IsDefault ? [] : field; init; } = [];
}
