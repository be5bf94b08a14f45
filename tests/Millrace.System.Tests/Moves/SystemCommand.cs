using System.Diagnostics;

namespace Millrace.SystemTests.Moves;

/// <summary>A command of the system, such as mount.</summary>
internal static class SystemCommand
{
    /// <summary>Runs it to its end; what it prints is dropped.</summary>
    /// <returns>Its exit code.</returns>
    public static int Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode;
    }
}
