using System.Globalization;

namespace Millrace.Worker;

/// <summary>Whom Linux kills when memory runs out (proc(5), <c>/proc/pid/oom_score_adj</c>: -1000 never to 1000 first).</summary>
internal static class OomPreference
{
    /// <summary>A worker is replaced and loses one attempt at its units; the coordinator's death ends the run. So the kernel is asked to take workers.</summary>
    public static void TakeThisProcessFirst()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            File.WriteAllText("/proc/self/oom_score_adj", Limits.WorkerOomScore.ToString(CultureInfo.InvariantCulture));
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // No /proc, or a sandbox that keeps it: then the kernel chooses by size alone.
        }
    }
}
