using System.Globalization;

namespace Millrace.SystemTests;

/// <summary>
/// A memory group of the kernel (cgroup, version 1 or 2) with a limit: who passes it is killed by the kernel with SIGKILL, as in a
/// container. Needs the right to make one.
/// </summary>
internal sealed class MemoryGroup : IDisposable
{
    private const string First = "/sys/fs/cgroup/memory";
    private const string Second = "/sys/fs/cgroup";

    private readonly string _path;

    private MemoryGroup(string path) => _path = path;

    /// <summary>What <see cref="MillraceStart.Through"/> needs, so that a program and its children run in the group.</summary>
    public IReadOnlyList<string> Through => ["sh", "-c", "echo $$ > \"$0\"/cgroup.procs && exec \"$@\"", _path];

    /// <summary>A group of its own; skips the test where none can be made.</summary>
    public static MemoryGroup Create(long bytes)
    {
        var isFirst = File.Exists($"{First}/memory.limit_in_bytes");
        var group = new MemoryGroup($"{(isFirst ? First : Second)}/millrace-test-{Guid.NewGuid():N}");
        try
        {
            Directory.CreateDirectory(group._path);
            File.WriteAllText($"{group._path}/{(isFirst ? "memory.limit_in_bytes" : "memory.max")}", bytes.ToString(CultureInfo.InvariantCulture));
            if (!isFirst && File.Exists($"{group._path}/memory.swap.max")) File.WriteAllText($"{group._path}/memory.swap.max", "0");
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Assert.Skip($"no memory group can be made here: {error.Message}");
        }

        return group;
    }

    /// <summary>Removes the group, whose processes have ended.</summary>
    public void Dispose()
    {
        try
        {
            Directory.Delete(_path);
        }
        catch (IOException)
        {
            // A process of a failed test is still ending: an empty group is no burden.
        }
    }
}
