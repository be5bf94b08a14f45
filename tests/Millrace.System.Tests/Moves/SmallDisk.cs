using System.Diagnostics;
using Millrace.Testing;

namespace Millrace.SystemTests.Moves;

/// <summary>A file system of a few megabytes in memory, which needs root on Linux; elsewhere the test is skipped.</summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly TempFolder _folder = new();

    /// <summary>Mounts one.</summary>
    public SmallDisk(int megabytes)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess) Assert.Skip("needs root on Linux to mount a small disk");
        if (SystemCommand.Run("mount", "-t", "tmpfs", "-o", $"size={megabytes}m", "tmpfs", _folder.Path) != 0) Assert.Skip("mounting is not allowed here");
    }

    /// <summary>A path on it.</summary>
    public string this[string name] => _folder[name];

    /// <summary>Writes until nothing more fits.</summary>
    public void Fill()
    {
        try
        {
            using var ballast = new FileStream(_folder["ballast"], FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
            while (true) ballast.Write(new byte[4096]);
        }
        catch (IOException)
        {
            // Full, as wanted.
        }
    }

    /// <summary>Makes room again.</summary>
    public void Free() => File.Delete(_folder["ballast"]);

    /// <summary>Makes it larger.</summary>
    public void Grow(int megabytes) => Assert.Equal(0, SystemCommand.Run("mount", "-o", $"remount,size={megabytes}m", _folder.Path));

    /// <summary>Refuses every write from now on.</summary>
    public void Protect() => Assert.Equal(0, SystemCommand.Run("mount", "-o", "remount,ro", _folder.Path));

    public void Dispose()
    {
        SystemCommand.Run("umount", "-l", _folder.Path);
        _folder.Dispose();
    }
}
