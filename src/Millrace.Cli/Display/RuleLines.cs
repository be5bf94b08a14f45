using System.Collections.Immutable;
using System.Text.Json;
using Millrace.Commit;

namespace Millrace.Cli.Display;

/// <summary>What a stream's rules came to, for people and as JSON.</summary>
internal static class RuleLines
{
    /// <summary>One rule: <c>kept</c>, or how many rows break it.</summary>
    public static string Text(RuleOutcome rule)
    {
        var found = rule.Rule.Contains(".row_count", StringComparison.Ordinal) ? $"{(rule.IsBroken ? "broken" : "kept")}, there are {Figures.Count(rule.Rows, "row")}"
            : rule.IsBroken ? $"{Figures.Count(rule.Rows, "row")} {(rule.Rows == 1 ? "breaks" : "break")} it"
            : "kept";
        return $"{rule.Rule}, {rule.Text} ({Action(rule)}): {found}";
    }

    /// <summary>How many rules are kept and broken; null when there are none.</summary>
    public static string? Sum(ImmutableArray<RuleOutcome> rules)
    {
        if (rules.IsEmpty) return null;
        var broken = rules.Count(static rule => rule.IsBroken);
        return broken == 0 ? $"{Figures.Count(rules.Length, "rule")} kept" : $"{Figures.Count(rules.Length - broken, "rule")} kept, {Figures.Whole(broken)} broken";
    }

    /// <summary>Writes a stream's rules as an array.</summary>
    /// <param name="json">Takes it.</param>
    /// <param name="name">The property's name.</param>
    /// <param name="rules">The rules.</param>
    /// <param name="withSamples">Whether some of the rows that break them are written too.</param>
    public static void Write(Utf8JsonWriter json, string name, ImmutableArray<RuleOutcome> rules, bool withSamples)
    {
        json.WriteStartArray(name);
        foreach (var rule in rules)
        {
            json.WriteStartObject();
            json.WriteString("rule", rule.Rule);
            json.WriteString("text", rule.Text);
            json.WriteString("action", Action(rule));
            json.WriteBoolean("broken", rule.IsBroken);
            json.WriteNumber("rows", rule.Rows);
            if (withSamples) PlanJson.Texts(json, "samples", rule.Samples);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static string Action(RuleOutcome rule) => rule.Action.ToString().ToLowerInvariant();
}
