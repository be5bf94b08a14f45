using System.Collections.Immutable;
using System.Globalization;
using Millrace.Faults;

namespace Millrace.Jobs.Reading;

/// <summary>Reads <c>expect</c>: the rules that a stream's rows must keep.</summary>
internal static class ExpectReading
{
    /// <summary>The rules in order; mistakes are noted.</summary>
    public static ImmutableArray<ExpectRule> Read(MapReader reader, JobScope scope)
    {
        var rules = ImmutableArray.CreateBuilder<ExpectRule>();
        foreach (var (key, item) in ItemList.Read(reader, "expect", "rule", KeyTable.Expect, "action", Limits.ExpectRulesMax, scope.Faults))
        {
            var action = item.Choice("action", Choices.Action) ?? ExpectAction.Fail;
            if (action == ExpectAction.Quarantine && key is "unique" or "row_count")
            {
                item.Fault("action", $"found quarantine for {key}, which is about the whole table and not about single rows", key == "unique" ? "Use fail or warn; the step dedupe leaves rows out." : "Use fail or warn.");
            }

            if (item.Needs(key)) rules.AddRange(Rules(key, item, scope, action));
        }

        if (rules.Count <= Limits.ExpectRulesMax) return rules.ToImmutable();
        reader.Fault("expect", $"found {rules.Count} rules, expected at most {Limits.ExpectRulesMax}");
        return [];
    }

    private static IEnumerable<ExpectRule> Rules(string key, MapReader item, JobScope scope, ExpectAction action)
    {
        var mark = item.MarkOf(key);
        switch (key)
        {
            case "not_null":
                return [new() { Mark = mark, Kind = ExpectKind.NotNull, Columns = ColumnReading.Needed(item, key), Action = action }];
            case "unique":
                return [new() { Mark = mark, Kind = ExpectKind.Unique, Columns = ColumnReading.Needed(item, key), Action = action }];
            case "row_count":
                return [RowCount(item, key) with { Mark = mark, Action = action }];
            case "sql":
                return [new() { Mark = mark, Kind = ExpectKind.Sql, Condition = SqlReading.Read(item, key, scope), Action = action }];
            default:
                return item.OpenMap(key, key switch
                {
                    "accepted" => "a list of values",
                    "between" => "a list of the least and the greatest value",
                    _ => "a regular expression",
                }) is { } columns ? [.. columns.Names.Select(column => OfColumn(key, columns, column) with { Action = action })] : [];
        }
    }

    private static ExpectRule OfColumn(string key, MapReader columns, string column)
    {
        var mark = columns.MarkOf(column);
        if (key == "matches") return new() { Mark = mark, Kind = ExpectKind.Matches, Columns = [column], Pattern = columns.NeededText(column) };
        if (key == "between") return Between(columns, column) with { Mark = mark };
        if (columns.Needs(column) && columns.Node(column) is not ListNode { Items.Count: > 0 })
        {
            columns.Fault(column, $"found {(columns.Node(column) is ListNode ? "an empty list" : columns.Node(column)!.Shape)}, expected a list of values", "For example: [Low, Medium, High]");
            return new() { Mark = mark, Kind = ExpectKind.Accepted };
        }

        return new() { Mark = mark, Kind = ExpectKind.Accepted, Columns = [column], Values = columns.Texts(column, mayBeEmpty: true) };
    }

    /// <summary>Two values; null leaves an end open.</summary>
    private static ExpectRule Between(MapReader columns, string column)
    {
        var rule = new ExpectRule { Mark = columns.MarkOf(column), Kind = ExpectKind.Between, Columns = [column] };
        if (columns.Node(column) is not ListNode { Items: [ScalarNode { IsEmpty: false } least, ScalarNode { IsEmpty: false } greatest] }
            || (least.IsNull && greatest.IsNull))
        {
            columns.Fault(column, $"found {columns.Node(column)?.Shape ?? "nothing"}, expected a list of the least and the greatest value", "For example: [0, 1]; null leaves an end open.");
            return rule;
        }

        rule = rule with { Min = least.IsNull ? null : least.Text, Max = greatest.IsNull ? null : greatest.Text };
        if (Number(rule.Min) is { } min && Number(rule.Max) is { } max && min > max)
        {
            columns.Fault(column, $"found {rule.Min} to {rule.Max}, expected the least value first");
        }

        return rule;
    }

    private static ExpectRule RowCount(MapReader item, string key)
    {
        var rule = new ExpectRule { Mark = item.MarkOf(key), Kind = ExpectKind.RowCount };
        if (item.Node(key) is not MapNode)
        {
            var rows = Text(item.Number(key, 0, long.MaxValue));
            return rule with { Min = rows, Max = rows };
        }

        var map = item.Map(key, KeyTable.RowCount);
        if (!map.Has("min") && !map.Has("max"))
        {
            item.Fault(key, "found neither min nor max", "For example: row_count: {min: 1}");
            return rule;
        }

        var (min, max) = (map.Number("min", 0, long.MaxValue), map.Number("max", 0, long.MaxValue));
        if (min > max) map.Fault("max", $"found {max}, expected at least min, which is {min}");
        return rule with { Min = Text(min), Max = Text(max) };
    }

    private static string? Text(long? number) => number?.ToString(CultureInfo.InvariantCulture);

    private static decimal? Number(string? text) =>
        decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ? number : null;
}
