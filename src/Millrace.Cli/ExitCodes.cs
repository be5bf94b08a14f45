using Millrace.Faults;
using Millrace.Telemetry;
using Millrace.Verify;

namespace Millrace.Cli;

/// <summary>The process's exit codes, as <c>docs/reference/exit-codes.md</c> has them.</summary>
internal static class ExitCodes
{
    private const int Done = 0;
    private const int Failed = 1;
    private const int Cancelled = 130;

    /// <summary>That of a run: by its status, and by what its streams failed with.</summary>
    public static int Of(RunSummary summary) => summary.Status switch
    {
        RunStatus.Succeeded => Done,
        RunStatus.Cancelled => Cancelled,
        _ => summary.Faults.IsEmpty ? Failed : Of(summary.Faults),
    };

    /// <summary>That of a verification: 0 when everything is equal.</summary>
    public static int Of(VerifySummary summary) => summary.Status == RunStatus.Cancelled ? Cancelled : Of(summary.Faults);

    /// <summary>
    /// That of several faults: 0 for none, their common code when they agree, else 1. Which one came first depends on the workers'
    /// speed, and a script must not see that.
    /// </summary>
    public static int Of(IReadOnlyList<Fault> faults)
    {
        if (faults.Count == 0) return Done;
        var first = faults[0].ExitCode;
        foreach (var fault in faults)
        {
            if (fault.ExitCode != first) return Failed;
        }

        return first;
    }
}
