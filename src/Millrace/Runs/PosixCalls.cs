using System.Buffers.Binary;
using System.ComponentModel;
using System.Runtime.InteropServices;
using System.Text;

namespace Millrace.Runs;

/// <summary>
/// The few calls of a Unix C library that .NET does not offer: hard links, renames that exchange or never replace, a folder's
/// fsync, a file's identity. Each returns 0 or the error number; paths travel as zero-terminated UTF-8.
/// </summary>
internal static class PosixCalls
{
    internal const int NotFound = 2;
    internal const int Exists = 17;
    internal const int CrossDevice = 18;
    internal const int Invalid = 22;

    private const int CurrentFolder = -100;
    private const int ReadOnlyCloseOnExecLinux = 0x80000;
    private const int ReadOnlyCloseOnExecMac = 0x1000000;
    private const uint NoReplace = 1;
    private const uint Exchange = 2;
    private const uint MacExchange = 2;
    private const uint MacExclusive = 4;
    private const uint BasicStatistics = 0x7ff;
    private const ulong MountRoot = 0x2000;
    private const int StatxBytes = 256;

    internal static int FsyncFolder(string path)
    {
        var flags = OperatingSystem.IsMacOS() ? ReadOnlyCloseOnExecMac : ReadOnlyCloseOnExecLinux;
        var descriptor = Open(Text(path), flags);
        if (descriptor < 0) return Marshal.GetLastPInvokeError();
        var error = Fsync(descriptor) == 0 ? 0 : Marshal.GetLastPInvokeError();
        _ = Close(descriptor);
        // Some network and user-space file systems know no fsync of a folder: they have nothing to flush there.
        return error == Invalid ? 0 : error;
    }

    internal static int HardLink(string existing, string path) =>
        Link(Text(existing), Text(path)) == 0 ? 0 : Marshal.GetLastPInvokeError();

    /// <summary>Renames only if nothing is at <paramref name="to"/>; an error other than <see cref="Exists"/> can mean "not supported".</summary>
    internal static int MoveIfAbsent(string from, string to) => Rename(from, to, NoReplace, MacExclusive);

    /// <summary>Swaps what two paths name, in one step.</summary>
    internal static int Swap(string one, string other) => Rename(one, other, Exchange, MacExchange);

    /// <summary>A file's or folder's identity; null where the system has no statx or nothing is there.</summary>
    internal static FileIdentity? Identify(string path)
    {
        if (!OperatingSystem.IsLinux()) return null;
        var block = new byte[StatxBytes];
        try
        {
            if (Statx(CurrentFolder, Text(path), 0, BasicStatistics, block) != 0) return null;
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
        // struct statx is the same on every architecture: attributes at 8, inode at 32, device at 136 (major) and 140 (minor).
        var attributes = BinaryPrimitives.ReadUInt64LittleEndian(block.AsSpan(8));
        var inode = BinaryPrimitives.ReadUInt64LittleEndian(block.AsSpan(32));
        var device = BinaryPrimitives.ReadUInt64LittleEndian(block.AsSpan(136));
        return new FileIdentity(device, inode, (attributes & MountRoot) != 0);
    }

    /// <summary>Makes this process the only one of a session of its own. Where that can't be, it stays where it is.</summary>
    internal static void LeaveSession()
    {
        if (!OperatingSystem.IsWindows()) _ = SetSession();
    }

    internal static IOException Error(string doing, string path, int error) =>
        new($"{doing} {path}: {new Win32Exception(error).Message}", error);

    private static int Rename(string from, string to, uint linuxFlag, uint macFlag)
    {
        const int notSupported = 38;
        try
        {
            int answer;
            if (OperatingSystem.IsLinux()) answer = RenameAt2(CurrentFolder, Text(from), CurrentFolder, Text(to), linuxFlag);
            else if (OperatingSystem.IsMacOS()) answer = RenameX(Text(from), Text(to), macFlag);
            else return notSupported;
            return answer == 0 ? 0 : Marshal.GetLastPInvokeError();
        }
        catch (EntryPointNotFoundException)
        {
            return notSupported;
        }
    }

    private static byte[] Text(string path)
    {
        var bytes = new byte[Encoding.UTF8.GetByteCount(path) + 1];
        Encoding.UTF8.GetBytes(path, bytes);
        return bytes;
    }

    [DllImport("libc", EntryPoint = "open", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Open(byte[] path, int flags);

    [DllImport("libc", EntryPoint = "close", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Close(int descriptor);

    [DllImport("libc", EntryPoint = "fsync", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Fsync(int descriptor);

    [DllImport("libc", EntryPoint = "setsid"), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int SetSession();

    [DllImport("libc", EntryPoint = "link", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Link(byte[] existing, byte[] path);

    [DllImport("libc", EntryPoint = "renameat2", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int RenameAt2(int fromFolder, byte[] from, int toFolder, byte[] to, uint flags);

    [DllImport("libc", EntryPoint = "renamex_np", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int RenameX(byte[] from, byte[] to, uint flags);

    [DllImport("libc", EntryPoint = "statx", SetLastError = true), DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Statx(int folder, byte[] path, int flags, uint mask, byte[] answer);
}
