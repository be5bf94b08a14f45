using System.Diagnostics;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Testing;

namespace Millrace.Connectors.Tests.Files.Target;

/// <summary>A disk of 8 MB, made for the test.</summary>
public sealed class FullDiskTests : IDisposable
{
    private readonly TempFolder _folder = new();

    [Fact]
    public async Task A_full_disk_is_a_limit_that_names_the_path_and_leaves_the_old_table()
    {
        if (!OperatingSystem.IsLinux() || Environment.UserName != "root") Assert.Skip("needs root on Linux to mount a small disk");
        if (await RunAsync("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", _folder.Path) != 0) Assert.Skip("mounting is not allowed here");
        try
        {
            using var load = new TargetLoad(_folder["lake"]);
            await load.LoadAsync("SELECT range AS id FROM range(10)");
            load.Run = "r2";
            await load.StageAsync("SELECT 1 AS id");
            var fault = await Assert.ThrowsAsync<Fault>(() => load.WriteUnitAsync("SELECT md5(range::VARCHAR) AS id FROM range(3000000)"));
            Assert.Equal((FaultKind.Limit, 5), (fault.Kind, fault.ExitCode));
            Assert.Contains(_folder.Path, fault.Message, StringComparison.Ordinal);
            Assert.Contains("left", fault.Message, StringComparison.Ordinal);
            Assert.Equal("10", load.Ask($"SELECT count(*) FROM '{_folder["lake/events"]}/*.parquet'"));
            await load.Target.DiscardAsync("r2", default);
            Assert.Equal([_folder["lake"]], Directory.GetFileSystemEntries(_folder.Path));

            // The disk fills up between the units and the commit: the marker does not fit.
            await load.StageAsync("SELECT 1 AS id");
            await load.WriteUnitAsync("SELECT range AS id FROM range(20)");
            await FillAsync(_folder["ballast"]);
            fault = await Assert.ThrowsAsync<Fault>(async () => await load.CommitAsync());
            Assert.Equal(FaultKind.Limit, fault.Kind);
            Assert.Equal("10", load.Ask($"SELECT count(*) FROM '{_folder["lake/events"]}/*.parquet'"));
            File.Delete(_folder["ballast"]);
            await load.CommitAsync();
            Assert.Equal("20", load.Ask($"SELECT count(*) FROM '{_folder["lake/events"]}/*.parquet'"));
        }
        finally
        {
            await RunAsync("umount", _folder.Path);
        }
    }

    private static async Task FillAsync(string path)
    {
        try
        {
            await using var file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 1);
            while (true) await file.WriteAsync(new byte[4096]);
        }
        catch (IOException)
        {
            // Full, as wanted.
        }
    }

    private static async Task<int> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    public void Dispose() => _folder.Dispose();
}
