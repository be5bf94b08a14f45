using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Transform;

/// <summary>
/// The moments that a stream's stages read their sources at. On resume that may be one that is gone: where every stage that reads the same source is
/// done, all these rows lie in buckets and are of one moment. Where one is not, all of them are read again, at the moment that is held now.
/// </summary>
/// <param name="run">The run.</param>
/// <param name="plan">The stream's plan.</param>
internal sealed class StageMoments(RunDirectory run, StreamPlan plan)
{
    private const int OwnSource = -1;
    private readonly Dictionary<int, string?> _moments = [];

    /// <summary>The moment of a stage, which all stages of its source have.</summary>
    /// <param name="stage">The stage: the next one that runs.</param>
    /// <param name="now">The moment that is held now.</param>
    /// <param name="finished">The stages before it.</param>
    /// <param name="cancel">Stops it.</param>
    public async ValueTask<string> OfAsync(PlannedStage stage, string now, IReadOnlyDictionary<int, FinishedStage> finished, CancellationToken cancel)
    {
        // Then units count whatever their moment was.
        if (plan.Stream.Consistency == Consistency.Unit) return now;
        var source = SourceOf(stage);
        if (!_moments.TryGetValue(source, out var moment)) _moments[source] = moment = await DoneAsync(source, finished, cancel).ConfigureAwait(false);
        return moment ?? now;
    }

    /// <summary>
    /// The one moment at which an earlier coordinator has read all of a source; null when there is none. Stages of other sources that are still to
    /// come count as unread: nobody knows yet whether they are the same.
    /// </summary>
    private async Task<string?> DoneAsync(int source, IReadOnlyDictionary<int, FinishedStage> finished, CancellationToken cancel)
    {
        var steps = plan.Steps!;
        if (steps.Last.Source is not null && SourceOf(steps.Last) == source) return null;
        var known = new Dictionary<int, FinishedStage>(finished);
        string? moment = null;
        foreach (var stage in steps.Earlier.Where(stage => !finished.ContainsKey(stage.Number)))
        {
            var isOfSource = stage.Source is not null && SourceOf(stage) == source;
            if (stage.Source is not null && !isOfSource) continue;
            var header = await FindAsync(stage, known, cancel).ConfigureAwait(false);
            if (!isOfSource) continue;
            if (header?.Moment is null || (moment ?? header.Moment) != header.Moment) return null;
            moment = header.Moment;
        }

        return moment;
    }

    /// <summary>What an earlier coordinator has done of a stage if it was all of it, with the same files before it; null otherwise.</summary>
    private async Task<StreamHeader?> FindAsync(PlannedStage stage, Dictionary<int, FinishedStage> known, CancellationToken cancel)
    {
        if (stage.Keyed.Concat(stage.Sides).Any(input => !known.ContainsKey(input.Stage))) return null;
        var generation = run.Stream(plan.Stream.Name, stage.Number).Latest();

        // Of so many units not all would be found again.
        if (generation?.PlannedUnits() is not { } units || units > Limits.CarriedUnitsMax) return null;
        if (await generation.CompleteHeaderAsync(Consistency.Snapshot, cancel).ConfigureAwait(false) is not { } header) return null;
        var now = StageHeaders.Of(stage, run.Manifest.Began, known);
        if (!header.ReadsLike(stage.Source?.ReaderJson ?? StreamPlan.NoReader, stage.Columns, now)) return null;
        known[stage.Number] = await FinishedStage.ReadAsync(stage, generation, cancel).ConfigureAwait(false);
        return header;
    }

    private static int SourceOf(PlannedStage stage) => stage.SourceNumber ?? OwnSource;
}
