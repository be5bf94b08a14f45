using Millrace.Faults;

namespace Millrace.Runs;

/// <summary>Turns the file system's errors into faults that say which path, what is wrong, and what to do.</summary>
public static class FileFaults
{
    /// <summary>The fault for an error at a path. A fault stays what it is; what is no error of the file system becomes internal.</summary>
    /// <param name="error">What was thrown.</param>
    /// <param name="path">The path it was about, for people.</param>
    /// <param name="side">Whose files these are.</param>
    /// <param name="where">The place in the user's input, when there is one.</param>
    public static Fault From(Exception error, string path, FaultSide side, string? where = null) => error switch
    {
        Fault fault => fault,
        IOException full when IsDiskFull(full) => DiskFull(path, side, where, full),
        UnauthorizedAccessException denied => new Fault(FaultKind.Refused, $"no right to write {path}", denied)
        {
            Side = side, Where = where, Code = "EACCES", Advice = "Give this user the right, or name another place.",
        },
        PathTooLongException tooLong => new Fault(FaultKind.Refused, $"the path is too long for this file system: {path}", tooLong)
        {
            Side = side, Where = where, Code = "ENAMETOOLONG", Advice = "Use a shorter path or a shorter stream name (`to:`).",
        },
        FileNotFoundException or DirectoryNotFoundException => new Fault(FaultKind.Refused, $"there is no {path}", error)
        {
            Side = side, Where = where, Code = "ENOENT",
        },
        IOException other => new Fault(FaultKind.Refused, $"{path}: {other.Message}", other) { Side = side, Where = where },
        _ => new Fault(FaultKind.Internal, $"{path}: {error.Message}", error) { Side = side, Where = where },
    };

    /// <summary>The fault for a disk without room, with how much is free.</summary>
    public static Fault DiskFull(string path, FaultSide side, string? where = null, Exception? inner = null) =>
        new(FaultKind.Limit, $"the disk is full: {path} has {FreeText(path)} left", inner)
        {
            Side = side, Where = where, Code = "ENOSPC", Advice = "Free some space or name a place on a larger disk, then `millrace resume`.",
        };

    /// <summary>Whether an error says that a disk or a quota is full.</summary>
    public static bool IsDiskFull(IOException error)
    {
        const int noSpace = 28, quotaLinux = 122, quotaMac = 69;
        const int windowsHandleDiskFull = unchecked((int)0x80070027), windowsDiskFull = unchecked((int)0x80070070);
        return OperatingSystem.IsWindows()
            ? error.HResult is windowsHandleDiskFull or windowsDiskFull
            : error.HResult == noSpace || error.HResult == (OperatingSystem.IsMacOS() ? quotaMac : quotaLinux);
    }

    private static string FreeText(string path)
    {
        try
        {
            var free = DurableFiles.FreeBytes(path);
            return free < 10L << 20 ? $"{free >> 10} KB" : free < 10L << 30 ? $"{free >> 20} MB" : $"{free >> 30} GB";
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return "nothing";
        }
    }
}
