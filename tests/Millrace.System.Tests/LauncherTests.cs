using System.Diagnostics;
using Millrace.Testing;

namespace Millrace.SystemTests;

/// <summary><c>./millrace</c> itself, when nothing has to be built.</summary>
public sealed class LauncherTests
{
    [Fact]
    public async Task It_starts_within_150_ms_when_nothing_changed()
    {
        await StartAsync();
        var quickest = TimeSpan.MaxValue;
        // The quickest of twenty: what the launcher costs, not what else the machine does.
        for (var i = 0; i < 20; i++)
        {
            var began = Stopwatch.GetTimestamp();
            await StartAsync();
            var took = Stopwatch.GetElapsedTime(began);
            quickest = took < quickest ? took : quickest;
        }

        Assert.True(quickest < TimeSpan.FromMilliseconds(150), $"./millrace --version took {quickest.TotalMilliseconds:0} ms at best");
    }

    [Fact]
    public async Task It_can_be_called_through_a_link_from_anywhere()
    {
        using var folder = new TempFolder();
        File.CreateSymbolicLink(folder["m"], Path.Combine(Testbed.Repository, "millrace"));
        Assert.Equal(await StartAsync(), await StartAsync(folder["m"], folder.Path));
    }

    private static async Task<string> StartAsync(string? program = null, string? workingFolder = null)
    {
        var info = new ProcessStartInfo(program ?? Path.Combine(Testbed.Repository, "millrace"), ["--version"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = workingFolder ?? Testbed.Repository,
        };
        using var process = Process.Start(info)!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, await errors);
        return output;
    }
}
