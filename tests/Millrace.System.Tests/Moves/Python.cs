using System.Diagnostics;
using Millrace.Testing;

namespace Millrace.SystemTests.Moves;

/// <summary>The independent reader: Python with PyArrow, and its own csv and json. It shares no code with the program.</summary>
internal static class Python
{
    /// <summary>What a script prints; a script that fails, fails the test.</summary>
    public static async Task<string> RunAsync(string script, params string[] arguments)
    {
        var start = new ProcessStartInfo("python3", ["-s", "-c", script, .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PYTHONPATH"] = Testbed.Part("python");
        using var python = Process.Start(start)!;
        var errors = python.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var text = await python.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await python.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(python.ExitCode == 0, await errors);
        return text.Trim();
    }
}
