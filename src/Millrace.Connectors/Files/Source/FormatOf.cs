using Millrace.Jobs;

namespace Millrace.Connectors.Files.Source;

/// <summary>Format and packing of a file, from what the job says and else from the file's ending.</summary>
internal static class FormatOf
{
    private static readonly (string Ending, Packing Packing)[] Packings =
        [(".gz", Packing.Gzip), (".gzip", Packing.Gzip), (".zst", Packing.Zstd), (".zstd", Packing.Zstd)];

    private static readonly (string Ending, SourceFormat Format)[] Formats =
    [
        (".csv", SourceFormat.Csv), (".tsv", SourceFormat.Csv), (".txt", SourceFormat.Csv), (".tab", SourceFormat.Csv),
        (".ndjson", SourceFormat.Ndjson), (".jsonl", SourceFormat.Ndjson), (".json", SourceFormat.Json),
        (".parquet", SourceFormat.Parquet), (".parq", SourceFormat.Parquet),
    ];

    /// <summary>How a file is packed.</summary>
    public static Packing PackingOf(string path, Packing? said)
    {
        if (said is { } packing) return packing;
        foreach (var (ending, found) in Packings)
        {
            if (path.EndsWith(ending, StringComparison.OrdinalIgnoreCase)) return found;
        }

        return Packing.None;
    }

    /// <summary>The format by the file's ending, behind that of its packing; null when it says nothing.</summary>
    public static SourceFormat? Ending(string path)
    {
        foreach (var (ending, _) in Packings)
        {
            if (!path.EndsWith(ending, StringComparison.OrdinalIgnoreCase)) continue;
            path = path[..^ending.Length];
            break;
        }

        foreach (var (ending, format) in Formats)
        {
            if (path.EndsWith(ending, StringComparison.OrdinalIgnoreCase)) return format;
        }

        return null;
    }

    /// <summary>The format that the job says; null: not said.</summary>
    public static SourceFormat? Said(ReadOptions options) => options.Format switch
    {
        "csv" => SourceFormat.Csv,
        "ndjson" => SourceFormat.Ndjson,
        "json" => SourceFormat.Json,
        "parquet" => SourceFormat.Parquet,
        _ => null,
    };

    /// <summary>The packing that the job says; null: by the files' endings.</summary>
    public static Packing? SaidPacking(ReadOptions options) => options.Compression switch
    {
        "gzip" => Packing.Gzip,
        "zstd" => Packing.Zstd,
        "none" => Packing.None,
        _ => null,
    };
}
