using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Transform;

/// <summary>A rule as messages show it.</summary>
internal static class RuleText
{
    /// <summary>What a row must keep, without the column: <c>between [0, 1]</c>.</summary>
    public static string Of(ExpectRule rule) => Words.Printable(
        rule.Kind switch
        {
            ExpectKind.NotNull => "not_null",
            ExpectKind.Unique => "unique",
            ExpectKind.Accepted => $"accepted [{string.Join(", ", rule.Values)}]",
            ExpectKind.Between => $"between [{rule.Min ?? "null"}, {rule.Max ?? "null"}]",
            ExpectKind.Matches => $"matches {rule.Pattern}",
            ExpectKind.RowCount => rule.Min == rule.Max ? $"row_count {rule.Min}" : $"row_count [{rule.Min ?? "null"}, {rule.Max ?? "null"}]",
            _ => $"sql {rule.Condition}",
        },
        Limits.RuleTextCharsMax);

    /// <summary>The same with its columns before it: <c>score: between [0, 1]</c>.</summary>
    public static string WithColumns(ExpectRule rule) =>
        rule.Columns.IsEmpty ? Of(rule) : $"{Words.Printable(string.Join(", ", rule.Columns), Limits.RuleTextCharsMax)}: {Of(rule)}";

    /// <summary>Where it stands in its stream: <c>expect[2].between.score</c>.</summary>
    public static string PlaceOf(ExpectRule rule)
    {
        var at = rule.Mark.Key.LastIndexOf(".expect[", StringComparison.Ordinal);
        return at < 0 ? rule.Mark.Key : rule.Mark.Key[(at + 1)..];
    }
}
