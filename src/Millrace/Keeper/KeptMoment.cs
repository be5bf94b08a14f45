using System.Collections.Immutable;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;
using Millrace.Telemetry;

namespace Millrace.Keeper;

/// <summary>The coordinator's side of a moment that outlives it.</summary>
internal static class KeptMoment
{
    /// <summary>
    /// Lets a process of its own hold the moment too. Gives the moment's text that units are read under from now on; null when there is none,
    /// or nobody but this coordinator holds it.
    /// </summary>
    public static async Task<string?> KeepAsync(ActiveRun run, Job job, JobEnds ends, RunOptions options)
    {
        if (options.Keeper is not { } command || !Budget.Keeps(job.Limits) || ends.Source.Held is not { } held) return null;
        run.Sign.End();
        var settings = new KeeperSettings(
            run.Sign.Begin(run.Lease.Epoch), ends.SourceAddress, job.BaseDirectory, held, job.Limits.SnapshotHoldSeconds ?? Limits.SnapshotHoldSecondsDefault);
        try
        {
            var (moment, pid) = await KeeperProcess.StartAsync(command, settings, run.Stop).ConfigureAwait(false);
            run.KeptBy(pid);
            return moment;
        }
        catch (Fault fault)
        {
            run.On(new Warned(fault.Message));
            return null;
        }
    }

    /// <summary>On resume: takes the moment that the unread streams were read at, if somebody still holds it.</summary>
    public static async Task<bool> TryRejoinAsync(RunDirectory directory, ISource source, ImmutableArray<StreamJob> unread, CancellationToken cancel)
    {
        if (!new KeeperSign(directory).IsKept()) return false;
        foreach (var moment in unread.SelectMany(stream => MomentsOf(directory.Stream(stream.Name))).Distinct(StringComparer.Ordinal))
        {
            if (await source.RejoinAsync(moment, unread, cancel).ConfigureAwait(false)) return true;
        }

        return false;
    }

    /// <summary>The moments at which the job's own source was read for a stream and its stages: more than one where the first was lost.</summary>
    private static IEnumerable<string> MomentsOf(StreamFolder stream)
    {
        foreach (var reading in stream.Stages().Prepend(stream))
        {
            if (reading.Latest()?.ReadHeader() is { Moment: { } moment, Stage: null or { Source: null } }) yield return moment;
        }
    }
}
