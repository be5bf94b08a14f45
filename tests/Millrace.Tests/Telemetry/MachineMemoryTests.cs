using Millrace.Telemetry;
using Millrace.Testing;

namespace Millrace.Tests.Telemetry;

/// <summary>Files as Linux shows them, of both versions of memory groups.</summary>
public sealed class MachineMemoryTests : IDisposable
{
    private const long Mega = 1024 * 1024;

    private readonly TempFolder _root = new();

    public MachineMemoryTests() => _root.Write("proc/meminfo", "MemTotal:       16384 kB\nMemFree:        5 kB\n");

    public void Dispose() => _root.Dispose();

    [Fact]
    public void Without_groups_it_is_the_machines() => Assert.Equal(16 * Mega, Bytes("1:cpu:/\n"));

    [Fact]
    public void A_group_of_version_two_and_every_group_above_it_bind()
    {
        _root.Write("sys/fs/cgroup/a/b/memory.max", "max\n");
        _root.Write("sys/fs/cgroup/a/memory.max", $"{8 * Mega}\n");
        Assert.Equal(8 * Mega, Bytes("0::/a/b\n"));
    }

    [Fact]
    public void A_group_of_version_one_binds_and_its_largest_number_does_not()
    {
        _root.Write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
        Assert.Equal(16 * Mega, Bytes("4:memory:/x\n0::/\n"));
        _root.Write("sys/fs/cgroup/memory/x/memory.limit_in_bytes", $"{4 * Mega}\n");
        Assert.Equal(4 * Mega, Bytes("4:cpu,memory:/x\n0::/\n"));
    }

    [Fact]
    public void In_a_container_the_mounts_root_is_the_group()
    {
        _root.Write("sys/fs/cgroup/memory.max", $"{2 * Mega}\n");
        Assert.Equal(2 * Mega, Bytes("0::/docker/0123\n"));
    }

    [Fact]
    public void This_machine_has_some() => Assert.InRange(MachineMemory.Bytes, Limits.MemoryBytesMin, long.MaxValue);

    private long Bytes(string groups)
    {
        _root.Write("proc/self/cgroup", groups);
        return MachineMemory.OfLinux(_root.Path);
    }
}
