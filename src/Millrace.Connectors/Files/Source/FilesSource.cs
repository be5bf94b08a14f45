using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using Millrace.Connectors.Files.Target;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Connectors.Files.Source;

/// <summary>The coordinator's half of the files source: finds the files, looks into some of them, cuts them into units.</summary>
internal sealed class FilesSource : ISource
{
    private readonly SourceContext _context;
    private readonly SourceLocation _location;
    private StandardInput? _input;

    /// <summary>Understands the address.</summary>
    /// <exception cref="Fault">It is no address of files.</exception>
    public FilesSource(SourceContext context)
    {
        _context = context;
        _location = SourceLocation.Parse(context.Address, context.BaseDirectory, context.Mark);
    }

    /// <inheritdoc/>
    public string Place => _location.IsStandardInput ? "standard input" : _location.Text;

    /// <inheritdoc/>
    public ValueTask<string> CheckAsync(CancellationToken cancel)
    {
        if (_location.IsStandardInput) return ValueTask.FromResult("standard input");
        if (!Directory.Exists(_location.Root)) throw NotThere(_location.Root);
        try
        {
            var first = new FileFinder(_location.Root, _location.Pattern ?? "**").Find(Limits.FolderNamesBytesFirst).FirstOrDefault();
            return ValueTask.FromResult(first is null ? $"folder {_location.Text}, no file found" : $"files, the first is {first.Name}");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw SourceFaults.From(_location.Root, error);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<Discovered> DiscoverAsync(string pattern, [EnumeratorCancellation] CancellationToken cancel)
    {
        if (_location.IsStandardInput) yield break;
        if (!Directory.Exists(_location.Root)) throw NotThere(_location.Root);
        var names = pattern.Length == 0 ? _location.Pattern ?? "**" : _location.Pattern ?? pattern;
        foreach (var file in new FileFinder(_location.Root, names).Find())
        {
            cancel.ThrowIfCancellationRequested();
            if (FormatOf.Ending(file.Name) is not { } format) continue;
            yield return await DescribeAsync(file, format, cancel).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<StreamJob>> ExpandAsync(ImmutableArray<StreamJob> streams, CancellationToken cancel) =>
        // A glob is one stream of many files, so there is nothing to expand.
        ValueTask.FromResult(_location.IsStandardInput || streams.Length < 2 ? streams : [.. streams.OrderByDescending(stream => BytesOf(stream, cancel))]);

    /// <inheritdoc/>
    public ValueTask HoldAsync(ImmutableArray<StreamJob> streams, CancellationToken cancel)
    {
        // Never in the system's temporary folder: what lies there can be anybody's.
        if (_context.ScratchFolder is { } scratch) StandardInput.Sweep(scratch);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public async ValueTask<StreamPlan> PlanAsync(StreamJob stream, PlanRequest request, CancellationToken cancel)
    {
        if (stream.OnReject == OnReject.Quarantine && stream.Where?.Contains("columns(", StringComparison.OrdinalIgnoreCase) == true)
            throw SourceFaults.Job(stream.MarkOf("where"), "found COLUMNS( in a stream with a quarantine, which has columns beside the files' own", "Name the columns.");
        if (stream.Query is not null) throw SourceFaults.Job(stream.MarkOf("query"), "found a query, which files can't answer", "Use `where` and `columns`.");
        var encoding = TextStreams.Known(stream.Read.Encoding)
            ?? throw SourceFaults.Job(stream.MarkOf("read.encoding"), $"found '{stream.Read.Encoding}', which is no encoding that is known", "Use an IANA name such as utf-8, utf-16, iso-8859-1, windows-1252.");
        long spooled = 0;
        if (_location.IsStandardInput && _input is null)
        {
            _input = await StandardInput.SpoolAsync(_context, stream, cancel).ConfigureAwait(false);
            spooled = _input.Bytes;
        }

        try
        {
            using var planning = new FilesPlanning(Root, stream, request, encoding);
            var plan = await planning.PlanAsync(Pattern(stream), cancel).ConfigureAwait(false);
            return plan with { SpooledBytes = spooled };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw SourceFaults.From(Root, error);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<CursorEnd?> EndAsync(StreamJob stream, CursorWindow window, CancellationToken cancel)
    {
        // What CSV can hold is what any target can: its rules refuse no cursor.
        var request = new PlanRequest { Target = FileFormatTraits.Of(FileFormat.Csv), Workers = 1 };
        var plan = await PlanAsync(stream, request, cancel).ConfigureAwait(false);
        try
        {
            await using var search = new CursorSearch(plan);
            return await search.FindAsync(plan.Units(cancel), window, cancel).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw SourceFaults.From(Root, error);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<ImmutableArray<PlannedUnit>> SplitAsync(StreamHeader header, Unit unit, CancellationToken cancel)
    {
        using var probe = new Probe();
        try
        {
            return await new SliceSplitter(FileLayout.Parse(header.ReaderJson), probe, header.RejectColumn is not null).SplitAsync(unit, cancel).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw SourceFaults.From(Place, error);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _input?.Dispose();
        return ValueTask.CompletedTask;
    }

    // By the first files of a huge folder; whoever can't be looked at says so when it is planned.
    private long BytesOf(StreamJob stream, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        try
        {
            return FileListing.Begin(new FileFinder(_location.Root, _location.PatternOf(stream))).Bytes;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or Fault)
        {
            return 0;
        }
    }

    private string Root => _input?.Folder ?? _location.Root;

    private string Pattern(StreamJob stream) => _input?.Name ?? _location.PatternOf(stream);

    private async Task<Discovered> DescribeAsync(SourceFile file, SourceFormat format, CancellationToken cancel)
    {
        var stream = new StreamJob { Name = file.Name, Mark = _context.Mark };
        var request = new PlanRequest { Target = FileFormatTraits.Of(FileFormat.Parquet), Workers = 1 };
        using var planning = new FilesPlanning(_location.Root, stream, request, "utf-8");
        var found = new Discovered { Name = file.Name, Kind = format + " file", EstimatedBytes = file.Bytes };
        try
        {
            var plan = await planning.DescribeAsync(file, cancel).ConfigureAwait(false);
            return found with { Columns = plan.Columns, EstimatedRows = plan.Rows };
        }
        catch (Fault)
        {
            // A file that can't be understood is still there; planning it says why.
            return found with { Kind = format + " file that can't be read" };
        }
    }

    private static Fault NotThere(string path) =>
        SourceFaults.Refused(path, "there is no such folder", "Relative paths start at the current directory.");
}
