using Millrace.Runs;
using Millrace.Transform;

namespace Millrace.Commit;

/// <summary>What a stream's earlier stages have read from sources, and left out.</summary>
/// <param name="Read">Rows that left a source.</param>
/// <param name="Bytes">Bytes that were read from it.</param>
/// <param name="Rejected">Rows that went to quarantine.</param>
/// <param name="FirstRejects">The first file of them; null: there is none.</param>
internal sealed record StageSums(long Read, long Bytes, long Rejected, string? FirstRejects)
{
    /// <summary>What was looked up in stores, by stages of every kind.</summary>
    public LookupCounts? Lookups { get; private set; }

    /// <summary>Adds their results up; the files of rejected rows go to <paramref name="rejects"/>, what rules have counted to <paramref name="rules"/>.</summary>
    public static async Task<StageSums> ReadAsync(StreamFolder stream, HashSet<string> rejects, RuleSums rules, CancellationToken cancel)
    {
        var sums = new StageSums(0, 0, 0, null);
        for (var number = 1; stream.Stage(number).Latest() is { } generation; number++)
        {
            var isOfSource = generation.ReadHeader() is { Stage.Buckets.IsEmpty: true };
            await foreach (var result in generation.ReadResultsAsync(generation.PlannedUnits() ?? 0, cancel).ConfigureAwait(false))
            {
                sums.Lookups = LookupCounts.Sum(sums.Lookups, result.Lookups);
                foreach (var file in result.Rejects ?? []) rejects.Add(file.Path);
                rules.Add(result);
                if (isOfSource) sums = sums with { Read = sums.Read + result.RowsRead, Bytes = sums.Bytes + result.BytesRead };
                sums = new StageSums(
                    sums.Read, sums.Bytes, sums.Rejected + result.Rejected, sums.FirstRejects ?? result.Rejects?.FirstOrDefault()?.Path) { Lookups = sums.Lookups };
            }
        }

        return sums;
    }
}
