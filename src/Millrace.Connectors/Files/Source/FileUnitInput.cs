using Millrace.Connectors.Files.Source.Text;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Faults;

namespace Millrace.Connectors.Files.Source;

/// <summary>One open unit of files.</summary>
internal sealed class FileUnitInput(FilesUnitReader reader, FileLayout layout, FileSlice slice, UnitOpening opening, string select, string? rejectColumn, CsvBuffer buffer)
    : IUnitInput
{
    private volatile bool _complete;

    /// <inheritdoc/>
    public string Select => select;

    /// <inheritdoc/>
    public string? RejectColumn => rejectColumn;

    /// <inheritdoc/>
    public long RowsRead => -1;

    /// <inheritdoc/>
    public long BytesRead
    {
        get
        {
            // What DuckDB reads by itself is known only at the end.
            if (_complete) return slice.Bytes is { } range && layout.Format != SourceFormat.Parquet ? range.End - range.Start : slice.Files.Sum(file => file.Bytes);
            var bytes = opening.Table?.Table.Bytes ?? 0;
            foreach (var pipe in opening.Pipes) bytes += pipe.Bytes;
            return bytes;
        }
    }

    /// <inheritdoc/>
    public void Cancel()
    {
        foreach (var pipe in opening.Pipes) pipe.Stop();
        opening.Table?.Table.Stop();
    }

    /// <inheritdoc/>
    public bool IsRead(long rowsPassed) => layout.Where is not null || opening.Rows < 0 || opening.Rows == rowsPassed;

    /// <inheritdoc/>
    public async ValueTask CompleteAsync(long rowsPassed, CancellationToken cancel)
    {
        foreach (var pipe in opening.Pipes) await pipe.CompleteAsync(cancel).ConfigureAwait(false);
        foreach (var file in slice.Files)
        {
            FilesUnitReader.Unchanged(file);
            AssertWhole(file);
        }

        if (!IsRead(rowsPassed))
        {
            throw SourceFaults.Data(
                slice.Files[0].Path, $"{rowsPassed} rows were read where there are {opening.Rows}",
                "Nothing of this unit was kept. If nobody wrote to the file, please report it.");
        }

        _complete = true;
    }

    // The unit is tried again with buffers for its longest record, where that is the reason.
    private Fault? LongRecord(DuckDbException error)
    {
        foreach (var file in slice.Files)
        {
            var longest = LongestRecord.Of(layout, file, slice.Bytes, buffer);
            if (longest <= buffer.LineBytes) continue;
            if (longest > Limits.TextLineBytesMax)
                return SourceFaults.Data(file.Path, $"a record is longer than {Limits.TextLineBytesMax} bytes", "Check `read.quote`: a quote that does not end makes one record of many.", error);
            reader.EnlargeBuffers(slice, longest);
            return new Fault(FaultKind.Data, $"a record has {longest} bytes: larger buffers are taken", error) { Side = FaultSide.Source, Where = file.Path, Retryable = true };
        }

        return null;
    }

    // What DuckDB itself has unpacked may have been cut off: it would not say so.
    private void AssertWhole(SliceFile file)
    {
        if (layout.Format == SourceFormat.Parquet) return;
        var packing = FormatOf.PackingOf(file.Path, layout.Packing);
        if (packing == Packing.Zstd) ZstdFrames.Check(file.Path);
    }

    /// <inheritdoc/>
    public Fault? Explain(DuckDbException error)
    {
        // Where a pipe ended too early, what DuckDB made of the rest is no news.
        foreach (var pipe in opening.Pipes)
        {
            if (pipe.Failure is { } fault) return fault;
        }

        foreach (var file in slice.Files)
        {
            try
            {
                FilesUnitReader.Unchanged(file);
            }
            catch (Fault fault)
            {
                return fault;
            }
        }

        if (error.InnerException is Fault reading) return reading;
        if (error.InnerException is UnusualText unusual)
        {
            // DuckDB's reader can't begin at a row.
            if (slice.Range is { ByRow: true }) return SourceFaults.Data(slice.Files[0].Path, $"the text has {unusual.Message}", inner: error);
            reader.ReadSlowly(slice);
            return new Fault(FaultKind.Data, $"the text has {unusual.Message}: DuckDB's reader takes over", error)
            {
                Side = FaultSide.Source, Where = slice.Files[0].Path, Retryable = true,
            };
        }

        if (layout.Format != SourceFormat.Parquet && ReadErrors.CanBeLongRecord(error.Message) && LongRecord(error) is { } longRecord) return longRecord;
        return new ReadErrors(layout, slice, buffer).Explain(error);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => opening.CloseAsync();
}
