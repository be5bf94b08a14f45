namespace Millrace.Jobs.Reading;

/// <summary>Reads <c>write</c>: how target files are written.</summary>
internal static class FileWriting
{
    private const int ZstdLevelMax = 22;

    /// <summary>Reads the options for a format; mistakes are noted.</summary>
    public static WriteOptions Read(MapReader reader, FileFormat format, JobScope scope)
    {
        var (names, expressions) = FolderReading.Read(reader, scope);
        var options = new WriteOptions
        {
            Codec = reader.Choice("codec", format == FileFormat.Parquet ? Choices.ParquetCodec : Choices.TextCodec),
            Level = (int?)reader.Number("level", 1, ZstdLevelMax),
            RowGroupRows = (int?)reader.Number("row_group_rows", Limits.RowGroupRowsMin, Limits.RowGroupRowsMax),
            MaxRowsPerFile = reader.Number("max_rows_per_file", 1, long.MaxValue),
            MaxFileBytes = reader.Size("max_file_bytes", Limits.TargetFileBytesMin, long.MaxValue),
            PartitionBy = names,
            PartitionExpressions = expressions,
            ClusterBy = OrderReading.Read(reader, "cluster_by"),
        };
        if (options.RowGroupRows is not null && format != FileFormat.Parquet)
        {
            reader.Fault("row_group_rows", $"found row groups, which {format.ToString().ToLowerInvariant()} files do not have", "Leave it out, or set format: parquet.");
        }

        var codec = options.Codec ?? (format == FileFormat.Parquet ? "zstd" : "none");
        if (options.Level is not null && codec != "zstd")
        {
            reader.Fault("level", $"found a level, but the codec {codec} has none", "Leave it out, or set codec: zstd.");
        }

        return options;
    }
}
