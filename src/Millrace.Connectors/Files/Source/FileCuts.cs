using System.Globalization;
using System.Text;
using Millrace.Connectors.Files.Splitting;
using Millrace.Planning;

namespace Millrace.Connectors.Files.Source;

/// <summary>The units of one large file.</summary>
/// <param name="Units">The units in file order.</param>
/// <param name="Why">Why these.</param>
/// <param name="Rows">Rows in the file; null when unknown.</param>
internal sealed record FileCuts(List<PlannedUnit> Units, string Why, long? Rows)
{
    /// <summary>Cuts a file.</summary>
    /// <exception cref="Faults.Fault">The file is damaged, or changed while it was looked at.</exception>
    public static async Task<FileCuts> OfAsync(FileLayout layout, SourceFile file, UnitSize size, int threads, Probe probe, CancellationToken cancel) =>
        layout.Format == SourceFormat.Parquet
            ? await RowGroupsAsync(file, size, probe, cancel).ConfigureAwait(false)
            : await BytesAsync(layout, file, size.TargetBytes, threads, cancel).ConfigureAwait(false);

    /// <summary>What the splitter must know of a file's dialect.</summary>
    internal static CsvSplitDialect DialectOf(FileLayout layout, CsvDialect dialect, string path)
    {
        var encoding = TextStreams.EncodingOf(layout.Encoding);
        using var text = TextStreams.Open(path, Packing.None, layout.Encoding, dialect, layout.Format);
        return new CsvSplitDialect
        {
            Delimiter = encoding.GetBytes(dialect.Delimiter),
            Quote = Byte(dialect.Quote),
            Escape = Byte(dialect.Escape),
            Comment = Byte(dialect.Comment),
            Header = dialect.Header,
            SkipLines = dialect.Skip,
            SingleColumn = dialect.Header
                ? CsvHeader.Read(text, dialect, path).Length == 1
                : layout.Columns.Count(column => column.Origin == ColumnOrigin.Content) == 1,
            Encoding = layout.Encoding,
        };

        byte? Byte(string character) => character.Length == 0 ? null : encoding.GetBytes(character)[0];
    }

    private static async Task<FileCuts> RowGroupsAsync(SourceFile file, UnitSize size, Probe probe, CancellationToken cancel)
    {
        var groups = await ParquetInspector.RowGroupsAsync(probe, file.Path, cancel).ConfigureAwait(false);
        var units = new List<PlannedUnit>();
        long rows = 0, start = 0, bytes = 0;
        var firstGroup = 0;
        for (var i = 0; i < groups.Count; i++)
        {
            rows += groups[i].Rows;
            bytes += groups[i].Bytes;
            var more = i < groups.Count - 1
                && (size.Rows is { } target ? rows - start + (groups[i + 1].Rows / 2) < target : bytes + (groups[i + 1].Bytes / 2) < size.TargetBytes);
            if (more) continue;
            if (rows > start) units.Add(Unit(file, new SliceRange(start, rows, start, rows - start), $"row groups {firstGroup}-{i}", bytes));
            start = rows;
            bytes = 0;
            firstGroup = i + 1;
        }

        if (units.Count == 0) units.Add(Unit(file, null, "no rows", file.Bytes));
        var why = units.Count == 1
            ? $"one file of {Number(groups.Count)} row groups, one unit"
            : $"{Number(groups.Count)} row groups of one file in {Number(units.Count)} units";
        return new FileCuts(units, why, rows);
    }

    private static async Task<FileCuts> BytesAsync(FileLayout layout, SourceFile file, long unitBytes, int threads, CancellationToken cancel)
    {
        var plan = layout.Csv is null
            ? await NdjsonSplitter.SplitAsync(file.Path, layout.Encoding, unitBytes, threads, cancel).ConfigureAwait(false)
            : await CsvSplitter.SplitAsync(file.Path, DialectOf(layout, layout.Csv, file.Path), unitBytes, threads, cancel).ConfigureAwait(false);
        FilesUnitReader.Unchanged(new SliceFile(file.Path, file.Bytes, file.Ticks));
        long? rows = plan.Rows < 0 ? null : plan.Rows;
        if (plan.OneUnitReason is { } reason) return new FileCuts([Unit(file, null, "whole", file.Bytes)], $"one file, one unit: {reason}", rows);
        if (plan.Ranges.Count <= 1) return new FileCuts([Unit(file, null, "whole", file.Bytes)], "one file, one unit: it is small", rows);
        var units = plan.Ranges
            .Select(range => Unit(file, new SliceRange(range.Start, range.End, range.FirstRow, range.Rows), $"bytes {range.Start}-{range.End}", range.Bytes))
            .ToList();
        return new FileCuts(units, $"{Number(units.Count)} byte ranges of one file, cut at record starts by a pass over all of it", rows);
    }

    private static string Number(long value) => value.ToString("N0", CultureInfo.InvariantCulture);

    private static PlannedUnit Unit(SourceFile file, SliceRange? range, string what, long bytes) => new(
        new FileSlice([new SliceFile(file.Path, file.Bytes, file.Ticks)], range).ToJson(),
        $"{file.Name} {what}",
        range is { Rows: >= 0 } ? range.Rows : null,
        bytes);
}
