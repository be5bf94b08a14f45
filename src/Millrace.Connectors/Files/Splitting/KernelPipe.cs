using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Millrace.Connectors.Files.Splitting;

/// <summary>What Linux can do with pipes and .NET has no call for. Elsewhere every call says that it can't.</summary>
internal static class KernelPipe
{
    /// <summary>The call is not possible for this file or on this system: copy instead.</summary>
    public const long CannotSplice = -1;

    /// <summary>Nobody reads the pipe any more.</summary>
    public const long NoReader = -2;

    private const int SetPipeSize = 1031;
    private const int SpliceMove = 1;
    private const int Interrupted = 4;
    private const int InvalidArgument = 22;
    private const int BrokenPipe = 32;
    private const int NoSuchCall = 38;

    /// <summary>Makes a pipe hold more than its usual 64 KB. A user who holds many pipes may be refused: then it stays as it is.</summary>
    public static void Grow(SafePipeHandle pipe, int bytes)
    {
        if (OperatingSystem.IsLinux()) _ = Control(pipe, SetPipeSize, bytes);
    }

    /// <summary>
    /// Moves bytes of a file into a pipe without copying them: the pipe refers to the page cache. Blocks while the pipe is full.
    /// </summary>
    /// <returns>Bytes moved; 0 at the end of the file; <see cref="CannotSplice"/> or <see cref="NoReader"/>.</returns>
    /// <exception cref="IOException">The file can't be read.</exception>
    public static long Splice(SafeFileHandle file, long offset, SafePipeHandle pipe, int bytes)
    {
        if (!OperatingSystem.IsLinux()) return CannotSplice;
        while (true)
        {
            var at = offset;
            var moved = Splice(file, ref at, pipe, 0, bytes, SpliceMove);
            if (moved >= 0) return moved;
            var error = Marshal.GetLastPInvokeError();
            switch (error)
            {
                case Interrupted: continue;
                case BrokenPipe: return NoReader;
                case InvalidArgument or NoSuchCall: return CannotSplice;
                default: throw new IOException(Marshal.GetPInvokeErrorMessage(error));
            }
        }
    }

    [DllImport("libc", EntryPoint = "fcntl", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Control(SafePipeHandle pipe, int command, nint value);

    [DllImport("libc", EntryPoint = "splice", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern nint Splice(SafeFileHandle from, ref long offset, SafePipeHandle to, nint toOffset, nint bytes, uint flags);
}
