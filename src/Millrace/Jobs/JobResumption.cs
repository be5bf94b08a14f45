using System.Collections.Immutable;
using Millrace.Faults;
using Millrace.Jobs.Reading;

namespace Millrace.Jobs;

/// <summary>
/// What may change when a run is resumed: the source's address (its password is not in the run directory), the limits, and each stream's
/// consistency. Everything else stays as it was begun, or finished units would mean something else.
/// </summary>
public static class JobResumption
{
    /// <summary>The job of a run with what the command line gives anew.</summary>
    /// <param name="job">The job as it was run.</param>
    /// <param name="overrides">What the command line says.</param>
    public static JobReading Apply(Job job, JobOverrides overrides)
    {
        var faults = new FaultList();
        foreach (var set in overrides.Sets.Where(set => !IsAllowed(set)))
        {
            var key = set.Split('=')[0];
            faults.Add(new Mark($"--set {key}"), $"found {Words.Quote(key)}, expected limits.* or streams.NAME.consistency", "A run is resumed as it was begun. For another job, begin a new run.");
        }

        if (!faults.IsEmpty)
        {
            return new JobReading(null, faults.InFileOrder(), []);
        }

        // Read as a small job of its own, so that values are checked as they are everywhere.
        var reading = JobReader.ReadShortForm(
            overrides with
            {
                From = overrides.From ?? job.Source.Text,
                To = job.Target.Text,
                Streams = [.. job.Streams.Select(stream => stream.Name)],
                Mode = null,
                Sets = [$"format={job.Format.ToString().ToLowerInvariant()}", .. job.Streams.Where(stream => stream.To is not null).Select(stream => $"streams.{stream.Name}.to={stream.To}"), .. overrides.Sets],
            },
            job.BaseDirectory);
        if (reading.Job is not { } given)
        {
            return reading;
        }

        var isConsistencyGiven = overrides.Consistency is not null || overrides.Sets.Any(set => set.Contains(".consistency=", StringComparison.Ordinal));
        var streams = job.Streams.Select((stream, i) => isConsistencyGiven && given.Streams[i].Marks.ContainsKey("consistency")
            ? stream with { Consistency = given.Streams[i].Consistency }
            : stream);
        return reading with
        {
            Job = job with
            {
                Source = overrides.From is null ? job.Source : given.Source,
                Limits = new JobLimits
                {
                    MemoryBytes = given.Limits.MemoryBytes ?? job.Limits.MemoryBytes,
                    Workers = given.Limits.Workers ?? job.Limits.Workers,
                    SourceConnections = given.Limits.SourceConnections ?? job.Limits.SourceConnections,
                    TargetConnections = given.Limits.TargetConnections ?? job.Limits.TargetConnections,
                    SourceRowsPerSecond = given.Limits.SourceRowsPerSecond ?? job.Limits.SourceRowsPerSecond,
                    SourceBytesPerSecond = given.Limits.SourceBytesPerSecond ?? job.Limits.SourceBytesPerSecond,
                    DiskBytes = given.Limits.DiskBytes ?? job.Limits.DiskBytes,
                    SnapshotHoldSeconds = given.Limits.SnapshotHoldSeconds ?? job.Limits.SnapshotHoldSeconds,
                    Rejects = given.Limits.Rejects ?? job.Limits.Rejects,
                },
                Streams = [.. streams],
            },
        };
    }

    private static bool IsAllowed(string set)
    {
        var key = set.Split('=')[0];
        return key.StartsWith("limits.", StringComparison.Ordinal) || (key.StartsWith("streams.", StringComparison.Ordinal) && key.EndsWith(".consistency", StringComparison.Ordinal));
    }
}
