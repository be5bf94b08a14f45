using System.Text.Json;
using Millrace.Commit;
using Millrace.Faults;
using Millrace.Runs;

namespace Millrace.Connectors.Files.Target;

/// <summary>What a commit to one file was about to do, written before it does it: how a second try recognises the first one's work.</summary>
/// <param name="Bytes">The new file's size.</param>
/// <param name="Device">Its file system; 0 when the system does not say.</param>
/// <param name="Inode">Its number there; 0 when the system does not say.</param>
internal sealed record OneFileIntent(long Bytes, ulong Device, ulong Inode);

/// <summary>Publishes a stream as one file, by renaming it over whatever file is there; or copies it to standard output.</summary>
internal sealed class OneFileCommit
{
    private const string IntentName = "commit.json";
    private const string PrintedName = "printed";

    private readonly StagingPlace _place;
    private readonly FileTargetAddress _address;
    private readonly StreamHeader _header;
    private readonly CommitRequest _request;

    /// <summary>A commit.</summary>
    public OneFileCommit(StagingPlace place, FileTargetAddress address, StreamHeader header, CommitRequest request)
    {
        _place = place;
        _address = address;
        _header = header;
        _request = request;
    }

    /// <summary>Opens standard output.</summary>
    public required Func<Stream> StandardOutput { get; init; }

    /// <summary>Told the name of each step after it is done; tests throw from it.</summary>
    public Action<string> Step { get; init; } = static _ => { };

    private string Staging => _place.Stream(_header.Run, _header.To);

    /// <summary>Does it.</summary>
    public async Task<CommitReceipt> RunAsync(CancellationToken cancel)
    {
        var file = await OnlyFileAsync(cancel).ConfigureAwait(false);
        var staged = Path.Combine(Staging, file.Path);
        var already = _address.Kind == FileTargetKind.StandardOutput
            ? await PrintAsync(staged, cancel).ConfigureAwait(false)
            : Replace(staged, file);
        FolderTree.Remove(Staging);
        Step("cleaned");
        FolderTree.RemoveIfEmpty(_place.Run(_header.Run));
        FolderTree.RemoveIfEmpty(_place.Home);
        return new CommitReceipt(_request.Rows, 1, file.Bytes, already, _address.Place);
    }

    private async Task<StagedFile> OnlyFileAsync(CancellationToken cancel)
    {
        StagedFile? only = null;
        long rows = 0, units = 0;
        await foreach (var result in _request.Results(cancel).ConfigureAwait(false))
        {
            units++;
            rows += result.RowsWritten;
            if (result.Files.Length > 0) only = result.Files[0];
        }

        if (only is null || units != 1 || rows != _request.Rows || only.Rows != rows)
            throw new Fault(FaultKind.Internal, $"one file needs one unit with one file: found {units} units, {rows} of {_request.Rows} rows") { Side = FaultSide.Target };
        return only;
    }

    private bool Replace(string staged, StagedFile file)
    {
        var intentPath = Path.Combine(Staging, IntentName);
        if (!File.Exists(staged))
        {
            if (!IsPublished(intentPath, file)) throw Gone(staged);
            DurableFiles.SyncFolder(Path.GetDirectoryName(_address.Path)!);
            return true;
        }

        if (Directory.Exists(_address.Path))
        {
            throw new Fault(FaultKind.Refused, $"{_address.Path} is a folder, and one file is to be written there")
            {
                Side = FaultSide.Target, Where = _address.Mark.ToString(), Advice = "Move it away, or add a slash to the target to write into it.",
            };
        }

        if (new FileInfo(staged).Length != file.Bytes) throw Gone(staged);
        var identity = DurableFiles.Identify(staged) ?? default;
        var intent = new OneFileIntent(file.Bytes, identity.Device, identity.Inode);
        DurableFiles.Replace(intentPath, JsonSerializer.SerializeToUtf8Bytes(intent, FileTargetJson.Default.OneFileIntent));
        if (!OperatingSystem.IsWindows() && File.Exists(_address.Path)) File.SetUnixFileMode(staged, File.GetUnixFileMode(_address.Path));
        Step("marked");
        _request.AssertHolder();
        File.Move(staged, _address.Path, overwrite: true);
        Step("published");
        DurableFiles.SyncFolder(Path.GetDirectoryName(_address.Path)!);
        Step("durable");
        return false;
    }

    /// <summary>
    /// Whether the file at the target is the staged one: the same inode where the system tells, else, and when the staging is gone too
    /// (which only a finished commit or a discard removes), a file of that size.
    /// </summary>
    private bool IsPublished(string intentPath, StagedFile file)
    {
        var live = new FileInfo(_address.Path);
        if (!live.Exists) return false;
        if (!File.Exists(intentPath)) return live.Length == file.Bytes;
        var intent = JsonSerializer.Deserialize(File.ReadAllBytes(intentPath), FileTargetJson.Default.OneFileIntent)!;
        return intent.Inode == 0 || DurableFiles.Identify(_address.Path) is not { } now
            ? live.Length == intent.Bytes
            : now.Inode == intent.Inode && now.Device == intent.Device;
    }

    private async Task<bool> PrintAsync(string staged, CancellationToken cancel)
    {
        var printed = Path.Combine(Staging, PrintedName);
        if (!Directory.Exists(Staging) || File.Exists(printed)) return true;
        if (!File.Exists(staged)) throw Gone(staged);
        _request.AssertHolder();
        try
        {
            await using var output = StandardOutput();
            await using var input = new FileStream(staged, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1, FileOptions.Asynchronous | FileOptions.SequentialScan);
            await input.CopyToAsync(output, cancel).ConfigureAwait(false);
            await output.FlushAsync(cancel).ConfigureAwait(false);
        }
        catch (IOException error)
        {
            throw new Fault(FaultKind.Unreachable, $"standard output can't be written: {error.Message}", error)
            {
                Side = FaultSide.Target, Where = _address.Mark.ToString(), Advice = "The program that reads it has ended.",
            };
        }

        Step("published");
        DurableFiles.CreateIfAbsent(printed, []);
        Step("marked");
        return false;
    }

    private Fault Gone(string staged) => new(FaultKind.Internal, $"the staged file {staged} is gone, or is not what its unit wrote")
    {
        Side = FaultSide.Target, Where = _address.Mark.ToString(), Advice = "Something else has touched the staging folder. Run the job again.",
    };
}
