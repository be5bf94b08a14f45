using System.Collections.Immutable;
using System.Globalization;
using Millrace.Connectors.Files.Source.Text;
using Millrace.Connectors.Files.Splitting;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// Cuts a unit of files in two: files apart; Parquet between row groups, then between rows; text at the record start that is nearest to
/// the middle byte; text that can't be read from the middle between rows. Down to one row, or one file that only DuckDB can read.
/// </summary>
/// <param name="layout">How files are read.</param>
/// <param name="probe">Looks into files.</param>
/// <param name="isBrokenRow">Whether a record whose structure is broken is a row, since it goes to quarantine.</param>
internal sealed class SliceSplitter(FileLayout layout, Probe probe, bool isBrokenRow)
{
    /// <summary>The parts; none at the floor.</summary>
    /// <exception cref="Faults.Fault">A file is gone, has changed or is damaged.</exception>
    public async Task<ImmutableArray<PlannedUnit>> SplitAsync(Unit unit, CancellationToken cancel)
    {
        var slice = FileSlice.Parse(unit.Slice);
        foreach (var file in slice.Files) FilesUnitReader.Unchanged(file);
        if (slice.Files is not [var only]) return Halves(slice);
        if (only.Bytes == 0) return [];
        var parts = layout.Format == SourceFormat.Parquet
            ? await ParquetAsync(only, slice.Range, cancel).ConfigureAwait(false)
            : await TextAsync(only, slice.Range, cancel).ConfigureAwait(false);
        return [.. parts.Select(part => Part(only, part))];
    }

    /// <summary>Some of the files each, about half of the bytes.</summary>
    private ImmutableArray<PlannedUnit> Halves(FileSlice slice)
    {
        var all = slice.Files.Sum(static file => file.Bytes);
        var bytes = slice.Files[0].Bytes;
        var count = 1;
        while (count < slice.Files.Length - 1 && bytes + (slice.Files[count].Bytes / 2) <= all / 2) bytes += slice.Files[count++].Bytes;
        return [Some(slice.Files[..count]), Some(slice.Files[count..])];
    }

    private PlannedUnit Some(ImmutableArray<SliceFile> files)
    {
        var label = files.Length == 1 ? NameOf(files[0]) : string.Create(CultureInfo.InvariantCulture, $"{files.Length} files from {NameOf(files[0])}");
        return new PlannedUnit(new FileSlice(files).ToJson(), label, null, files.Sum(static file => file.Bytes));
    }

    private async Task<SliceRange[]> ParquetAsync(SliceFile file, SliceRange? range, CancellationToken cancel)
    {
        var groups = await ParquetInspector.RowGroupsAsync(probe, file.Path, cancel).ConfigureAwait(false);
        var (start, end) = range is null ? (0, groups.Sum(static group => group.Rows)) : (range.Start, range.End);
        if (end - start < 2) return [];
        var middle = start + ((end - start) / 2);
        var cut = middle;
        long at = 0, nearest = long.MaxValue;
        foreach (var (rows, _) in groups)
        {
            at += rows;
            if (at <= start || at >= end || Math.Abs(at - middle) >= nearest) continue;
            nearest = Math.Abs(at - middle);
            cut = at;
        }

        return [new SliceRange(start, cut, start, cut - start), new SliceRange(cut, end, cut, end - cut)];
    }

    private async Task<SliceRange[]> TextAsync(SliceFile file, SliceRange? range, CancellationToken cancel)
    {
        if (range is null or { ByRow: false } && layout.Format != SourceFormat.Json && FormatOf.PackingOf(file.Path, layout.Packing) == Packing.None)
        {
            if (await BytesAsync(file, range, cancel).ConfigureAwait(false) is { } parts) return parts;
        }

        return range is null or { ByRow: true } ? await RowsAsync(file, range, cancel).ConfigureAwait(false) : [];
    }

    /// <summary>By bytes; null where it can't be told where records begin.</summary>
    private async Task<SliceRange[]?> BytesAsync(SliceFile file, SliceRange? range, CancellationToken cancel)
    {
        var dialect = layout.Csv is null ? null : FileCuts.DialectOf(layout, layout.Csv, file.Path);
        var whole = range is null ? default : new ByteRange(range.Start, range.End, range.FirstRow, range.Rows);
        if (range is null)
        {
            var plan = dialect is null
                ? await NdjsonSplitter.SplitAsync(file.Path, layout.Encoding, file.Bytes, Threads, cancel).ConfigureAwait(false)
                : await CsvSplitter.SplitAsync(file.Path, dialect, file.Bytes, Threads, cancel).ConfigureAwait(false);
            if (plan.OneUnitReason is not null) return null;
            if (plan.Rows < 2) return [];
            whole = new ByteRange(plan.DataStart, file.Bytes, 0, plan.Rows);
        }

        using var handle = FileStamp.Open(file.Path);
        var halves = new RangeHalves(handle, file.Path, dialect is null ? static () => new NdjsonBlockScanner() : () => new CsvBlockScanner(dialect), Threads);
        var cut = await halves.CutAsync(whole, cancel).ConfigureAwait(false);
        FilesUnitReader.Unchanged(file);
        return cut is var (lower, upper) ? [RangeOf(lower), RangeOf(upper)] : [];
    }

    private static int Threads => Math.Min(Environment.ProcessorCount, 4);

    private static SliceRange RangeOf(ByteRange range) => new(range.Start, range.End, range.FirstRow, range.Rows);

    /// <summary>By rows, where this process reads them itself.</summary>
    private async Task<SliceRange[]> RowsAsync(SliceFile file, SliceRange? range, CancellationToken cancel)
    {
        var all = range ?? new SliceRange(0, long.MaxValue, 0, await Task.Run(() => TextRows.Count(layout, file, isBrokenRow, cancel), cancel).ConfigureAwait(false), ByRow: true);
        if (all.Rows < 2) return [];
        var half = all.Rows / 2;
        var cut = all.Start + half;
        return [all with { End = cut, Rows = half }, all with { Start = cut, FirstRow = cut, Rows = all.Rows - half }];
    }

    private PlannedUnit Part(SliceFile file, SliceRange range)
    {
        var name = NameOf(file);
        var isBytes = layout.Format != SourceFormat.Parquet && !range.ByRow;
        var first = range.FirstRow + 1;
        var label = range.Rows == 1
            ? string.Create(CultureInfo.InvariantCulture, $"row {first} of {name}")
            : isBytes
                ? string.Create(CultureInfo.InvariantCulture, $"bytes {range.Start}-{range.End} of {name}")
                : string.Create(CultureInfo.InvariantCulture, $"rows {first}-{first + range.Rows - 1} of {name}");
        long? bytes = isBytes ? range.End - range.Start : null;
        return new PlannedUnit(new FileSlice([file], range).ToJson(), label, range.Rows, bytes);
    }

    private string NameOf(SliceFile file) => Path.GetRelativePath(layout.Root, file.Path);
}
