namespace Millrace.Connectors.Files.Source.Text;

/// <summary>Counts the rows of a text file that can't be read from the middle.</summary>
internal static class TextRows
{
    private const int RowsPerLook = 10_000;

    /// <summary>The rows, by reading them all; -1 when only DuckDB can read the file.</summary>
    /// <param name="layout">How files are read.</param>
    /// <param name="file">The file.</param>
    /// <param name="isBrokenRow">Whether a record whose structure is broken is a row, since it goes to quarantine.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="Faults.Fault">The file can't be read.</exception>
    public static long Count(FileLayout layout, SliceFile file, bool isBrokenRow, CancellationToken cancel)
    {
        var names = layout.Columns.Where(static column => column.Origin == ColumnOrigin.Content).ToList();
        var packing = FormatOf.PackingOf(file.Path, layout.Packing);
        if (packing == Packing.Zstd || (layout.Csv is not null && !CsvRecords.Takes(layout.Csv, names.Count))) return -1;
        using var text = new TextBuffer();
        try
        {
            var whole = new TextFile(file.Path, () => TextStreams.Open(file.Path, packing, layout.Encoding, layout.Csv, layout.Format), FromStart: true, FieldsOf(layout, file, packing));
            var broken = isBrokenRow ? new BrokenRecords() : null;
            IRecordReader records = layout.Csv is null
                ? new NdjsonRecords(text, [.. names.Select(static column => (column.Name, IsJson: false))], broken)
                : new CsvRecords(text, layout.Csv, names.Count, broken);
            text.Open(whole);
            records.Begin(whole);
            var none = new TextColumn[names.Count];
            long rows = 0;
            while (records.Next(none, 0))
            {
                if (++rows % RowsPerLook == 0) cancel.ThrowIfCancellationRequested();
            }

            return rows;
        }
        catch (UnusualText)
        {
            return -1;
        }
    }

    /// <summary>CSV: as many columns as the file has; which they are does not matter to a count.</summary>
    private static int[] FieldsOf(FileLayout layout, SliceFile file, Packing packing)
    {
        if (layout.Csv is not { Header: true } dialect) return [.. Enumerable.Range(0, layout.Columns.Count(static column => column.Origin == ColumnOrigin.Content))];
        using var head = TextStreams.Open(file.Path, packing, layout.Encoding, dialect, layout.Format);
        return new int[CsvHeader.Read(head, dialect, file.Path).Length];
    }
}
