using Millrace.Faults;
using Millrace.Jobs.Secrets;

namespace Millrace.Jobs.Reading;

/// <summary>What a target's path says about its format and codec, and what several streams may not do to one target.</summary>
internal static class TargetRules
{
    /// <summary>The format: as written, else what the path's ending says, else Parquet; NDJSON on standard output.</summary>
    public static FileFormat Format(MapReader reader, string target)
    {
        if (reader.Has("format"))
        {
            return reader.Choice("format", Choices.Format) ?? FileFormat.Parquet;
        }

        var path = WithoutCompression(target);
        if (path.EndsWith(".json", StringComparison.OrdinalIgnoreCase))
        {
            reader.Fault("target", "found a target that ends with .json, expected .ndjson, .parquet or .csv", "One object a line is what this version writes: name it .ndjson, or set format: ndjson.");
        }

        return EndpointScheme.IsStandardStream(target) || EndsWith(path, ".ndjson", ".jsonl", ".json") ? FileFormat.Ndjson
            : EndsWith(path, ".csv", ".tsv") ? FileFormat.Csv
            : FileFormat.Parquet;
    }

    /// <summary>True when the target is one file, or standard output, and not a folder of tables.</summary>
    public static bool IsOneFile(string target) => EndpointScheme.IsStandardStream(target) || (StreamNames.HasDataEnding(target) && !EndpointScheme.IsPostgres(target));

    /// <summary>Checks what spans streams, and gives streams the codec that the target's ending asks for.</summary>
    public static Job Apply(Job job, MapReader reader, FaultList faults)
    {
        if (IsOneFile(job.Target.Text))
        {
            if (job.Streams.Length > 1)
            {
                reader.Fault("target", $"found {(EndpointScheme.IsStandardStream(job.Target.Text) ? "standard output" : "one file")} as the target of {job.Streams.Length} streams", "Name a folder: each stream gets its own below it.");
            }

            foreach (var stream in job.Streams)
            {
                CheckOneFile(stream, faults);
            }
        }
        else
        {
            CheckTargetNames(job, faults);
        }

        var codec = EndsWith(job.Target.Text, ".gz", ".gzip") ? "gzip" : EndsWith(job.Target.Text, ".zst", ".zstd") ? "zstd" : null;
        if (codec is null)
        {
            return job;
        }

        if (job.Format == FileFormat.Parquet)
        {
            reader.Fault("target", $"found a Parquet file that ends with .{(codec == "gzip" ? "gz" : "zst")}", "Parquet compresses inside the file: leave the ending out and set write.codec.");
        }

        return job with
        {
            Streams = [.. job.Streams.Select(stream => stream.Write.Codec is null ? stream with { Write = stream.Write with { Codec = codec } } : stream)],
        };
    }

    private static void CheckOneFile(StreamJob stream, FaultList faults)
    {
        var options = stream.Write;
        var key = options.PartitionBy.Length > 0 ? "write.partition_by"
            : options.MaxRowsPerFile is not null ? "write.max_rows_per_file"
            : options.MaxFileBytes is not null ? "write.max_file_bytes"
            : stream.Mode != WriteMode.Overwrite ? "mode"
            : null;
        if (key is not null)
        {
            faults.Add(stream.MarkOf(key), $"found {(key == "mode" ? $"mode: {WriteModes.Of(stream.Mode)}" : key)}, but the target is one file", "Name a folder as the target.");
        }
    }

    /// <summary>Two streams in one table would take each other's place. Names that differ only in case are the same on some systems.</summary>
    private static void CheckTargetNames(Job job, FaultList faults)
    {
        var taken = new Dictionary<string, StreamJob>(StringComparer.OrdinalIgnoreCase);
        foreach (var stream in job.Streams.Where(stream => !StreamNames.IsGlob(stream.TargetName)))
        {
            if (!taken.TryAdd(stream.TargetName, stream))
            {
                faults.Add(stream.MarkOf("to"), $"found {Words.Quote(stream.TargetName)} as the target of two streams, {Words.Quote(taken[stream.TargetName].Name)} and {Words.Quote(stream.Name)}", "Give one of them another name with 'to'.");
            }
        }
    }

    private static string WithoutCompression(string path)
    {
        foreach (var ending in (string[])[".gz", ".gzip", ".zst", ".zstd"])
        {
            if (path.EndsWith(ending, StringComparison.OrdinalIgnoreCase))
            {
                return path[..^ending.Length];
            }
        }

        return path;
    }

    private static bool EndsWith(string path, params string[] endings) => endings.Any(ending => path.EndsWith(ending, StringComparison.OrdinalIgnoreCase));
}
