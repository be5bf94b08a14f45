using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace Millrace.SystemTests.Moves;

/// <summary>
/// Stops a program exactly where it is about to open a certain file or folder: the kernel asks us before each opening below one folder
/// (fanotify), and the program waits until we answer. That needs root on Linux; elsewhere the test is skipped. No time is involved.
/// </summary>
internal sealed class Doorstep : IDisposable
{
    private const uint AskBefore = 0x4, CloseOnExec = 0x1, MarkAdd = 0x1, MarkMount = 0x10, Allow = 1;
    private const ulong OpenPermission = 0x1_0000, OnFolders = 0x4000_0000;
    private const int CurrentFolder = -100, EventBytes = 24, HandleOffset = 16;

    private readonly string _folder;
    private readonly int _questions;
    private readonly Thread _doorkeeper;
    private readonly TaskCompletionSource<string> _held = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Func<string, bool> _isIt;
    private volatile bool _ended;
    private int _waiting = -1;

    /// <summary>Watches a folder and all that is below it, for programs that are started from now on.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="isIt">
    /// Whether to stop at the opening of a path. Must itself open nothing below the folder, not even to list it: it would wait for itself.
    /// </param>
    public Doorstep(string folder, Func<string, bool> isIt)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess) Assert.Skip("needs root on Linux to stop a program where it opens a file");
        _folder = folder;
        _isIt = isIt;
        // A mount of its own, so that nobody else on this machine is asked.
        if (SystemCommand.Run("mount", "--bind", folder, folder) != 0) Assert.Skip("mounting is not allowed here");
        _questions = Init(AskBefore | CloseOnExec, 0);
        if (_questions < 0 || Mark(_questions, MarkAdd | MarkMount, OpenPermission | OnFolders, CurrentFolder, Encoding.UTF8.GetBytes(folder + '\0')) != 0)
        {
            SystemCommand.Run("umount", "-l", folder);
            Assert.Skip("this kernel does not ask before a file is opened (fanotify)");
        }

        _doorkeeper = new Thread(Keep) { IsBackground = true, Name = "doorkeeper" };
        _doorkeeper.Start();
    }

    /// <summary>Waits until somebody stands at the opening that is looked for; gives its path. Only the first one is stopped.</summary>
    public async Task<string> HeldAsync(MillraceProcess process)
    {
        var ended = process.WaitAsync();
        if (await Task.WhenAny(_held.Task, ended) == _held.Task) return await _held.Task;
        var exit = await ended;
        throw new InvalidOperationException($"the program ended with {exit.ExitCode} and never came by:\n{exit.Stdout}{exit.Stderr}");
    }

    /// <summary>The same; null when the program ends without coming by.</summary>
    public async Task<string?> HeldOrEndAsync(Task ended) => await Task.WhenAny(_held.Task, ended) == _held.Task ? await _held.Task : null;

    /// <summary>Lets whoever is stopped go on; after a kill: lets it die, which older kernels do only then.</summary>
    public void Release()
    {
        var waiting = Interlocked.Exchange(ref _waiting, -1);
        if (waiting >= 0) Answer(waiting);
    }

    private void Keep()
    {
        var events = new byte[4096];
        while (!_ended)
        {
            var length = (int)Read(_questions, events, events.Length);
            for (var at = 0; at + EventBytes <= length; at += EventBytes)
            {
                var handle = BinaryPrimitives.ReadInt32LittleEndian(events.AsSpan(at + HandleOffset));
                if (handle < 0) continue;
                var path = new FileInfo($"/proc/self/fd/{handle}").LinkTarget;
                if (!_ended && !_held.Task.IsCompleted && path is not null && _isIt(path))
                {
                    _waiting = handle;
                    _held.SetResult(path);
                }
                else
                {
                    Answer(handle);
                }
            }
        }

        // Whoever has asked since the last look is let through by this.
        _ = Close(_questions);
    }

    private void Answer(int handle)
    {
        var answer = new byte[8];
        BinaryPrimitives.WriteInt32LittleEndian(answer, handle);
        BinaryPrimitives.WriteUInt32LittleEndian(answer.AsSpan(4), Allow);
        // Who was killed meanwhile needs no answer any more: then this is an error, and no harm.
        _ = Write(_questions, answer, answer.Length);
        _ = Close(handle);
    }

    public void Dispose()
    {
        Release();
        _ended = true;
        // One more question, so that the doorkeeper wakes up and sees that.
        _ = Directory.EnumerateFileSystemEntries(_folder).Any();
        _doorkeeper.Join();
        SystemCommand.Run("umount", "-l", _folder);
    }

    [DllImport("libc", EntryPoint = "fanotify_init")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Init(uint flags, uint eventFlags);

    [DllImport("libc", EntryPoint = "fanotify_mark")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Mark(int questions, uint flags, ulong mask, int folder, byte[] path);

    [DllImport("libc", EntryPoint = "read")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Read(int handle, byte[] bytes, nint count);

    [DllImport("libc", EntryPoint = "write")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Write(int handle, byte[] bytes, nint count);

    [DllImport("libc", EntryPoint = "close")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int handle);
}
