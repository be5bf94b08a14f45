using System.Collections.Immutable;
using Millrace.Planning;

namespace Millrace.Transform;

/// <summary>A stream's steps, compiled: its earlier stages in the order in which they run, and the one that writes to the target.</summary>
/// <param name="Earlier">Stages whose rows go into buckets; numbered from 1.</param>
/// <param name="Last">The stage that writes to the target; number 0.</param>
public sealed record StagedPlan(ImmutableArray<PlannedStage> Earlier, PlannedStage Last)
{
    /// <summary>The stages in words, for the plan.</summary>
    public IEnumerable<string> Describe()
    {
        foreach (var stage in Earlier) yield return $"stage {stage.Number}: {stage.Label}";
        if (!Earlier.IsEmpty) yield return $"last stage: {Last.Label}";
    }
}

/// <summary>An earlier stage as a relation.</summary>
/// <param name="Stage">Its number.</param>
/// <param name="Name">Its name in SQL.</param>
public sealed record StageInput(int Stage, string Name);
