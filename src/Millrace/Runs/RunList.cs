using Millrace.Faults;
using Millrace.Telemetry;

namespace Millrace.Runs;

/// <summary>The runs below a state folder.</summary>
public static class RunList
{
    /// <summary>All runs, the latest first, one at a time.</summary>
    public static IEnumerable<RunListing> Enumerate(string state)
    {
        foreach (var folder in Folders(state)) yield return Describe(RunDirectory.OpenPath(folder));
    }

    /// <summary>The folders of all runs, the latest first.</summary>
    internal static IEnumerable<string> Folders(string state)
    {
        var runs = Path.Combine(Path.GetFullPath(state), "runs");
        if (!Directory.Exists(runs)) return [];
        var folders = Directory.GetDirectories(runs);
        Array.Sort(folders, static (left, right) => Compare(right, left));

        // A folder without run.json: its coordinator died in the very first moment, and nothing was ever staged.
        return folders.Where(static folder => File.Exists(Path.Combine(folder, "run.json")));
    }

    // By the second in the name; of the same second by when the run was made.
    private static int Compare(string left, string right)
    {
        var (one, other) = (Path.GetFileName(left), Path.GetFileName(right));
        var length = Math.Min(RunDirectory.TimeChars, Math.Min(one.Length, other.Length));
        if (string.CompareOrdinal(one, 0, other, 0, length) is not 0 and var order) return order;
        var made = File.GetLastWriteTimeUtc(Path.Combine(left, "run.json")).CompareTo(File.GetLastWriteTimeUtc(Path.Combine(right, "run.json")));
        return made != 0 ? made : string.CompareOrdinal(one, other);
    }

    /// <summary>The run that <c>resume</c> without a name means: the latest that is neither held nor succeeded.</summary>
    /// <exception cref="Fault">There is none.</exception>
    public static RunDirectory LatestUnfinished(string state) => Latest(state, static run => run.CanResume, "is unfinished");

    /// <summary>The run that <c>verify</c> without a name means: the latest that has succeeded.</summary>
    /// <exception cref="Fault">There is none.</exception>
    public static RunDirectory LatestSucceeded(string state) => Latest(state, static run => run.Status == RunStatus.Succeeded, "has succeeded");

    private static RunDirectory Latest(string state, Predicate<RunListing> isMeant, string what) =>
        Enumerate(state).FirstOrDefault(run => isMeant(run))?.Directory
        ?? throw new Fault(FaultKind.Usage, $"no run below {Path.GetFullPath(state)} {what}") { Advice = "`millrace runs` lists them all." };

    /// <summary>How one run stands.</summary>
    public static RunListing Describe(RunDirectory directory)
    {
        var report = directory.ReadReport();
        var status = RunLease.IsHeld(directory) ? RunStatus.Running
            : report is null || directory.LatestEpoch()?.Epoch > report.Epoch ? RunStatus.Interrupted
            : report.Summary.Status;
        return new RunListing(directory, status, report);
    }

    /// <summary>Removes the folder of a run that has ended for good.</summary>
    /// <exception cref="Fault">It is held, or could still be resumed.</exception>
    public static void Remove(RunListing run)
    {
        if (run.Status == RunStatus.Running || run.CanResume)
        {
            throw new Fault(FaultKind.Refused, $"run {run.Directory.Run} is {run.Status.ToString().ToLowerInvariant()}: it may have staged files")
            {
                Advice = $"`millrace cancel {run.Directory.Run}` removes those; then prune again.",
            };
        }

        Directory.Delete(run.Directory.Path, recursive: true);
    }
}

/// <summary>A run and how it stands.</summary>
/// <param name="Directory">Its folder.</param>
/// <param name="Status">How it stands right now.</param>
/// <param name="Report">What the last coordinator that ended has said; null when none has.</param>
public sealed record RunListing(RunDirectory Directory, RunStatus Status, RunReport? Report)
{
    /// <summary>
    /// True when <c>resume</c> goes on with it and it may have staged files: its coordinator died, it failed, or a signal stopped it.
    /// False after <c>cancel</c>, which leaves its file as a sign.
    /// </summary>
    public bool CanResume => Status is RunStatus.Interrupted or RunStatus.Failed || (Status == RunStatus.Cancelled && !File.Exists(Directory.CancelPath));
}
