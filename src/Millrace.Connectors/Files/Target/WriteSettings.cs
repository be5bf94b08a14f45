using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Connectors.Files.Target;

/// <summary>What a stream's writers need beyond the address: decided once in the coordinator, carried as <c>WriterJson</c>.</summary>
internal sealed record WriteSettings
{
    /// <summary>The format.</summary>
    public required FileFormat Format { get; init; }

    /// <summary>DuckDB's word for the codec.</summary>
    public required string Codec { get; init; }

    /// <summary>The zstd level of Parquet; null for other codecs.</summary>
    public int? Level { get; init; }

    /// <summary>Parquet: rows a row group.</summary>
    public int RowGroupRows { get; init; } = Limits.RowGroupRowsDefault;

    /// <summary>The most rows a file holds; null: no bound.</summary>
    public long? MaxRowsPerFile { get; init; }

    /// <summary>About how large a file grows; null: no bound.</summary>
    public long? MaxFileBytes { get; init; }

    /// <summary>Columns that become folders.</summary>
    public ImmutableArray<string> PartitionBy { get; init; } = [];

    /// <summary>Those of them that expressions make.</summary>
    public ImmutableArray<FolderColumn> Folders { get; init; } = [];

    /// <summary>The order of the rows in each file; empty: as they come.</summary>
    public ImmutableArray<OrderTerm> ClusterBy { get; init; } = [];

    /// <summary>True when the rows of a unit come one partition after the other.</summary>
    public bool IsGathered { get; init; }

    /// <summary>Rows that a write into partition folders collects before it hands them to their files: each folder among them takes memory.</summary>
    public int FlushRows { get; init; } = Limits.PartitionedWriteRowsMax;

    /// <summary>How an incremental load tells its last rows from those that are final; null for other modes.</summary>
    public CursorParting? Parting { get; init; }

    /// <summary>CSV: what stands between two fields.</summary>
    public char Delimiter { get; init; } = ',';

    /// <summary>True when a unit's rows are sorted: nobody has put them in order before.</summary>
    [JsonIgnore]
    public bool Sorts => !ClusterBy.IsEmpty || (!IsGathered && PartitionBy.Length > 0);

    /// <summary>True when a unit can write several files.</summary>
    [JsonIgnore]
    public bool ManyFiles => MaxRowsPerFile is not null || MaxFileBytes is not null || PartitionBy.Length > 0 || Parting?.From is not null;

    /// <summary>What the files' names end with.</summary>
    [JsonIgnore]
    public string Ending => Format switch
    {
        FileFormat.Parquet => ".parquet",
        FileFormat.Csv => ".csv" + CodecEnding,
        _ => ".ndjson" + CodecEnding,
    };

    private string CodecEnding => Codec switch { "gzip" => ".gz", "zstd" => ".zst", _ => "" };

    /// <summary>The settings of a stream; refuses combinations that the writer does not have.</summary>
    public static WriteSettings Of(StreamPlan plan, FileTargetAddress address, FileFormat format)
    {
        var write = plan.Stream.Write;
        Refuse(plan.Stream, address, format);
        var codec = write.Codec ?? (format == FileFormat.Parquet ? "zstd" : CodecOf(address.Path));
        var isGathered = plan.Stage is { Buckets: [{ ByValue: true }] };
        return new WriteSettings
        {
            Format = format,
            Codec = codec == "none" && format == FileFormat.Parquet ? "uncompressed" : codec,
            Level = format == FileFormat.Parquet && codec == "zstd" ? write.Level ?? Limits.ZstdLevelDefault : null,
            RowGroupRows = write.RowGroupRows ?? Limits.RowGroupRowsDefault,
            MaxRowsPerFile = write.MaxRowsPerFile,
            MaxFileBytes = write.MaxFileBytes,
            PartitionBy = write.PartitionBy,
            Folders = plan.Folders,
            ClusterBy = write.ClusterBy,
            IsGathered = isGathered,
            FlushRows = write.PartitionBy.IsEmpty || (isGathered && plan.RowsOfFolder >= Limits.PartitionRowsMany) ? Limits.PartitionedWriteRowsMax : Limits.PartitionedWriteRowsMin,
            Parting = CursorParting.Of(plan),
            Delimiter = address.Kind != FileTargetKind.Folder && Path.GetFileName(address.Path).Contains(".tsv", StringComparison.OrdinalIgnoreCase) ? '\t' : ',',
        };
    }

    /// <summary>Refuses what the writer does not have.</summary>
    public static void Refuse(StreamJob stream, FileTargetAddress address, FileFormat format)
    {
        var write = stream.Write;
        var oneFile = address.Kind != FileTargetKind.Folder;
        var splits = new[] { (write.MaxRowsPerFile is not null, "max_rows_per_file"), (write.MaxFileBytes is not null, "max_file_bytes"), (write.PartitionBy.Length > 0, "partition_by") }
            .Where(each => each.Item1).Select(each => each.Item2).ToArray();
        if (oneFile && splits.Length > 0) throw Refused(stream, splits[0], $"found {splits[0]}, but the target is one file", "Name a folder as the target.");
        if (stream.Mode == WriteMode.Merge) throw Refused(stream, "", "found mode: merge, which targets that are files do not have", "Use append or overwrite, or write to PostgreSQL.");
        if (oneFile && stream.Mode != WriteMode.Overwrite)
            throw Refused(stream, "", $"found {WriteModes.Of(stream.Mode)}, but the target is one file", $"Name a folder as the target: {WriteModes.Of(stream.Mode)} adds files to it.");
        CursorParting.Refuse(stream);
        if (write.MaxFileBytes is not null && splits.Length > 1)
            throw Refused(stream, "max_file_bytes", $"found max_file_bytes with {splits.First(static key => key != "max_file_bytes")}, which can't be combined", "Use max_rows_per_file, which goes with partition_by.");
        if (stream.Mode == WriteMode.Incremental && !write.ClusterBy.IsEmpty)
            throw Refused(stream, "cluster_by", "found cluster_by with mode: incremental, whose files can't be kept in order", "Leave it out, or use append or overwrite.");
        if (write.Level is not null && format != FileFormat.Parquet)
            throw Refused(stream, "level", "found a level, which the writer of CSV and NDJSON does not take", "Leave it out.");
    }

    /// <summary>As JSON: the same settings give the same text.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, FileTargetJson.Default.WriteSettings);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    public static WriteSettings FromJson(string json) => JsonSerializer.Deserialize(json, FileTargetJson.Default.WriteSettings)
        ?? throw new Fault(FaultKind.Internal, "the stream's header has no writer settings");

    private static string CodecOf(string path) =>
        path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".gzip", StringComparison.OrdinalIgnoreCase) ? "gzip"
        : path.EndsWith(".zst", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".zstd", StringComparison.OrdinalIgnoreCase) ? "zstd"
        : "none";

    private static Fault Refused(StreamJob stream, string key, string message, string advice) => new(FaultKind.JobFile, message)
    {
        Side = FaultSide.Job, Where = stream.MarkOf(key.Length == 0 ? "mode" : $"write.{key}").ToString(), Advice = advice,
    };
}

/// <summary>The JSON forms of this folder, made at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WriteSettings))]
[JsonSerializable(typeof(TableMarker))]
[JsonSerializable(typeof(OneFileIntent))]
internal sealed partial class FileTargetJson : JsonSerializerContext;
