using System.Globalization;

namespace Millrace.Telemetry;

/// <summary>
/// What a process takes from the machine: PSS (shared pages count in parts) from Linux's <c>/proc/PID/smaps_rollup</c>; the working set
/// where there is none.
/// </summary>
public static class ProcessMemory
{
    /// <summary>This process, in bytes.</summary>
    public static long OfThisProcess() => OfProcess(Environment.ProcessId);

    /// <summary>Another process, in bytes; 0 when it is gone.</summary>
    public static long OfProcess(int pid)
    {
        try
        {
            foreach (var line in File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/smaps_rollup")))
            {
                if (!line.StartsWith("Pss:", StringComparison.Ordinal)) continue;
                var number = line.AsSpan(4).Trim();
                return long.Parse(number[..number.IndexOf(' ')], CultureInfo.InvariantCulture) * 1024;
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Another system, or the process has just ended.
        }

        return pid == Environment.ProcessId ? Environment.WorkingSet : 0;
    }
}
