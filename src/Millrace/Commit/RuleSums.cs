using System.Collections.Immutable;
using System.Globalization;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Transform;

namespace Millrace.Commit;

/// <summary>What a stream's rules come to: the counts of all its units' results together, judged before anything is published.</summary>
/// <param name="stream">The stream.</param>
internal sealed class RuleSums(StreamJob stream)
{
    private readonly SortedDictionary<int, RuleCount> _counts = [];

    /// <summary>Adds a unit's.</summary>
    public void Add(UnitResult result) => RuleCount.Add(_counts, result);

    /// <summary>Every rule's outcome. Warns of the broken ones that say so.</summary>
    /// <param name="run">Hears the warnings.</param>
    /// <param name="rows">Rows that the table gets.</param>
    /// <exception cref="Fault">A rule is broken that must not be.</exception>
    public ImmutableArray<RuleOutcome> Judge(ActiveRun run, long rows)
    {
        var outcomes = stream.Expect.Select((rule, i) => OutcomeOf(rule, i, rows)).ToImmutableArray();
        var failed = outcomes.Select(static (outcome, i) => (Outcome: outcome, Number: i)).Where(static one => one.Outcome is { IsBroken: true, Action: ExpectAction.Fail }).ToArray();
        if (failed.Length > 0) throw Broken(stream.Expect[failed[0].Number], [.. failed.Select(static one => one.Outcome)], rows);
        foreach (var outcome in outcomes)
        {
            if (outcome is { IsBroken: true, Action: ExpectAction.Warn }) run.On(new Warned($"{stream.Name}: {Describe(outcome, rows)}"));
        }

        return outcomes;
    }

    private RuleOutcome OutcomeOf(ExpectRule rule, int number, long rows)
    {
        var count = _counts.GetValueOrDefault(number);
        var isRowCount = rule.Kind == ExpectKind.RowCount;
        return new RuleOutcome
        {
            Rule = RuleText.PlaceOf(rule),
            Text = RuleText.WithColumns(rule),
            Action = rule.Action,
            IsBroken = isRowCount ? rows < Number(rule.Min, 0) || rows > Number(rule.Max, long.MaxValue) : count is not null,
            Rows = isRowCount ? rows : count?.Rows ?? 0,
            Samples = count?.Samples ?? [],
        };
    }

    private static long Number(string? text, long otherwise) => text is null ? otherwise : long.Parse(text, CultureInfo.InvariantCulture);

    private static string Describe(RuleOutcome outcome, long rows)
    {
        var words = outcome.Rule.Contains(".row_count", StringComparison.Ordinal)
            ? $"found {Whole(outcome.Rows)} rows, expected {outcome.Text}"
            : $"{Whole(outcome.Rows)} of {Whole(rows)} rows break {outcome.Text}";
        return $"{words} ({outcome.Rule}){(outcome.Samples.IsEmpty ? "" : $", such as {string.Join("; ", outcome.Samples)}")}";
    }

    private Fault Broken(ExpectRule first, ImmutableArray<RuleOutcome> broken, long rows) =>
        new(FaultKind.Data, $"{stream.Name}: {string.Join(". ", broken.Take(Limits.RulesNamedMax).Select(outcome => Describe(outcome, rows)))}"
            + $"{(broken.Length > Limits.RulesNamedMax ? $". {broken.Length - Limits.RulesNamedMax} more rules are broken" : "")}: nothing was published")
        {
            Side = FaultSide.Transform,
            Where = first.Mark.ToString(),
            Advice = "Correct these rows where they come from, or change the rule: `action: quarantine` leaves them out, `action: warn` publishes them. Then run the job again.",
        };

    private static string Whole(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
