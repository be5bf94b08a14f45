using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Transform;

/// <summary>Makes the headers of stages, when the files of those before are known.</summary>
internal static class StageHeaders
{
    /// <summary>For a stage that reads no other.</summary>
    public static IReadOnlyDictionary<int, FinishedStage> NoFiles { get; } = new Dictionary<int, FinishedStage>();

    /// <summary>The header of a stage.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="runStart">When the run began.</param>
    /// <param name="finished">The stages before it, by their numbers.</param>
    public static StageHeader Of(PlannedStage stage, DateTimeOffset runStart, IReadOnlyDictionary<int, FinishedStage> finished)
    {
        BucketRelation Relation(StageInput input) => finished[input.Stage].As(input.Name);
        return new StageHeader
        {
            Number = stage.Number,
            InputColumns = stage.InputColumns,
            Sql = stage.Sql,
            Checks = stage.Checks,
            After = stage.After,
            Sides = [.. stage.Sides.Select(Relation)],
            Lookups = stage.Lookups,
            Buckets = [.. stage.Keyed.Select(Relation)],
            BucketSql = stage.KeySql,
            BucketOrder = stage.Order,
            PortionRows = stage.PortionRows,
            Largest = stage.Largest,
            Elements = stage.Elements,
            InsteadOf = stage.InsteadOf,
            MemoryBytes = stage.MemoryBytes,
            Source = stage.SourceNumber,
            Output = stage.Output,
            RunStart = runStart,
        };
    }
}

/// <summary>A stage whose rows all lie in buckets.</summary>
/// <param name="Stage">The stage.</param>
/// <param name="Files">Its units' files in plan order, relative to the run directory.</param>
internal sealed record FinishedStage(PlannedStage Stage, ImmutableArray<string> Files)
{
    /// <summary>The stage as a relation of a later one.</summary>
    public BucketRelation As(string name)
    {
        var output = Stage.Output!;
        var columns = output.Place is { } added ? Stage.Columns.Add(SourcePlace.Of(added)) : Stage.Columns;
        return new BucketRelation(name, columns, output.Keys, Files, output.ByValue ? int.MaxValue : output.Buckets, output.ByValue)
        {
            Merge = (output.Place, Stage.Place) switch
            {
                ({ } place, _) => new BucketMerge(place, long.MaxValue, MergeBy.File),
                (_, { } place) => new BucketMerge(place, output.MergeBytes, output.ByValue ? MergeBy.Bucket : MergeBy.All),
                _ => null,
            },
        };
    }

    /// <summary>Reads what a stage's units have written.</summary>
    public static async Task<FinishedStage> ReadAsync(PlannedStage stage, Generation generation, CancellationToken cancel)
    {
        var files = ImmutableArray.CreateBuilder<string>();
        var units = generation.PlannedUnits() ?? 0;
        await foreach (var result in generation.ReadResultsAsync(units, cancel).ConfigureAwait(false))
        {
            foreach (var file in result.Files) files.Add(file.Path);
        }

        return new FinishedStage(stage, files.ToImmutable());
    }
}
