using System.Collections.Immutable;
using Millrace.Commit;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Load;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Connectors.Files.Target;

/// <summary>The coordinator's half: checks the place, stages, publishes, discards.</summary>
internal sealed class FileTarget : ITarget
{
    private readonly FileTargetAddress _address;
    private readonly TargetContext _context;
    private readonly Func<Stream> _standardOutput;
    private readonly StagingPlace _place;
    private readonly Dictionary<string, string> _streams = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>A target; no I/O yet.</summary>
    public FileTarget(FileTargetAddress address, TargetContext context, Func<Stream> standardOutput)
    {
        _address = address;
        _context = context;
        _standardOutput = standardOutput;
        _place = StagingPlace.Of(address);
    }

    /// <inheritdoc/>
    public string Place => _address.Place;

    /// <inheritdoc/>
    public TargetTraits Traits => FileFormatTraits.Of(_context.Format);

    /// <inheritdoc/>
    public bool OneFile => _address.Kind != FileTargetKind.Folder;

    /// <inheritdoc/>
    public bool WritesFiles => true;

    /// <summary>A line of NDJSON can be as long as it likes; where rows are counted, sized or put into folders, it must be there as a whole.</summary>
    public bool TakesElements(StreamJob stream) => _context.Format == FileFormat.Ndjson && stream.Mode != WriteMode.Incremental
        && stream.Write is { PartitionBy.IsEmpty: true, ClusterBy.IsEmpty: true, MaxRowsPerFile: null, MaxFileBytes: null };

    /// <summary>Told the name of each step of a commit after it is done; tests throw from it.</summary>
    internal Action<string> Step { get; set; } = static _ => { };

    /// <summary>Whether two folders can be exchanged in one step; tests say no.</summary>
    internal bool CanExchange { get; set; } = true;

    private string Where => _address.Mark.ToString();

    /// <inheritdoc/>
    public ValueTask<string> CheckAsync(CancellationToken cancel)
    {
        try
        {
            AssertPlace();
            var above = _place.Home;
            while (!Directory.Exists(above)) above = Path.GetDirectoryName(above)!;
            Probe(above);
            if (_address.Kind == FileTargetKind.Folder && Directory.Exists(_address.Path)) Probe(_address.Path);
            var kind = _address.Kind switch
            {
                FileTargetKind.StandardOutput => "standard output, staged in",
                FileTargetKind.File => "file",
                _ => "folder",
            };
            return ValueTask.FromResult($"{kind} {_address.Path}, {ByteSize.Format(DurableFiles.FreeBytes(above))} free");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw FileFaults.From(error, _address.Path, FaultSide.Target, Where);
        }
    }

    /// <inheritdoc/>
    public string? IdentityOf(string to) => _address.Kind switch
    {
        FileTargetKind.StandardOutput => null,
        FileTargetKind.File => _address.Path,
        _ => Live(to),
    };

    /// <inheritdoc/>
    public ValueTask<PublishedTable?> FindAsync(string to, CancellationToken cancel)
    {
        try
        {
            // A file has no room for a note beside its rows: the run directories remember its columns.
            PublishedTable? table = _address.Kind == FileTargetKind.File && File.Exists(_address.Path) ? new PublishedTable(_address.Path) : null;
            if (_address.Kind == FileTargetKind.Folder && TableMarker.Read(Live(to)) is { Columns: { } columns, Commits: [.., var last] })
                table = new PublishedTable(Live(to), columns, last.Run);
            return ValueTask.FromResult(table);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw FileFaults.From(error, _address.Path, FaultSide.Target, Where);
        }
    }

    /// <inheritdoc/>
    public bool PartsAtCursor => true;

    /// <inheritdoc/>
    public ValueTask<CursorWindow> WindowAsync(StreamJob stream, CancellationToken cancel)
    {
        WriteSettings.Refuse(stream, _address, _context.Format);
        try
        {
            var live = Live(stream.TargetName);
            return ValueTask.FromResult(TableWindow.Of(TableMarker.Read(live), live, stream.Name, stream.Rename.GetValueOrDefault(stream.Cursor!, stream.Cursor!), stream.MarkOf("mode").ToString()));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw FileFaults.From(error, _address.Path, FaultSide.Target, Where);
        }
    }

    /// <inheritdoc/>
    public ValueTask<ImmutableArray<string>> ForeseeAsync(StreamPlan plan, CancellationToken cancel)
    {
        var settings = WriteSettings.Of(plan, _address, _context.Format);
        ColumnRules.Check(plan, _context.Format);
        if (settings.Parting is not { } parting) return ValueTask.FromResult<ImmutableArray<string>>([]);
        var next = parting.From is null ? "it has no row yet" : $"rows at {parting.Column} = {parting.From} or after go to files of their own, which the next load replaces";
        return ValueTask.FromResult<ImmutableArray<string>>([plan.Window?.From is { } from ? $"the files with rows at {parting.Column} = {from} or after are replaced; {next}" : next]);
    }

