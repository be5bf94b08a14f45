using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Load;
using Millrace.Runs;

namespace Millrace.Connectors.Files.Target;

/// <summary>A stream's published files, read again: each unit's are known by the names that its result has.</summary>
internal sealed class PublishedFiles : IPublishedReader
{
    private readonly FileTargetAddress _address;
    private readonly StreamHeader _header;
    private readonly WriteMode _mode;
    private readonly WriteSettings _settings;
    private readonly TableRegistry _tables = new("millrace_written");
    private readonly string _live;

    /// <summary>A reader; no I/O yet.</summary>
    public PublishedFiles(FileTargetAddress address, StreamHeader header, WriteMode mode)
    {
        if (address.Kind == FileTargetKind.StandardOutput)
            throw Refused("what was written to standard output can't be read again", "Write to a file or a folder where a run shall be verified.", address.Mark.ToString());
        _address = address;
        _header = header;
        _mode = mode;
        _settings = WriteSettings.FromJson(header.WriterJson);
        _live = IsFolder ? Path.Combine(address.Path, FolderName.Of(header.To)) : address.Path;
        Columns = WrittenFiles.Columns(_settings, header.Columns);
    }

    /// <inheritdoc/>
    public ImmutableArray<string> Columns { get; }

    /// <inheritdoc/>
    public string Place => IsFolder ? Path.Combine(_address.Place, FolderName.Of(_header.To)) : _address.Place;

    /// <inheritdoc/>
    public IReadOnlyList<string> ReadablePaths => [IsFolder ? _live : Path.GetDirectoryName(_live)!, "/dev/fd"];

    private bool IsFolder => _address.Kind == FileTargetKind.Folder;

    /// <inheritdoc/>
    public string NameOf(UnitResult result) => (IsFolder, result.Files) switch
    {
        (false, _) => Place,
        (_, []) => string.Create(CultureInfo.InvariantCulture, $"unit {result.Number}"),
        (_, [var only]) => only.PublishAs,
        (_, var files) => string.Create(CultureInfo.InvariantCulture, $"{files[0].PublishAs} and {files.Length - 1} more"),
    };

    /// <inheritdoc/>
    public void Attach(DuckDbConnection connection) => _tables.Attach(connection);

    /// <inheritdoc/>
    public ValueTask CheckAsync(CancellationToken cancel)
    {
        try
        {
            if (!(IsFolder ? Directory.Exists(_live) : File.Exists(_live)))
                throw Refused($"{_live} is gone: somebody has moved or removed it after the run", "Run the job again to write it anew.");
            if (IsFolder && TableMarker.Read(_live) is { } marker && ReplacedBy(marker) is { } later)
                throw Refused($"{(later.Mode == WriteMode.Overwrite ? _live : $"the end of {_live}")} was replaced by run {later.Run} at {later.At:u}", $"What is there now is that run's: `millrace verify {later.Run}`.");
            return ValueTask.CompletedTask;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw FileFaults.From(error, _live, FaultSide.Target);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IWrittenRows?> OpenAsync(UnitResult result, CancellationToken cancel)
    {
        var paths = new List<string>();
        foreach (var file in result.Files)
        {
            var path = IsFolder ? Inside(file.PublishAs) : _live;
            if (File.Exists(path)) paths.Add(path);
            else if (result.RowsWritten > 0) throw new Fault(FaultKind.Data, "is missing") { Side = FaultSide.Target, Where = file.PublishAs };
        }

        if (paths.Count == 0) return null;
        try
        {
            return await WrittenFiles.OpenAsync(_settings, _header.Columns, paths, _tables, cancel).ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw FileFaults.From(error, paths[0], FaultSide.Target);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<string> StrangersAsync(
        Func<CancellationToken, IAsyncEnumerable<UnitResult>> results, [EnumeratorCancellation] CancellationToken cancel)
    {
        if (!IsFolder || _mode != WriteMode.Overwrite) yield break;
        var appended = TableMarker.Read(_live)?.Commits.Where(static commit => commit.Mode != WriteMode.Overwrite).Select(commit => StagedTable.StemOf(_header.To, commit.Run)).ToArray() ?? [];
        long expected = 0;
        await foreach (var result in results(cancel).ConfigureAwait(false)) expected += result.Files.Count(file => File.Exists(Inside(file.PublishAs)));
        if (Candidates(appended).LongCount() == expected) yield break;

        // Only where the numbers differ are the names worth their memory.
        var named = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var result in results(cancel).ConfigureAwait(false))
        {
            foreach (var file in result.Files) named.Add(file.PublishAs);
        }

        foreach (var path in Candidates(appended))
        {
            if (!named.Contains(Path.GetRelativePath(_live, path).Replace('\\', '/'))) yield return path;
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>The files that readers take for the table's, without those that later runs have appended.</summary>
    private IEnumerable<string> Candidates(string[] appended) => FolderTree.Files(_live).Where(path =>
    {
        var name = Path.GetFileName(path);
        return name[0] is not ('_' or '.') && !name.EndsWith(".crc", StringComparison.Ordinal)
            && !Array.Exists(appended, stem => name.StartsWith(stem, StringComparison.Ordinal));
    });

    /// <summary>The latest commit that has removed this run's rows, or the last of them; null when they are still there.</summary>
    private TableCommit? ReplacedBy(TableMarker marker)
    {
        for (var i = marker.Commits.Length - 1; i >= 0; i--)
        {
            var commit = marker.Commits[i];
            if (commit.Run == _header.Run && commit.Stream == _header.Stream) return null;
            if (commit.Mode == WriteMode.Overwrite || (commit.Mode == WriteMode.Incremental && _mode == WriteMode.Incremental)) return commit;
        }

        return null;
    }

    private string Inside(string relative)
    {
        var path = Path.GetFullPath(Path.Combine(_live, relative));
        return path.StartsWith(_live + Path.DirectorySeparatorChar, StringComparison.Ordinal)
            ? path
            : throw new Fault(FaultKind.Internal, $"a result names {relative}, which is outside of the table") { Side = FaultSide.Target };
    }

    private static Fault Refused(string message, string advice, string? where = null) =>
        new(FaultKind.Refused, message) { Side = FaultSide.Target, Where = where, Advice = advice };
}
