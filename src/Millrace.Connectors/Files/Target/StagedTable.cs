using Millrace.Commit;
using Millrace.Faults;
using Millrace.Runs;

namespace Millrace.Connectors.Files.Target;

/// <summary>
/// A stream's new table while it is not visible: the files that its units' results name, moved together under their final names. Every
/// step may be done again after a kill at any point.
/// </summary>
internal sealed class StagedTable
{
    private readonly string _staging;
    private readonly string _run;
    private readonly Action<string> _step;

    /// <summary>The table below a stream's staging folder.</summary>
    /// <param name="staging">The stream's staging folder.</param>
    /// <param name="to">The stream's name in the target.</param>
    /// <param name="run">The run.</param>
    /// <param name="step">Told each step.</param>
    public StagedTable(string staging, string to, string run, Action<string> step)
    {
        _staging = staging;
        _run = StemOf(to, run);
        _step = step;
        Folder = Path.Combine(staging, StagingPlace.Table);
    }

    /// <summary>How the names of all files begin that a run publishes of a stream.</summary>
    /// <param name="to">The stream's name in the target.</param>
    /// <param name="run">The run.</param>
    public static string StemOf(string to, string run) => $"{FolderName.Of(to)}-{FolderName.Of(run)}-";

    /// <summary>The table's folder.</summary>
    public string Folder { get; }

    /// <summary>Files that the results name and that the table shall have.</summary>
    public long Files { get; private set; }

    /// <summary>Their size.</summary>
    public long Bytes { get; private set; }

    /// <summary>Moves every file that a result names into the table, removes every other one, and checks sums.</summary>
    /// <param name="request">The commit.</param>
    /// <param name="keepEmpty">False: files of units without rows are left out.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task AssembleAsync(CommitRequest request, bool keepEmpty, CancellationToken cancel)
    {
        Directory.CreateDirectory(Folder);
        long rows = 0, fileRows = 0;
        await foreach (var result in request.Results(cancel).ConfigureAwait(false))
        {
            rows += result.RowsWritten;
            if (result.RowsWritten == 0 && !keepEmpty) continue;
            foreach (var file in result.Files)
            {
                Take(file, result.Number);
                fileRows += file.Rows;
                Files++;
                Bytes += file.Bytes;
            }
        }

        if (rows != request.Rows || fileRows != rows)
            throw new Fault(FaultKind.Internal, $"the stream has {request.Rows} rows, its units {rows} and their files {fileRows}: nothing was published") { Side = FaultSide.Target };
        if (Own().LongCount() != Files) await RemoveUnnamedAsync(request, keepEmpty, cancel).ConfigureAwait(false);
        _step("assembled");
    }

    /// <summary>Removes what an earlier try, killed before it published, has put beside the units' files: links, a marker, half of one.</summary>
    public void RemoveOther()
    {
        foreach (var file in FolderTree.Files(Folder))
        {
            if (!IsOwn(file)) File.Delete(file);
        }
    }

    /// <summary>Puts the files of the live table beside the new ones, as second names of the same files.</summary>
    /// <param name="live">The live table's folder.</param>
    /// <param name="isReplaced">Tells the files that the new ones take the place of.</param>
    /// <param name="cancel">Stops it.</param>
    public void LinkLive(string live, Func<string, bool> isReplaced, CancellationToken cancel)
    {
        foreach (var file in FolderTree.Files(live))
        {
            cancel.ThrowIfCancellationRequested();
            var relative = Path.GetRelativePath(live, file);
            if (relative == TableMarker.FileName || isReplaced(file)) continue;
            var target = Path.Combine(Folder, relative);
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            if (!DurableFiles.TryHardLink(file, target))
            {
                File.Copy(file, target, overwrite: false);
                DurableFiles.SyncFile(target);
            }

            _step("linked");
        }
    }

    /// <summary>Whether there is nothing staged at all: a commit has finished, or somebody has discarded the run.</summary>
    public bool IsGone => !Directory.Exists(_staging);

    private void Take(StagedFile file, long unit)
    {
        var target = Inside(Folder, file.PublishAs);
        var source = Inside(_staging, file.Path);
        var folder = Path.GetDirectoryName(target)!;
        if (folder.Length > Folder.Length) Directory.CreateDirectory(folder);
        if (File.Exists(source))
        {
            File.Move(source, target, overwrite: true);
            _step("moved");
        }

        var there = new FileInfo(target);
        if (there.Exists && there.Length == file.Bytes) return;
        throw new Fault(FaultKind.Internal, there.Exists
            ? $"the staged file {target} has {there.Length} bytes, and its unit wrote {file.Bytes}"
            : $"the staged file {source} of unit {unit} is gone")
        {
            Side = FaultSide.Target, Advice = "Something else has touched the staging folder. Run the job again.",
        };
    }

    /// <summary>Only when a result was replaced after an interrupted commit: then the names are worth their memory.</summary>
    private async Task RemoveUnnamedAsync(CommitRequest request, bool keepEmpty, CancellationToken cancel)
    {
        var named = new HashSet<string>(StringComparer.Ordinal);
        await foreach (var result in request.Results(cancel).ConfigureAwait(false))
        {
            if (result.RowsWritten == 0 && !keepEmpty) continue;
            foreach (var file in result.Files) named.Add(Inside(Folder, file.PublishAs));
        }

        foreach (var file in Own())
        {
            if (!named.Contains(file)) File.Delete(file);
        }

        if (Own().LongCount() != Files) throw new Fault(FaultKind.Internal, $"two results name the same file in {Folder}") { Side = FaultSide.Target };
    }

    private IEnumerable<string> Own() => FolderTree.Files(Folder).Where(IsOwn);

    private bool IsOwn(string path) => Path.GetFileName(path.AsSpan()).StartsWith(_run, StringComparison.Ordinal);

    private static string Inside(string folder, string relative)
    {
        var path = Path.GetFullPath(Path.Combine(folder, relative));
        return path.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal)
            ? path
            : throw new Fault(FaultKind.Internal, $"a result names {relative}, which is outside of the staging folder") { Side = FaultSide.Target };
    }
}
