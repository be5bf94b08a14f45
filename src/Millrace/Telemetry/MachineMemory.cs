using System.Globalization;

namespace Millrace.Telemetry;

/// <summary>
/// How much memory this process may use: the machine's, or less where its memory group (a container's limit) allows less. On Linux from
/// <c>/proc/meminfo</c> and the cgroup files of both versions (kernel documentation, <c>admin-guide/cgroup-v1/memory.rst</c> and
/// <c>cgroup-v2.rst</c>); elsewhere from .NET, whose own figure under a limit is only the part that its heap may take.
/// </summary>
public static class MachineMemory
{
    /// <summary>In bytes.</summary>
    public static long Bytes { get; } = OperatingSystem.IsLinux() ? OfLinux("/") : GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>The same on a Linux whose files lie below <paramref name="root"/>.</summary>
    internal static long OfLinux(string root)
    {
        var bytes = MachineBytes(Path.Combine(root, "proc/meminfo")) ?? GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        foreach (var line in Lines(Path.Combine(root, "proc/self/cgroup")))
        {
            // hierarchy:controllers:path; version 2 has the hierarchy 0 and no controllers.
            var parts = line.Split(':', 3);
            if (parts.Length < 3) continue;
            if (parts[0] == "0" && parts[1].Length == 0) bytes = Math.Min(bytes, LeastOf(Path.Combine(root, "sys/fs/cgroup"), parts[2], "memory.max"));
            else if (parts[1].Split(',').Contains("memory")) bytes = Math.Min(bytes, LeastOf(Path.Combine(root, "sys/fs/cgroup/memory"), parts[2], "memory.limit_in_bytes"));
        }

        return bytes;
    }

    /// <summary>
    /// The least limit of a group and those above it. In a container the group's own path may not be mounted: then the mount's root is it.
    /// </summary>
    private static long LeastOf(string mount, string group, string file)
    {
        var least = long.MaxValue;
        for (var path = group.Trim('/'); ; path = path[..Math.Max(0, path.LastIndexOf('/'))])
        {
            // "max", and above version 1's largest number, mean no limit.
            foreach (var line in Lines(Path.Combine(mount, path, file)))
            {
                if (long.TryParse(line, NumberStyles.None, CultureInfo.InvariantCulture, out var limit)) least = Math.Min(least, limit);
            }

            if (path.Length == 0) return least;
        }
    }

    private static long? MachineBytes(string path)
    {
        foreach (var line in Lines(path))
        {
            if (!line.StartsWith("MemTotal:", StringComparison.Ordinal)) continue;
            var number = line.AsSpan("MemTotal:".Length).Trim();
            return long.Parse(number[..number.IndexOf(' ')], CultureInfo.InvariantCulture) * 1024;
        }

        return null;
    }

    private static IEnumerable<string> Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
