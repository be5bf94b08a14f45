using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Keeper;
using Millrace.Planning;
using Millrace.Telemetry;
using Millrace.Transform;

namespace Millrace.Runs;

/// <summary>
/// Stops a run for good: whoever holds it is asked to end, and what is staged is removed. What is committed stays. The cancel file stays
/// too, as the sign that nothing is staged; a <c>resume</c> that names the run reads what is not committed from its beginning.
/// </summary>
public sealed class RunCancellation(RunOptions options)
{
    /// <summary>Cancels. Doing it again, after any kill, changes nothing.</summary>
    /// <exception cref="Fault">The coordinator does not end in time, or the staging can't be removed.</exception>
    public async Task<RunSummary> CancelAsync(RunDirectory directory, Job job, CancellationToken cancel)
    {
        await File.WriteAllTextAsync(directory.CancelPath, "", cancel).ConfigureAwait(false);
        using var lease = await TakeAsync(directory, cancel).ConfigureAwait(false);
        new KeeperSign(directory).End();
        await using var target = JobEnds.OpenTarget(job, options);
        await target.DiscardAsync(directory.Run, cancel).ConfigureAwait(false);
        if (Directory.Exists(directory.SpillPath)) Directory.Delete(directory.SpillPath, recursive: true);

        var ending = new Ending();
        foreach (var stream in job.Streams)
        {
            var folder = directory.Stream(stream.Name);
            if (folder.ReadCommit() is { } commit) ending.Add(commit);

            // Its results name staged files that are gone: a later resume must not count them.
            else folder.Forget();
        }

        await RemoveStoredAsync(directory, job, lease.AssertHolder, cancel).ConfigureAwait(false);
        if (ending.Commits.Length < job.Streams.Length) ending.Add(new Fault(FaultKind.Cancelled, "the run was cancelled"));
        var summary = ending.Summary(directory.Run);
        directory.WriteReport(new RunReport { Epoch = lease.Epoch, Summary = summary, Ended = options.Clock.GetUtcNow(), Commits = ending.Commits });
        return summary;
    }

    /// <summary>Removes what a run that has ended for good has left on an object store; usually that is nothing.</summary>
    /// <exception cref="Fault">It can't be removed.</exception>
    public Task RemoveStoredAsync(RunDirectory directory, Job job, CancellationToken cancel) => RemoveStoredAsync(directory, job, static () => { }, cancel);

    private async Task RemoveStoredAsync(RunDirectory directory, Job job, Action before, CancellationToken cancel)
    {
        if (JobEnds.OpenShuffle(job, options) is not { } store) return;
        await using (store.ConfigureAwait(false)) await new BucketPlace(directory, store).RemoveAllAsync(before, cancel).ConfigureAwait(false);
    }

    /// <summary>Waits until the coordinator, which looks for the cancel file, has let go.</summary>
    private async Task<RunLease> TakeAsync(RunDirectory directory, CancellationToken cancel)
    {
        var began = options.Clock.GetTimestamp();
        while (RunLease.IsHeld(directory) && options.Clock.GetElapsedTime(began).TotalSeconds < Limits.CancelWaitSecondsMax)
            await Task.Delay(TimeSpan.FromMilliseconds(Limits.SampleMilliseconds / 5), options.Clock, cancel).ConfigureAwait(false);
        return await RunLease.TakeAsync(directory, options.Clock, cancel).ConfigureAwait(false);
    }
}
