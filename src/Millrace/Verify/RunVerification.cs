using System.Collections.Immutable;
using System.Diagnostics;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Worker;

namespace Millrace.Verify;

/// <summary>
/// Reads what a run has moved once more from both ends, and compares. Every stream is compared by itself, one after the other, at a moment of its
/// own; nothing is changed, and nothing stays but what the observer is told. Memory, lanes and connections are those of the job's limits.
/// </summary>
/// <param name="options">Connectors, secrets, observer, clock.</param>
/// <param name="key">The columns that rows are known by, as the user says, by their names in the target; empty: the source's own key.</param>
public sealed class RunVerification(RunOptions options, ImmutableArray<string> key)
{
    private readonly List<StreamVerdict> _verdicts = [];
    private readonly List<Fault> _faults = [];

    /// <summary>Verifies all streams that a run has committed. Every ending is a summary; a stream that it has not committed is a fault.</summary>
    /// <param name="directory">The run.</param>
    /// <param name="job">Its job, with what the user gives anew.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<VerifySummary> RunAsync(RunDirectory directory, Job job, CancellationToken cancel)
    {
        var began = options.Clock.GetTimestamp();
        await using var progress = new VerifyProgress(options, began);
        var isCancelled = false;
        try
        {
            directory.AssertSameVersion();
            AssertCommitted(directory, job);
            AssertCanBeReadAgain(job);
            using var folder = VerifyFolder.Take(directory);
            progress.Start(directory, ExpectedUnits(directory, job));
            foreach (var stream in job.Streams) await VerifyAsync(directory, job, stream, folder, progress, cancel).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            isCancelled = cancel.IsCancellationRequested;
            _faults.Add(isCancelled ? new Fault(FaultKind.Cancelled, "the verification was cancelled", error) : Faulted.From(error));
        }

        var summary = new VerifySummary
        {
            Run = directory.Run,
            Status = isCancelled ? RunStatus.Cancelled : _faults.Count == 0 ? RunStatus.Succeeded : RunStatus.Failed,
            StreamCount = job.Streams.Length,
            Streams = [.. _verdicts],
            Faults = [.. _faults],
            Seconds = Math.Round(options.Clock.GetElapsedTime(began).TotalSeconds, 3),
            PeakMemoryBytes = await progress.EndAsync().ConfigureAwait(false),
        };
        options.Observer.On(new VerifyFinished(summary));
        return summary;
    }

    private async Task VerifyAsync(RunDirectory directory, Job job, StreamJob stream, VerifyFolder folder, VerifyProgress progress, CancellationToken cancel)
    {
        try
        {
            var place = directory.Stream(stream.Name);
            if (place.ReadCommit() is not { } commit) throw NotPublished(directory, stream);
            if (place.Latest() is not { } generation || generation.ReadHeader() is not { } header)
                throw new Fault(FaultKind.Refused, "the run directory is not complete any more: the stream's plan is gone") { Where = directory.Path };
            if (header.Stage is { OnlyChecks: false }) throw stream.Transform.IsEmpty ? IsGathered(stream) : HasSteps(stream);
            header = header.WithoutChecks();
            folder.Clear();
            var verdict = await CompareAsync(new Committed(stream, commit, generation, header), job, directory, folder, progress, cancel).ConfigureAwait(false);
            _verdicts.Add(verdict);
            progress.Tell(new StreamVerified(verdict));
            if (!verdict.IsEqual) _faults.Add(Differs(verdict));
        }
        catch (Exception error) when (!cancel.IsCancellationRequested)
        {
            var fault = Faulted.From(error);
            _faults.Add(fault);
            progress.Tell(new StreamFailed(stream.Name, fault));
        }
    }

    private async Task<StreamVerdict> CompareAsync(Committed committed, Job job, RunDirectory directory, VerifyFolder folder, VerifyProgress progress, CancellationToken cancel)
    {
        var (stream, commit, generation, header) = committed;
        var budget = Budget.Of(job.Limits);
        await using var ends = JobEnds.Open(job, options);
        var settings = ends.SettingsOf(job, directory, budget, epoch: 0, EngineChoice.InProc);
        await using var published = await VerifiedTarget.OpenAsync(job, options, ends, settings, header, stream.Mode, budget, cancel).ConfigureAwait(false);
        await ends.Source.HoldAsync([stream], cancel).ConfigureAwait(false);
        var plan = await ends.Source.PlanAsync(header.Window?.Over(stream) ?? stream, ends.RequestOf(budget), cancel).ConfigureAwait(false);
        AssertSameColumns(plan, header);
        if (published.Columns.IsEmpty) throw NothingToCompare(stream);
        var scope = new VerifyScope
        {
            // Sums are made here; a reader's own would be made for nothing.
            Header = header with { Moment = plan.Moment, ReaderJson = plan.ReaderJson, Columns = plan.Columns, Proof = Proof.Counts },
            Source = ends.Source,
            Compared = published.Columns,
            Key = key.IsEmpty ? KeyOf(plan, published.Columns, await ends.Source.KeyAsync(stream, cancel).ConfigureAwait(false)) : Named(plan, published.Columns),
            RowsMax = Math.Min(Limits.VerifyRowsMax, budget.MemoryBytes / Limits.VerifyBytesPerRow),
            Clock = options.Clock,
        };
        await using var reader = options.Connectors.OpenReader(settings, options.Clock);
        using var session = new VerifySession(scope, settings, folder, reader, published);
        var verification = new StreamVerification(scope, session, folder, generation, published, budget.Lanes);
        using var watching = progress.Watch(session, verification);
        return await verification.RunAsync(plan, commit, cancel).ConfigureAwait(false);
    }

