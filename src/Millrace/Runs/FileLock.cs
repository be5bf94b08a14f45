using System.Text;

namespace Millrace.Runs;

/// <summary>
/// A lock that one process on this machine (and, on NFS, on any machine) holds by keeping a file open: the system gives it up when the
/// process dies, however it dies. Beside it lies <c>path.holder</c>, which says who holds it, for messages.
/// </summary>
public sealed class FileLock : IDisposable
{
    private readonly string path;
    private readonly FileStream stream;

    private FileLock(string path, FileStream stream)
    {
        this.path = path;
        this.stream = stream;
    }

    /// <summary>Takes the lock if it is free; null when somebody else, in this process or another, has it. Its folder must exist.</summary>
    /// <param name="path">The lock's file; made when it is missing.</param>
    /// <param name="holder">Who takes it, such as "run r1 on host a, process 17": no secrets.</param>
    public static FileLock? TryAcquire(string path, string holder)
    {
        while (true)
        {
            FileStream taken;
            try
            {
                // On Unix, sharing with nobody is flock(LOCK_EX | LOCK_NB); on Windows the open itself excludes others.
                taken = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1);
            }
            catch (IOException error) when (IsHeld(error))
            {
                return null;
            }

            // The last holder may have removed the file between our open and our lock: then we hold a name that nobody else will find.
            var mine = DurableFiles.Identify($"/proc/self/fd/{taken.SafeFileHandle.DangerousGetHandle()}");
            if (mine is not null && mine != DurableFiles.Identify(path))
            {
                taken.Dispose();
                continue;
            }

            try
            {
                File.WriteAllText(path + ".holder", holder, Encoding.UTF8);
                return new FileLock(path, taken);
            }
            catch
            {
                // A full disk has no room for the name: the lock must not stay with nobody.
                taken.Dispose();
                throw;
            }
        }
    }

    /// <summary>Takes the lock, waiting for as long as <paramref name="wait"/>; null when it is still held then.</summary>
    public static async ValueTask<FileLock?> AcquireAsync(string path, string holder, TimeSpan wait, TimeProvider clock, CancellationToken cancel)
    {
        var pause = TimeSpan.FromMilliseconds(5);
        var start = clock.GetTimestamp();
        while (true)
        {
            var taken = TryAcquire(path, holder);
            if (taken is not null || clock.GetElapsedTime(start) >= wait) return taken;
            await Task.Delay(pause, clock, cancel);
            if (pause < TimeSpan.FromMilliseconds(Limits.LockPollMillisecondsMax)) pause *= 2;
        }
    }

    /// <summary>Who holds the lock, or held it last; null when nobody has said.</summary>
    public static string? HolderOf(string path)
    {
        try
        {
            return File.ReadAllText(path + ".holder", Encoding.UTF8);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>
    /// Removes the lock's files while it is held, so that nothing is left behind; <see cref="Dispose"/> must follow. Only on Linux, where a
    /// process that waits notices that it has locked a file that is gone; elsewhere the files stay.
    /// </summary>
    public void RemoveFiles()
    {
        if (!OperatingSystem.IsLinux()) return;
        File.Delete(path + ".holder");
        File.Delete(path);
    }

    /// <summary>Gives the lock back.</summary>
    public void Dispose() => stream.Dispose();

    private static bool IsHeld(IOException error)
    {
        const int linuxWouldBlock = 11, macWouldBlock = 35, windowsSharing = unchecked((int)0x80070020);
        return error.HResult == (OperatingSystem.IsWindows() ? windowsSharing : OperatingSystem.IsMacOS() ? macWouldBlock : linuxWouldBlock);
    }
}
