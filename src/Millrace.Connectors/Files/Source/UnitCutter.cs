using System.Globalization;
using System.Runtime.CompilerServices;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Connectors.Files.Source;

/// <summary>Cuts a stream's files into units: pieces of large files, groups of small ones. Lazily, in the order of the files.</summary>
internal sealed class UnitCutter(FileLayout layout, StreamJob stream, PlanRequest request, FileListing listing)
{
    // Size, time and punctuation of a file in a slice.
    private const int UnitCharactersPerFile = 130;

    private readonly long _unitBytes = UnitSize.Bytes(layout, stream, request, listing);
    private readonly long? _unitRows = layout.Format == SourceFormat.Parquet ? stream.Partition.Rows : null;
    private FileCuts? _only;

    /// <summary>What was decided.</summary>
    /// <param name="By">The strategy.</param>
    /// <param name="Why">Why.</param>
    /// <param name="Units">Units to expect.</param>
    /// <param name="Rows">Rows, where the files say.</param>
    public sealed record Strategy(PartitionBy By, string Why, long Units, long? Rows);

    /// <summary>Decides how to cut.</summary>
    /// <exception cref="Fault">The job asks for a way that files can't be cut in.</exception>
    public async Task<Strategy> DecideAsync(Probe probe, CancellationToken cancel)
    {
        var by = stream.Partition.By;
        if (by is PartitionBy.Pages or PartitionBy.Date or PartitionBy.Id or PartitionBy.Hash)
            throw SourceFaults.Job(stream.MarkOf("partition.by"), $"found '{by.ToString().ToLowerInvariant()}', which files can't be cut by", "Use auto, files, bytes, row_groups or none.");
        if (request.OneUnit) return new Strategy(PartitionBy.None, "one unit, since the target is one file", 1, null);
        if (by == PartitionBy.None) return new Strategy(PartitionBy.None, "one unit, as the job says", 1, null);
        if (listing is { IsWhole: true, First.Count: 1 }) return await DecideOneAsync(listing.First[0], probe, cancel).ConfigureAwait(false);

        var units = Groups(listing.First).Count();
        var files = listing.First.Count.ToString("N0", CultureInfo.InvariantCulture);
        if (listing.IsWhole)
            return new Strategy(PartitionBy.Files, $"{files} files in units of about {Megabytes(_unitBytes)}, large ones cut", units, null);
        return new Strategy(
            PartitionBy.Files, $"files in units of about {Megabytes(_unitBytes)}, large ones cut; only the first {files} files were listed before the run", units, null);
    }

    /// <summary>The units.</summary>
    public async IAsyncEnumerable<PlannedUnit> UnitsAsync([EnumeratorCancellation] CancellationToken cancel)
    {
        if (_only is not null)
        {
            foreach (var unit in _only.Units) yield return unit;
            yield break;
        }

        if (request.OneUnit || stream.Partition.By == PartitionBy.None)
        {
            yield return Whole(Together(cancel));
            yield break;
        }

        using var probe = new Probe();
        foreach (var group in Groups(All()))
        {
            cancel.ThrowIfCancellationRequested();
            if (group.Count > 1 || !CanCut(group[0]))
            {
                yield return Whole(group);
                continue;
            }

            var cuts = await FileCuts.OfAsync(layout, group[0], new UnitSize(_unitBytes, _unitRows), request.Workers, probe, cancel).ConfigureAwait(false);
            foreach (var unit in cuts.Units) yield return unit;
        }
    }

    private async Task<Strategy> DecideOneAsync(SourceFile file, Probe probe, CancellationToken cancel)
    {
        var bytes = Megabytes(file.Bytes);
        if (!CanCut(file))
        {
            var packing = FormatOf.PackingOf(file.Path, layout.Packing);
            var why = packing != Packing.None ? $"{packing.ToString().ToLowerInvariant()} can't be read from the middle"
                : layout.Format == SourceFormat.Json ? "a JSON array can't be read from the middle"
                : $"{bytes} need no cutting";
            long? rows = layout.Format == SourceFormat.Parquet ? await ParquetInspector.RowsAsync(probe, file.Path, cancel).ConfigureAwait(false) : null;
            return new Strategy(PartitionBy.None, $"one file, one unit: {why}", 1, rows);
        }

        _only = await FileCuts.OfAsync(layout, file, new UnitSize(_unitBytes, _unitRows), request.Workers, probe, cancel).ConfigureAwait(false);
        var by = _only.Units.Count == 1 ? PartitionBy.None : layout.Format == SourceFormat.Parquet ? PartitionBy.RowGroups : PartitionBy.Bytes;
        return new Strategy(by, _only.Why, _only.Units.Count, _only.Rows);
    }

