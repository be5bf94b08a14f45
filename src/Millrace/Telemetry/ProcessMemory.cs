using System.Globalization;
using System.Runtime.InteropServices;

namespace Millrace.Telemetry;

/// <summary>
/// What a process takes from the machine, from Linux's <c>/proc/PID/smaps_rollup</c>, where shared pages count in parts (PSS); the working
/// set where there is none.
/// </summary>
/// <param name="Bytes">All of it.</param>
/// <param name="OwnBytes">Without the pages of files (the program, its libraries), which the system drops when it needs room.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct ProcessMemory(long Bytes, long OwnBytes)
{
    /// <summary>This process, in bytes.</summary>
    public static long OfThisProcess() => OfProcess(Environment.ProcessId).Bytes;

    /// <summary>Another process; nothing when it is gone.</summary>
    public static ProcessMemory OfProcess(int pid)
    {
        long? all = null, own = null;
        try
        {
            foreach (var line in File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/smaps_rollup")))
            {
                all ??= Of(line, "Pss:");
                own ??= Of(line, "Pss_Anon:");
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Another system, or the process has just ended.
        }

        var bytes = all ?? (pid == Environment.ProcessId ? Environment.WorkingSet : 0);
        return new ProcessMemory(bytes, own ?? bytes);
    }

    private static long? Of(string line, string figure)
    {
        if (!line.StartsWith(figure, StringComparison.Ordinal)) return null;
        var number = line.AsSpan(figure.Length).Trim();
        return long.Parse(number[..number.IndexOf(' ')], CultureInfo.InvariantCulture) * 1024;
    }
}
