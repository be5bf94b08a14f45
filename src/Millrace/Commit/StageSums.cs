using Millrace.Runs;
using Millrace.Transform;

namespace Millrace.Commit;

/// <summary>What a stream's earlier stages have read from sources, and left out.</summary>
/// <param name="Read">Rows that left a source.</param>
/// <param name="Bytes">Bytes that were read from it.</param>
/// <param name="Rejected">Rows that went to quarantine.</param>
/// <param name="FirstRejects">The first file of them; null: there is none.</param>
/// <param name="Lookups">What was looked up in stores, by stages of every kind; null: nothing.</param>
internal sealed record StageSums(long Read, long Bytes, long Rejected, string? FirstRejects, LookupCounts? Lookups)
{
    /// <summary>Adds their results up.</summary>
    /// <param name="stream">The stream.</param>
    /// <param name="givenUp">The stage that does not count (<see cref="StageHeader.InsteadOf"/>); null: all do.</param>
    /// <param name="rejects">Takes the files of rejected rows.</param>
    /// <param name="rules">Takes what rules have counted.</param>
    /// <param name="cancel">Stops it.</param>
    public static async Task<StageSums> ReadAsync(StreamFolder stream, int? givenUp, HashSet<string> rejects, RuleSums rules, CancellationToken cancel)
    {
        var sums = new StageSums(0, 0, 0, null, null);
        for (var number = 1; stream.Stage(number).Latest() is { } generation; number++)
        {
            if (number == givenUp) continue;
            var isOfSource = generation.ReadHeader() is { Stage.Buckets.IsEmpty: true };
            await foreach (var result in generation.ReadResultsAsync(generation.PlannedUnits() ?? 0, cancel).ConfigureAwait(false))
            {
                foreach (var file in result.Rejects ?? []) rejects.Add(file.Path);
                rules.Add(result);
                sums = new StageSums(
                    sums.Read + (isOfSource ? result.RowsRead : 0),
                    sums.Bytes + (isOfSource ? result.BytesRead : 0),
                    sums.Rejected + result.Rejected,
                    sums.FirstRejects ?? result.Rejects?.FirstOrDefault()?.Path,
                    LookupCounts.Sum(sums.Lookups, result.Lookups));
            }
        }

        return sums;
    }
}