    /// <inheritdoc/>
    public ValueTask<string> StageAsync(StagingRequest request, CancellationToken cancel)
    {
        var stream = request.Plan.Stream;
        if (request.To.Length == 0)
            throw new Fault(FaultKind.JobFile, "found an empty name, expected the table's name in the target") { Side = FaultSide.Job, Where = stream.MarkOf("to").ToString() };
        AssertOnlyStream(request);
        var settings = WriteSettings.Of(request.Plan, _address, _context.Format);
        ColumnRules.Check(request.Plan, _context.Format);
        try
        {
            AssertPlace();
            if (_address.Kind == FileTargetKind.Folder) LiveTable.Check(Live(request.To), stream.Mode, _context.Format, stream.MarkOf("to").ToString());
            var staging = _place.Stream(request.Run, request.To);
            if (request.Fresh) Remove(staging, request.To);
            DurableFiles.CreateFolder(Path.Combine(staging, StagingPlace.Units));
            AssertSameFileSystem();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw FileFaults.From(error, _place.Home, FaultSide.Target, Where);
        }

        return ValueTask.FromResult(settings.ToJson());
    }

    /// <inheritdoc/>
    public async ValueTask<CommitReceipt> CommitAsync(StreamHeader header, CommitRequest request, CancellationToken cancel)
    {
        try
        {
            if (_address.Kind != FileTargetKind.Folder)
                return await new OneFileCommit(_place, _address, header, request) { StandardOutput = _standardOutput, Step = Step }.RunAsync(cancel).ConfigureAwait(false);
            var commit = new FolderCommit(_place, Live(header.To), _context.Format, Where, header, request) { Clock = _context.Clock, Step = Step, CanExchange = CanExchange };
            var receipt = await commit.RunAsync(cancel).ConfigureAwait(false);
            return receipt with { Place = Path.Combine(_address.Place, FolderName.Of(header.To)) };
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw FileFaults.From(error, _address.Path, FaultSide.Target, Where);
        }
    }

    /// <inheritdoc/>
    public ValueTask DiscardAsync(string run, CancellationToken cancel)
    {
        try
        {
            var folder = _place.Run(run);
            if (Directory.Exists(folder))
            {
                foreach (var staging in Directory.EnumerateDirectories(folder)) FolderCommit.Restore(staging, Path.Combine(_address.Path, Path.GetFileName(staging)));
                FolderTree.Remove(folder);
            }

            RemoveIdleLocks();
            FolderTree.RemoveIfEmpty(_place.Home);
            return ValueTask.CompletedTask;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw FileFaults.From(error, _place.Home, FaultSide.Target, Where);
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private string Live(string to) => Path.Combine(_address.Path, FolderName.Of(to));

    private void Remove(string staging, string to)
    {
        if (_address.Kind == FileTargetKind.Folder) FolderCommit.Restore(staging, Live(to));
        FolderTree.Remove(staging);
    }

    /// <summary>Locks that a killed commit left behind; one that is held stays.</summary>
    private void RemoveIdleLocks()
    {
        if (!Directory.Exists(_place.Home)) return;
        foreach (var path in Directory.EnumerateFiles(_place.Home, StagingPlace.LockPrefix + "*"))
        {
            if (path.EndsWith(".holder", StringComparison.Ordinal)) continue;
            using var held = FileLock.TryAcquire(path, "a clean-up");
            held?.RemoveFiles();
        }
    }

    private void AssertOnlyStream(StagingRequest request)
    {
        var name = request.Plan.Stream.Name;
        var key = OneFile ? "" : FolderName.Of(request.To);
        if (_streams.TryAdd(key, name) || _streams[key] == name) return;
        throw new Fault(FaultKind.JobFile, $"the streams {Words.Quote(_streams[key])} and {Words.Quote(name)} both go to {(OneFile ? _address.Place : Words.Quote(request.To))}")
        {
            Side = FaultSide.Job,
            Where = request.Plan.Stream.MarkOf("to").ToString(),
            Advice = OneFile ? "Name a folder as the target: each stream gets its own below it." : "Give one of them another name with `to:`.",
        };
    }

    private void AssertPlace()
    {
        if (_address.Kind != FileTargetKind.Folder) return;
        if (File.Exists(_address.Path)) throw Refused("is a file, expected a folder", "Name a folder, or a file with an ending such as .parquet.");
        if (DurableFiles.Identify(_address.Path) is { MountRoot: true })
            throw Refused("is where a file system is mounted: what is staged must lie beside it, on the same file system", $"Name a folder inside it, such as {Path.Combine(_address.Place, "lake")}.");
    }

    private void AssertSameFileSystem()
    {
        if (_address.Kind != FileTargetKind.Folder || DurableFiles.Identify(_address.Path) is not { } root) return;
        if (DurableFiles.Identify(_place.Home) is { } home && home.Device != root.Device)
            throw Refused("is on another file system than the folder above it", "Name a folder inside it as the target.");
    }

    /// <summary>Always the same name, so that the next run removes what a killed one has left; two at once do each other no harm.</summary>
    private static void Probe(string folder)
    {
        var path = Path.Combine(folder, ".millrace-probe");
        using (File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete)) { }
        File.Delete(path);
    }

    private Fault Refused(string message, string advice) => new(FaultKind.Refused, $"{_address.Path} {message}") { Side = FaultSide.Target, Where = Where, Advice = advice };
}
