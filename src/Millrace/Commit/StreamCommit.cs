using System.Runtime.CompilerServices;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Load;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Transform;

namespace Millrace.Commit;

/// <summary>Publishes a stream whose units all have results: sums first, then the target's one step, then the run directory's memory of it.</summary>
internal static class StreamCommit
{
    /// <summary>Commits. Doing it again, after any kill, changes nothing.</summary>
    public static async Task<CommitRecord> RunAsync(
        ActiveRun run, StreamJob stream, StreamHeader header, Generation generation, ITarget target, BucketPlace buckets, CancellationToken cancel)
    {
        var units = generation.PlannedUnits()
            ?? throw new Fault(FaultKind.Internal, "the plan was cut off, so the stream can't be committed") { Where = stream.Name };
        long read = 0, written = 0, rejected = 0, bytes = 0, staged = 0;
        var hash = default(ContentHash);
        var rejects = new HashSet<string>(StringComparer.Ordinal);
        var rules = new RuleSums(stream);
        string? first = null;
        LookupCounts? lookups = null;
        await foreach (var result in generation.ReadResultsAsync(units, cancel).ConfigureAwait(false))
        {
            (read, written, bytes, rejected) = (read + result.RowsRead, written + result.RowsWritten, bytes + result.BytesRead, rejected + result.Rejected);
            lookups = LookupCounts.Sum(lookups, result.Lookups);
            rules.Add(result);
            staged += result.Files.Sum(static file => file.Bytes);
            first ??= result.Rejects?.FirstOrDefault()?.Path;
            rejects.UnionWith((result.Rejects ?? []).Select(static file => file.Path));
            if (header.Proof != Proof.Counts) hash += Agreed(result, header);
        }

        var folder = run.Directory.Stream(stream.Name);
        if (header.Stage is { OnlyChecks: false })
        {
            // What leaves a source is counted where it does; between stages every row is, and steps give as many as they give.
            var earlier = await StageSums.ReadAsync(folder, header.Stage.InsteadOf, rejects, rules, cancel).ConfigureAwait(false);
            if (!header.Stage.Buckets.IsEmpty) (read, bytes) = (0, 0);
            (read, bytes, rejected) = (read + earlier.Read, bytes + earlier.Bytes, rejected + earlier.Rejected);
            first ??= earlier.FirstRejects;
            lookups = LookupCounts.Sum(lookups, earlier.Lookups);
        }
        else if (read != written + rejected)
            throw new Fault(FaultKind.Data, $"{read} rows left the source, {rejected} were rejected and {written} were written: nothing was published") { Where = stream.Name };
        if (rejected > 0 && !run.RejectLimit.Allows(rejected, read))
            throw RejectFlood.AtTheEnd(header, run.RejectLimit, rejected, read, folder.PathOf(first ?? ""));
        if (header.Proof != Proof.Counts && hash.Rows != written)
            throw new Fault(FaultKind.Data, $"{written} rows were written and {hash} is their hash: nothing was published") { Where = stream.Name };
        var outcomes = rules.Judge(run, written);
        run.Lease.AssertHolder();
        var request = RequestOf(run, stream, header, token => generation.ReadResultsAsync(units, token), written, staged, rejects);
        var receipt = await PublishAsync(run, header, request, folder, target, buckets, cancel).ConfigureAwait(false);
        var record = new CommitRecord
        {
            Stream = stream.Name,
            Epoch = run.Lease.Epoch,
            RowsRead = read,
            Rejected = rejected,
            Hash = header.Proof == Proof.Counts ? null : hash.ToString(),
            BytesRead = bytes,
            Lookups = lookups,
            Units = units,
            Receipt = receipt,
            Rules = outcomes,
        };
        folder.WriteCommit(record);
        await RemoveStagesAsync(run, folder, buckets, cancel).ConfigureAwait(false);
        folder.RemoveRejectsExcept(rejects);
        return record;
    }

    /// <summary>The target's one step. Where it has lost what was staged, the stream is read from its beginning: what its stages have on a store goes.</summary>
    private static async Task<CommitReceipt> PublishAsync(
        ActiveRun run, StreamHeader header, CommitRequest request, StreamFolder folder, ITarget target, BucketPlace buckets, CancellationToken cancel)
    {
        var isLost = false;
        void Forget()
        {
            isLost = true;
            folder.Forget();
        }

        try
        {
            return await target.CommitAsync(header, request with { StagingLost = Forget }, cancel).ConfigureAwait(false);
        }
        catch (Fault) when (isLost)
        {
            await RemoveStagesAsync(run, folder, buckets, cancel).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Removes the stream's stages with what they have on a store. What can't be removed there now goes when the run ends, or with it.</summary>
    private static async Task RemoveStagesAsync(ActiveRun run, StreamFolder folder, BucketPlace buckets, CancellationToken cancel)
    {
        folder.RemoveStages();
        try
        {
            await buckets.RemoveAsync(folder, run.Lease.AssertHolder, cancel).ConfigureAwait(false);
        }
        catch (Exception error) when (error is Fault or OperationCanceledException)
        {
            run.On(new Warned($"rows between stages that nobody needs any more were not removed: {error.Message}"));
        }
    }

    private static CommitRequest RequestOf(
        ActiveRun run, StreamJob stream, StreamHeader header, Func<CancellationToken, IAsyncEnumerable<UnitResult>> results, long rows, long bytes, HashSet<string> rejects)
    {
        var folder = run.Directory.Stream(stream.Name);
        return new CommitRequest
        {
            Mode = stream.Mode,
            Merge = MergeRule.Of(stream, header),
            Schema = stream.Schema,
            Epoch = run.Lease.Epoch,
            Results = results,
            Rejects = token => LinesAsync(rejects.Select(folder.PathOf), token),
            Rows = rows,
            Bytes = bytes,
            AssertHolder = run.Lease.AssertHolder,
        };
    }

    private static async IAsyncEnumerable<string> LinesAsync(IEnumerable<string> paths, [EnumeratorCancellation] CancellationToken cancel)
    {
        foreach (var path in paths.Order(StringComparer.Ordinal))
        {
            await foreach (var line in File.ReadLinesAsync(path, cancel).ConfigureAwait(false)) yield return line;
        }
    }

    /// <summary>The hash of a unit's rows, which must have left the source as they were written, unless steps lie between.</summary>
    private static ContentHash Agreed(UnitResult result, StreamHeader header)
    {
        var written = ResultHashes.Read(result, result.HashOut);
        if (header.Stage is { OnlyChecks: false }) return written;
        var left = ResultHashes.Read(result, result.HashIn);
        if (left == written) return left;
        throw new Fault(FaultKind.Data, $"{left} left the source and {written} was written: nothing was published")
        {
            Where = $"{header.Stream}, unit {result.Number}",
            Advice = "Somebody has changed the run directory, or this machine's memory or disk is at fault. Begin a new run.",
        };
    }
}
