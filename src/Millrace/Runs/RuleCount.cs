using System.Collections.Immutable;

namespace Millrace.Runs;

/// <summary>How many of a unit's rows break a rule of <c>expect</c>.</summary>
/// <param name="Rule">The rule's place in the job's rules, from 0.</param>
/// <param name="Rows">The rows.</param>
/// <param name="Samples">Some of them as text, cut.</param>
public sealed record RuleCount(int Rule, long Rows, ImmutableArray<string> Samples)
{
    /// <summary>The counts of several results together; null when none of them has any.</summary>
    public static ImmutableArray<RuleCount>? Sum(IEnumerable<UnitResult> results)
    {
        var sums = new SortedDictionary<int, RuleCount>();
        foreach (var result in results) Add(sums, result);
        return sums.Count == 0 ? null : [.. sums.Values];
    }

    /// <summary>Adds a result's counts.</summary>
    internal static void Add(SortedDictionary<int, RuleCount> sums, UnitResult result)
    {
        foreach (var count in result.Rules ?? [])
        {
            sums[count.Rule] = sums.TryGetValue(count.Rule, out var sum)
                ? sum with { Rows = sum.Rows + count.Rows, Samples = [.. sum.Samples.Concat(count.Samples).Take(Limits.RuleSamplesMax)] }
                : count;
        }
    }
}