    private bool CanCut(SourceFile file) =>
        (file.Bytes > _unitBytes || _unitRows is not null) && stream.Partition.By != PartitionBy.Files
        && layout.Format != SourceFormat.Json && (layout.Format == SourceFormat.Parquet || FormatOf.PackingOf(file.Path, layout.Packing) == Packing.None);

    private IEnumerable<List<SourceFile>> Groups(IEnumerable<SourceFile> files)
    {
        var group = new List<SourceFile>();
        long bytes = 0;
        foreach (var file in files)
        {
            var alone = file.Bytes >= _unitBytes;
            if (group.Count > 0 && (alone || bytes + file.Bytes > _unitBytes || group.Count >= Limits.FilesPerUnitMax))
            {
                yield return group;
                group = [];
                bytes = 0;
            }

            group.Add(file);
            bytes += file.Bytes;
            if (!alone) continue;
            yield return group;
            group = [];
            bytes = 0;
        }

        if (group.Count > 0) yield return group;
    }

    // Planning saw the formats of the first files only.
    private IEnumerable<SourceFile> All()
    {
        var said = FormatOf.Said(stream.Read) is not null;
        foreach (var file in listing.All())
        {
            if (!said && FormatOf.Ending(file.Name) != layout.Format)
                throw SourceFaults.Job(stream.Mark, $"found {file.Name} among {layout.Format} files", "Name a glob for each format, or say `read: {format: …}`.");
            yield return file;
        }
    }

    /// <summary>All files as one unit: they are in memory then, here and in the worker, so there is a bound.</summary>
    private List<SourceFile> Together(CancellationToken cancel)
    {
        var files = new List<SourceFile>();
        long characters = 0;
        foreach (var file in All())
        {
            cancel.ThrowIfCancellationRequested();
            files.Add(file);
            characters += file.Path.Length + UnitCharactersPerFile;
            if (characters <= Limits.UnitPathCharsMax) continue;
            throw new Fault(FaultKind.Limit, $"these are more than {(files.Count - 1).ToString("N0", CultureInfo.InvariantCulture)} files, too many for one unit")
            {
                Side = FaultSide.Source,
                Where = stream.Name,
                Advice = request.OneUnit ? "Write to a folder instead of one file: its units read some of the files each." : "Leave `partition.by: none` out.",
            };
        }

        return files;
    }

    private static PlannedUnit Whole(List<SourceFile> files)
    {
        var slice = new FileSlice([.. files.Select(file => new SliceFile(file.Path, file.Bytes, file.Ticks))]);
        var label = files.Count == 1 ? files[0].Name : $"{files.Count} files from {files[0].Name}";
        return new PlannedUnit(slice.ToJson(), label, null, files.Sum(file => file.Bytes));
    }

    private static string Megabytes(long bytes) => (bytes / (1024.0 * 1024)).ToString("0.#", CultureInfo.InvariantCulture) + " MB";
}

/// <summary>How large units are to be.</summary>
/// <param name="TargetBytes">Bytes of files.</param>
/// <param name="Rows">Rows, where the files say how many they have; null: by bytes.</param>
internal sealed record UnitSize(long TargetBytes, long? Rows)
{
    /// <summary>Bytes that a unit aims at. Rows that the job asks for become bytes by the length of a file's first rows.</summary>
    public static long Bytes(FileLayout layout, StreamJob stream, PlanRequest request, FileListing listing)
    {
        var bytes = listing.IsWhole ? request.UnitBytesFor(listing.Bytes) : request.UnitBytes;
        if (stream.Partition.Rows is not { } rows || layout.Format == SourceFormat.Parquet) return bytes;
        var file = listing.First.FirstOrDefault(file => file.Bytes > 0);
        if (file is null || FormatOf.PackingOf(file.Path, layout.Packing) != Packing.None) return bytes;
        using var head = new FileStream(file.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var buffer = new byte[Limits.CsvHeaderBytesMax];
        var got = head.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        var lines = Math.Max(1, buffer.AsSpan(0, got).Count((byte)'\n'));
        return Math.Max(1, (long)((double)got / lines * rows));
    }
}
