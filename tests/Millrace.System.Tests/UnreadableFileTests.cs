using System.Diagnostics;
using Millrace.SystemTests.Moves;
using Millrace.Testing;

namespace Millrace.SystemTests;

/// <summary>Source files that this user has no right to read: refused by name with exit code 3, and nothing is published.</summary>
public sealed class UnreadableFileTests
{
    private const string Nobody = "65534";

    // Root reads everything, unless it gives up the right to.
    private static readonly string[] s_withoutRights = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"];

    [Theory]
    [InlineData("orders.csv", "id,name\n1,a\n")]
    [InlineData("orders.ndjson", "{\"id\":1}\n")]
    [InlineData("orders.parquet", "PAR1")]
    public async Task A_file_of_another_user(string name, string text)
    {
        using var folder = new TempFolder();
        var path = folder.Write("in/" + name, text);
        Forbid(path);
        await RefusedAsync(folder, path, path);
    }

    [Fact]
    public async Task One_of_many_files()
    {
        using var folder = new TempFolder();
        // More files than are looked at when the run is planned: here a unit finds it.
        for (var i = 100; i < 200; i++) folder.Write($"in/{i}.csv", "id,name\n1,a\n");
        Forbid(folder["in/151.csv"]);
        await RefusedAsync(folder, folder["in/*.csv"], folder["in/151.csv"]);
    }

    private static async Task RefusedAsync(TempFolder folder, string from, string named)
    {
        var began = Stopwatch.GetTimestamp();
        string[] arguments = ["run", "--from", from, "--to", folder["lake"], "--stream", "orders", "--state", folder["state"]];
        var exit = (await MillraceProcess.RunAsync(arguments, WithoutRights())).Expect(3);
        Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(30), "it took too long to say so");
        Assert.Contains(named, exit.Stderr, StringComparison.Ordinal);
        Assert.Contains("no right", exit.Stderr, StringComparison.Ordinal);
        Assert.Contains("rights", exit.Stderr.Split('\n', 2)[1], StringComparison.Ordinal);
        Assert.Empty(exit.Stdout);
        Assert.False(Directory.Exists(folder["lake"]), "something is published");
    }

    private static MillraceStart WithoutRights() => new() { Through = Environment.IsPrivilegedProcess ? s_withoutRights : [] };

    /// <summary>Takes the rights away, and as root gives the file to somebody else.</summary>
    private static void Forbid(string path)
    {
        if (!OperatingSystem.IsLinux()) Assert.Skip("needs setpriv");
        File.SetUnixFileMode(path, UnixFileMode.None);
        if (!Environment.IsPrivilegedProcess) return;
        if (Run("chown", Nobody, path) != 0 || Run(s_withoutRights[0], [s_withoutRights[1], "true"]) != 0) Assert.Skip("rights can't be given away here");
    }

    private static int Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode;
    }
}
