using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Millrace.Runs;

/// <summary>
/// Files that survive a power loss: what a call has returned from is on the disk, content first, then its name. All members may be
/// called from any thread; errors are <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>, which
/// <see cref="FileFaults"/> turns into faults. Temporary files are named <c>.name.random.tmp</c>: a listing leaves them out, and
/// whoever cleans the folder may remove them.
/// </summary>
public static class DurableFiles
{
    /// <summary>
    /// Writes a file if nothing is at the path: whole or not at all, and of many writers at once exactly one gets true. When the
    /// answer is false the other writer's file is durable too.
    /// </summary>
    public static bool CreateIfAbsent(string path, ReadOnlySpan<byte> bytes)
    {
        var folder = FolderOf(path);
        if (File.Exists(path))
        {
            SyncFolder(folder);
            return false;
        }

        var temporary = WriteTemporary(path, bytes);
        try
        {
            var created = TakeName(temporary, path);
            SyncFolder(folder);
            return created;
        }
        finally
        {
            File.Delete(temporary);
        }
    }

    /// <summary>Writes a file in the place of whatever file is there: a reader finds the old or the new content, whole.</summary>
    public static void Replace(string path, ReadOnlySpan<byte> bytes)
    {
        var temporary = WriteTemporary(path, bytes);
        try
        {
            File.Move(temporary, path, overwrite: true);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }

        SyncFolder(FolderOf(path));
    }

    /// <summary>Makes a folder and those above it that are missing, each durable in the one above.</summary>
    public static void CreateFolder(string path)
    {
        var full = Path.TrimEndingDirectorySeparator(Path.GetFullPath(path));
        if (Directory.Exists(full)) return;
        var above = Path.GetDirectoryName(full);
        if (above is not null) CreateFolder(above);
        Directory.CreateDirectory(full);
        if (above is not null) SyncFolder(above);
    }

    /// <summary>Flushes a file's content to the disk.</summary>
    public static void SyncFile(string path)
    {
        using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        RandomAccess.FlushToDisk(handle);
    }

    /// <summary>Flushes a folder's names to the disk. Windows has no such call: there the file system's journal keeps names in order.</summary>
    public static void SyncFolder(string path)
    {
        if (OperatingSystem.IsWindows()) return;
        var error = PosixCalls.FsyncFolder(path);
        if (error != 0) throw PosixCalls.Error("fsync", path, error);
    }

    /// <summary>
    /// Swaps what two paths name in one step (Linux, macOS); both exist, on one file system. False when the system or the file system
    /// can't; then nothing has changed. Not durable until both folders are flushed.
    /// </summary>
    public static bool TryExchange(string one, string other)
    {
        var error = PosixCalls.Swap(one, other);
        if (error == 0) return true;
        if (error is PosixCalls.NotFound or PosixCalls.CrossDevice) throw PosixCalls.Error("exchange", one, error);
        return IsUnsupported(error) ? false : throw PosixCalls.Error("exchange", one, error);
    }

    /// <summary>Makes a second name for a file. False when the file system has no hard links, or the two lie on different ones.</summary>
    public static bool TryHardLink(string existing, string path)
    {
        if (OperatingSystem.IsWindows()) return false;
        var error = PosixCalls.HardLink(existing, path);
        if (error == 0) return true;
        if (error == PosixCalls.CrossDevice || IsUnsupported(error) || error == TooManyLinks) return false;
        throw PosixCalls.Error("link", path, error);
    }

    /// <summary>Bytes that this user can still write to the file system that holds a path; the path itself need not exist yet.</summary>
    public static long FreeBytes(string path)
    {
        var folder = Path.GetFullPath(path);
        while (!Directory.Exists(folder) && Path.GetDirectoryName(folder) is { } above) folder = above;
        return new DriveInfo(folder).AvailableFreeSpace;
    }

    /// <summary>Which file or folder a path names; null when nothing is there, and on systems other than Linux.</summary>
    public static FileIdentity? Identify(string path) => PosixCalls.Identify(path);

    private const int TooManyLinks = 31;

    private static bool IsUnsupported(int error)
    {
        const int notPermitted = 1, linuxNoCall = 38, linuxNotSupported = 95, macNoCall = 78, macNotSupported = 45, macNotSupportedSocket = 102;
        return OperatingSystem.IsMacOS()
            ? error is notPermitted or PosixCalls.Invalid or macNoCall or macNotSupported or macNotSupportedSocket
            : error is notPermitted or PosixCalls.Invalid or linuxNoCall or linuxNotSupported;
    }

    private static string WriteTemporary(string path, ReadOnlySpan<byte> bytes)
    {
        var random = RandomNumberGenerator.GetHexString(12, lowercase: true);
        var name = Path.GetFileName(path);
        // A name can be 255 bytes: the temporary one must not be longer than a long one.
        if (name.Length > 100) name = name[..100];
        var temporary = Path.Combine(FolderOf(path), string.Create(CultureInfo.InvariantCulture, $".{name}.{random}.tmp"));
        try
        {
            // Without a size ahead: .NET's error for a disk too full for that has no code that says so.
            using var handle = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
            RandomAccess.Write(handle, bytes, 0);
            RandomAccess.FlushToDisk(handle);
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }

        return temporary;
    }

    /// <summary>Gives a file its final name only if that is free. The three ways differ in which file systems know them.</summary>
    private static bool TakeName(string temporary, string path)
    {
        if (!OperatingSystem.IsWindows())
        {
            var error = PosixCalls.MoveIfAbsent(temporary, path);
            if (error is 0 or PosixCalls.Exists) return error == 0;
            error = PosixCalls.HardLink(temporary, path);
            if (error == 0) return true;
            // A network file system may have made the link and lost the answer: then both names are one file.
            if (error == PosixCalls.Exists) return Identify(path) is { } there && there == Identify(temporary);
            if (!IsUnsupported(error)) throw PosixCalls.Error("create", path, error);
        }

        try
        {
            File.Move(temporary, path, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(path))
        {
            return false;
        }
    }

    private static string FolderOf(string path) =>
        Path.GetDirectoryName(Path.GetFullPath(path)) ?? throw new IOException($"{path} is no file's path");
}

/// <summary>Which file or folder a path names, whatever the path.</summary>
/// <param name="Device">The file system.</param>
/// <param name="Inode">The file on it.</param>
/// <param name="MountRoot">True when the path is where a file system is mounted.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct FileIdentity(ulong Device, ulong Inode, bool MountRoot);
