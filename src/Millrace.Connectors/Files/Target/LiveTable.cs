using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Runs;

namespace Millrace.Connectors.Files.Target;

/// <summary>What is at a table's place now, and whether it may be written.</summary>
internal static class LiveTable
{
    private static readonly string[] ParquetEndings = [".parquet", ".parq"];
    private static readonly string[] CsvEndings = [".csv", ".tsv", ".csv.gz", ".csv.zst", ".tsv.gz", ".tsv.zst"];
    private static readonly string[] JsonEndings = [".ndjson", ".jsonl", ".json", ".ndjson.gz", ".ndjson.zst", ".jsonl.gz", ".json.gz", ".jsonl.zst"];

    /// <summary>Refuses a place that can't become the table, or where an overwrite would destroy what no table of this format is.</summary>
    /// <param name="path">The table's folder.</param>
    /// <param name="mode">What is to happen to its rows.</param>
    /// <param name="format">The format that is to be written.</param>
    /// <param name="where">The place in the user's input.</param>
    /// <returns>Its marker; null when there is none.</returns>
    public static TableMarker? Check(string path, WriteMode mode, FileFormat format, string where)
    {
        var link = new FileInfo(path).LinkTarget;
        if (link is not null) throw Refused(path, "is a link", where, $"Write to the folder that it leads to, {link}.");
        if (File.Exists(path)) throw Refused(path, "is a file, and the table needs a folder", where, "Move it away, or give the stream another name with `to:`.");
        if (!Directory.Exists(path)) return null;
        if (DurableFiles.Identify(path) is { MountRoot: true })
            throw Refused(path, "is where a file system is mounted, so it can't be exchanged in one step", where, "Name a folder inside it as the target.");
        if (Directory.Exists(Path.Combine(path, "_delta_log")))
            throw Refused(path, "is a Delta Lake table", where, "Write to another folder: plain files would break it.");

        var marker = TableMarker.Read(path);
        if (marker is not null && mode != WriteMode.Overwrite && marker.Format != format)
            throw Refused(path, $"holds {Word(marker.Format)} files, and {Word(format)} is to be added", where, $"Set format: {Word(marker.Format)}, or write to another folder.");
        if (marker is null && mode == WriteMode.Overwrite && FirstForeign(path, format) is { } foreign)
            throw Refused(path, $"was not written by Millrace and holds {foreign}, which overwriting would delete", where, "Move it away, or write to another folder.");
        return marker;
    }

    /// <summary>The first file that is neither of the format nor what other tools write beside such files; null when there is none.</summary>
    private static string? FirstForeign(string path, FileFormat format)
    {
        var endings = format switch { FileFormat.Parquet => ParquetEndings, FileFormat.Csv => CsvEndings, _ => JsonEndings };
        foreach (var file in FolderTree.Files(path))
        {
            var name = Path.GetFileName(file);
            if (name is "_SUCCESS" or "_metadata" or "_common_metadata" || name.EndsWith(".crc", StringComparison.Ordinal)) continue;
            if (!Array.Exists(endings, ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase))) return Words.Quote(Path.GetRelativePath(path, file));
        }

        return null;
    }

    private static string Word(FileFormat format) => format.ToString().ToLowerInvariant();

    private static Fault Refused(string path, string message, string where, string advice) => new(FaultKind.Refused, $"{path} {message}")
    {
        Side = FaultSide.Target, Where = where, Advice = advice,
    };
}