    /// <summary>The source's key where all of it is among the compared columns.</summary>
    private static ImmutableArray<string> KeyOf(StreamPlan plan, ImmutableArray<string> compared, ImmutableArray<string> source)
    {
        var names = ImmutableArray.CreateBuilder<string>(source.Length);
        foreach (var name in source)
        {
            if (plan.Columns.FirstOrDefault(column => column.SourceName == name) is not { } column || !compared.Contains(column.Name)) return [];
            names.Add(column.Name);
        }

        return names.ToImmutable();
    }

    private ImmutableArray<string> Named(StreamPlan plan, ImmutableArray<string> compared)
    {
        foreach (var name in key)
        {
            if (compared.Contains(name)) continue;
            throw new Fault(FaultKind.Usage, $"found the key {Words.Quote(name)}, which is no column of {plan.Stream.Name} that can be compared")
            {
                Where = "--key", Advice = $"Its columns are {string.Join(", ", compared)}.",
            };
        }

        return key;
    }

    private static void AssertSameColumns(StreamPlan plan, StreamHeader header)
    {
        static string Text(IEnumerable<Column> columns) => string.Join(", ", columns.Select(static column => $"{column.Name} {column.Type}"));
        if (plan.Columns.Select(static column => (column.Name, column.Type)).SequenceEqual(header.Columns.Select(static column => (column.Name, column.Type)))) return;
        throw new Fault(FaultKind.Data, $"the source's columns have changed since the run: it had {Text(header.Columns)}, and has {Text(plan.Columns)}")
        {
            Side = FaultSide.Source, Where = plan.Stream.Name, Advice = "Run the job again; name columns and types in the job where they must stay as they are.",
        };
    }

    private static void AssertCommitted(RunDirectory directory, Job job)
    {
        if (job.Streams.Any(stream => directory.Stream(stream.Name).ReadCommit() is not null)) return;
        throw new Fault(FaultKind.Usage, $"run {directory.Run} has published nothing, so there is nothing to verify")
        {
            Advice = $"`millrace resume {directory.Run}` goes on with it; `millrace runs` lists others.",
        };
    }

    private void AssertCanBeReadAgain(Job job)
    {
        if (!EndpointScheme.IsStandardStream(options.Secrets.Resolve(job.Source).Reveal())) return;
        throw new Fault(FaultKind.Refused, "the run has read standard input, which can't be read again") { Side = FaultSide.Source, Where = job.Source.Mark.ToString() };
    }

    private static long ExpectedUnits(RunDirectory directory, Job job) => job.Streams.Sum(stream => directory.Stream(stream.Name).ReadCommit()?.Units ?? 0);

    private static Fault NotPublished(RunDirectory directory, StreamJob stream) => new(FaultKind.Usage, "the run has not published this stream")
    {
        Where = stream.Name, Advice = $"`millrace resume {directory.Run}` goes on with it.",
    };

    private static Fault HasSteps(StreamJob stream) => new(FaultKind.Refused, stream.Transform.IsEmpty
        ? "the stream's rows were brought together by value for its rule unique: units of the source and of the target are not the same, so the two can't be compared"
        : "the stream has steps: its target holds what they gave, and not the source's rows, so the two can't be compared")
    {
        Side = FaultSide.Job, Where = stream.Name, Advice = "Run the job again: it gives the same rows for the same source.",
    };

    private static Fault IsGathered(StreamJob stream) => new(FaultKind.Refused, "the stream's rows were put together by partition, so that no file has the rows of one unit, and source and target can't be compared unit by unit")
    {
        Side = FaultSide.Job, Where = stream.Name, Advice = "Use proof: readback in the run itself: it reads back what was written.",
    };

    private static Fault NothingToCompare(StreamJob stream) =>
        new(FaultKind.Refused, "no column comes back from the target as it was written, so nothing can be compared")
        {
            Side = FaultSide.Target, Where = stream.Name, Advice = "Write Parquet, or columns of the source's own types, where a run shall be verified.",
        };

    private static Fault Differs(StreamVerdict verdict)
    {
        var rows = verdict.Rows;
        var noun = verdict.Key.IsEmpty ? "row" : "key";
        string Count(long number) => $"{number} {noun}{(number == 1 ? "" : "s")}";
        var what = rows is null ? "the target has files that the run did not write"
            : $"source and target differ: {(rows.IsAtLeast ? "at least " : "")}{Count(rows.OnlyInSource)} only in the source, {Count(rows.OnlyInTarget)} only in the target"
                + (verdict.Key.IsEmpty ? "" : $", {Count(rows.Different)} with other values");
        return new Fault(FaultKind.Data, what) { Where = verdict.Stream, Advice = "Run the job again if the target shall be what the source is now." };
    }

    private sealed record Committed(StreamJob Stream, CommitRecord Commit, Generation Generation, StreamHeader Header);
}
