using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Connectors.Files.Source;

/// <summary>Plans one stream of files. Its DuckDB lives as long as it does, so that its memory goes back before the run.</summary>
internal sealed class FilesPlanning(string root, StreamJob stream, PlanRequest request, string encoding) : IDisposable
{
    private readonly Probe _probe = new();
    private readonly Packing? _packing = FormatOf.SaidPacking(stream.Read);
    private readonly TextRules _rules = new(
        stream.Read.Decimal ?? ".", stream.Read.DateFormat, stream.Read.TimestampFormat, stream.Read.NullWords.IsDefaultOrEmpty || stream.Read.NullWords.Contains(""));

    /// <summary>Plans the files that a pattern picks.</summary>
    /// <exception cref="Fault">No file is there, one can't be read, or the job asks for what they do not have.</exception>
    public async Task<StreamPlan> PlanAsync(string pattern, CancellationToken cancel)
    {
        var finder = new FileFinder(root, pattern);
        var listing = FileListing.Begin(finder);
        if (listing.First.Count == 0) throw finder.Nothing();

        var sample = Sample(listing.First);
        var format = FormatAll(listing.First);
        var (layout, columns, remarks) = await InspectAsync(sample, listing.First, format, cancel).ConfigureAwait(false);
        await WhereCheck.AssertAsync(stream, layout, cancel).ConfigureAwait(false);
        var cutter = new UnitCutter(layout, stream, request, listing);
        var strategy = await cutter.DecideAsync(_probe, cancel).ConfigureAwait(false);
        return new StreamPlan
        {
            Stream = stream,
            Columns = columns,
            EstimatedRows = strategy.Rows,
            EstimatedBytes = listing.IsWhole ? listing.Bytes : null,
            Strategy = strategy.By,
            Why = strategy.Why,
            EstimatedUnits = strategy.Units,
            Remarks = remarks,
            ReaderJson = layout.ToJson(),
            Units = cutter.UnitsAsync,
        };
    }

    /// <summary>Columns and rows of one file, for <c>discover</c>.</summary>
    public async Task<(ImmutableArray<Column> Columns, long? Rows)> DescribeAsync(SourceFile file, CancellationToken cancel)
    {
        var format = FormatAll([file]);
        var (_, columns, _) = await InspectAsync([file], [file], format, cancel).ConfigureAwait(false);
        return (columns, format == SourceFormat.Parquet ? await ParquetInspector.RowsAsync(_probe, file.Path, cancel).ConfigureAwait(false) : null);
    }

    /// <summary>How long looking at the first rows may take.</summary>
    public TimeSpan SampleTimeMax { get; init; } = TimeSpan.FromSeconds(Limits.SampleSecondsMax);

    /// <inheritdoc/>
    public void Dispose() => _probe.Dispose();

    private async Task<(FileLayout Layout, ImmutableArray<Column> Columns, ImmutableArray<string> Remarks)> InspectAsync(
        IReadOnlyList<SourceFile> sample, IReadOnlyList<SourceFile> listed, SourceFormat format, CancellationToken cancel)
    {
        if (format != SourceFormat.Parquet && sample.Any(file => FormatOf.PackingOf(file.Path, _packing) == Packing.Zstd)
            && (stream.Read.Comment is { Length: > 0 } || !(encoding is "utf-8" || (format == SourceFormat.Csv && encoding is "iso-8859-1" or "utf-16"))))
            throw SourceFaults.Job(stream.MarkOf("read"), "zstd files can't be read with this encoding, or with comments", "Pack them with gzip, or not at all.");
        AssertReadable(sample);
        Inspected inspected;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(SampleTimeMax);
        try
        {
            inspected = format switch
            {
                SourceFormat.Csv => await new CsvInspector(_probe, stream, encoding, _packing).InspectAsync(sample, _rules, limit.Token).ConfigureAwait(false),
                SourceFormat.Parquet => await new ParquetInspector(_probe).InspectAsync(sample, limit.Token).ConfigureAwait(false),
                _ => await new JsonInspector(_probe, encoding, _packing, format).InspectAsync(sample, _rules, limit.Token).ConfigureAwait(false),
            };
        }
        catch (DuckDbException error)
        {
            throw SourceFaults.Data(sample[0].Path, error.Message.Split('\n')[0], inner: error);
        }
        catch (OperationCanceledException error) when (!cancel.IsCancellationRequested)
        {
            throw SourceFaults.Data(
                sample[0].Path, $"its first rows were not found within {SampleTimeMax.TotalSeconds:0.#} s",
                "A packed file of few bytes can expand without end: look into it before you read it. Where the disk is that slow, unpack it on a faster one.", error);
        }

        var builder = new LayoutBuilder(stream, request.Target, format, _rules);
        var (layout, columns) = builder.Build(inspected, listed, root, encoding, _packing);
        if (columns.IsEmpty)
            throw SourceFaults.Data(sample[0].Path, "has no column", "An empty file has none: check that it is complete, or say `types` for its columns.");
        return (layout, columns, [.. inspected.Remarks, .. builder.Remarks]);
    }

    /// <summary>Each reader would say it in its own words, and some would blame the content.</summary>
    private static void AssertReadable(IReadOnlyList<SourceFile> sample)
    {
        foreach (var file in sample)
        {
            try
            {
                using var handle = File.OpenHandle(file.Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                throw SourceFaults.From(file.Path, error);
            }
        }
    }

    // The first files and the last of those that were listed: later ones differ more often than neighbours do.
    private static List<SourceFile> Sample(IReadOnlyList<SourceFile> files)
    {
        var some = files.Where(file => file.Bytes > 0).ToList();
        if (some.Count == 0) return [files[0]];
        if (some.Count <= Limits.SampleFilesMax) return some;
        return [.. Enumerable.Range(0, Limits.SampleFilesMax).Select(i => some[(int)((long)i * (some.Count - 1) / (Limits.SampleFilesMax - 1))])];
    }

    private SourceFormat FormatAll(IReadOnlyList<SourceFile> files)
    {
        if (FormatOf.Said(stream.Read) is { } said) return said;
        SourceFormat? format = null;
        string? first = null;
        foreach (var file in files)
        {
            var ending = FormatOf.Ending(file.Path)
                ?? throw SourceFaults.Job(stream.Mark, $"the ending of {file.Name} says no format that is known", "Say it: `read: {format: csv}`, or ndjson, json, parquet.");
            if (format is not null && ending != format)
                throw SourceFaults.Job(stream.Mark, $"found files of two formats: {first} and {file.Name}", "Name a glob for each format, or say `read: {format: …}`.");
            format = ending;
            first ??= file.Name;
        }

        return format!.Value;
    }
}
