using System.Runtime.CompilerServices;
using Millrace.Faults;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Verify;

/// <summary>A unit of the run beside the one that is read in its place now.</summary>
/// <param name="Number">Its number in both plans.</param>
/// <param name="Now">What is read now; null when the source is cut into fewer units than it was.</param>
/// <param name="Planned">What the run has read; null when the source is cut into more units than it was.</param>
/// <param name="Result">What that came to.</param>
internal sealed record UnitPair(long Number, Unit? Now, Unit? Planned, UnitResult? Result)
{
    /// <summary>Whether both read the same range, so that they can be compared with each other.</summary>
    public bool IsSameRange => Now is not null && Planned is not null && string.Equals(Now.Slice, Planned.Slice, StringComparison.Ordinal);
}

/// <summary>A stream's units as the run has read them, beside those of a plan that was made now; neither plan is ever in memory.</summary>
internal static class UnitPairs
{
    /// <summary>All pairs in the plans' order.</summary>
    public static async IAsyncEnumerable<UnitPair> ReadAsync(StreamPlan now, Generation generation, [EnumeratorCancellation] CancellationToken cancel)
    {
        await using var fresh = now.Units(cancel).GetAsyncEnumerator(cancel);
        await using var planned = generation.ReadPlanAsync(cancel).GetAsyncEnumerator(cancel);
        await using var results = ResultsAsync(generation, cancel).GetAsyncEnumerator(cancel);
        bool hasFresh = true, hasPlanned = true;
        for (long number = 0; ; number++)
        {
            hasFresh = hasFresh && await fresh.MoveNextAsync().ConfigureAwait(false);
            hasPlanned = hasPlanned && await planned.MoveNextAsync().ConfigureAwait(false) && await results.MoveNextAsync().ConfigureAwait(false);
            if (!hasFresh && !hasPlanned) yield break;
            var unit = hasFresh ? new Unit { Number = number, Slice = fresh.Current.Slice, Label = fresh.Current.Label, EstimatedRows = fresh.Current.EstimatedRows } : null;
            yield return new UnitPair(number, unit, hasPlanned ? planned.Current : null, hasPlanned ? results.Current : null);
        }
    }

    /// <summary>The results of all units of a committed stream.</summary>
    /// <exception cref="Fault">The run directory is not whole.</exception>
    public static async IAsyncEnumerable<UnitResult> ResultsAsync(Generation generation, [EnumeratorCancellation] CancellationToken cancel)
    {
        var units = generation.PlannedUnits() ?? throw Incomplete("the plan of the stream is not whole");
        for (long unit = 0; unit < units; unit++)
        {
            if (!generation.HasResult(unit)) throw Incomplete($"unit {unit} of {units} has no result");
        }

        await foreach (var result in generation.ReadResultsAsync(units, cancel).ConfigureAwait(false)) yield return result;
    }

    private static Fault Incomplete(string what) => new(FaultKind.Refused, $"the run directory is not complete any more: {what}")
    {
        Advice = "Somebody has removed parts of it. What the run has written can't be told without them.",
    };
}
