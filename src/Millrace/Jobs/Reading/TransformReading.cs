using System.Collections.Immutable;
using Millrace.Faults;

namespace Millrace.Jobs.Reading;

/// <summary>Reads <c>transform</c>: the steps of a stream.</summary>
internal static class TransformReading
{
    /// <summary>The steps in order; mistakes are noted.</summary>
    /// <param name="reader">The stream.</param>
    /// <param name="stream">The stream's name.</param>
    /// <param name="scope">What steps may refer to.</param>
    public static ImmutableArray<TransformStep> Read(MapReader reader, string stream, JobScope scope)
    {
        var steps = ImmutableArray.CreateBuilder<TransformStep>();
        foreach (var (key, item) in ItemList.Read(reader, "transform", "step", KeyTable.Step, option: null, Limits.StepsMax, scope.Faults))
        {
            if (Step(key, item, stream, scope) is { } step) steps.Add(step);
        }

        return steps.ToImmutable();
    }

    private static TransformStep? Step(string key, MapReader item, string stream, JobScope scope)
    {
        var mark = item.MarkOf(key);
        if (!item.Needs(key)) return null;
        if (key == "map") return SqlReading.Read(item, key, scope) is { } sql ? new MapStep(sql) { Mark = mark } : null;
        if (key == "unnest") return Unnest(item, mark);
        var below = KeyTable.BelowStep(key);
        if (item.Node(key) is not MapNode)
        {
            // Its message says all: what would be missing inside is no mistake of its own.
            item.Map(key, below);
            return null;
        }

        return key switch
        {
            "join" => JoinReading.Read(item.Map(key, below), mark, stream, scope),
            "nest" => Nest(item.Map(key, below), mark),
            "dedupe" => Dedupe(item.Map(key, below), mark),
            "group" => Group(item, mark, scope),
            _ => LookupReading.Read(item.Map(key, below), mark, scope),
        };
    }

    private static UnnestStep? Unnest(MapReader item, Mark mark)
    {
        if (item.Node("unnest") is not MapNode) return item.Text("unnest") is { } name ? new UnnestStep(name, Outer: false) { Mark = mark } : null;
        var map = item.Map("unnest", KeyTable.Unnest);
        var outer = map.Truth("outer") ?? false;
        return map.NeededText("column") is { } column ? new UnnestStep(column, outer) { Mark = mark } : null;
    }

    private static NestStep Nest(MapReader map, Mark mark)
    {
        var step = new NestStep(
            ColumnReading.Needed(map, "by"),
            map.NeededText("as") ?? "",
            OrderReading.Read(map, "order_by"),
            map.Choice("oversize", Choices.Oversize) ?? Oversize.Fail) { Mark = mark };
        if (step.By.Has(step.As)) map.Fault("as", $"found {Words.Quote(step.As)}, which is a column of 'by', too", "Give the array a name of its own.");
        foreach (var term in step.OrderBy.Where(term => step.By.Has(term.Column)))
        {
            map.Fault("order_by", $"found {Words.Quote(term.Column)}, which is the same in all rows of a key", "Order by other columns.");
        }

        return step;
    }

    private static DedupeStep Dedupe(MapReader map, Mark mark)
    {
        var step = new DedupeStep(
            ColumnReading.Needed(map, "by"),
            OrderReading.Read(map, "order_by"),
            map.Choice("keep", Choices.Keep) ?? KeepRule.First) { Mark = mark };
        if (step.Keep == KeepRule.Last && !map.Has("order_by"))
        {
            map.Fault("keep", "found keep: last without an order", "Say which row is the last: order_by: [updated_at]");
        }
        else if (step.Keep == KeepRule.Error && step.OrderBy.Length > 0)
        {
            map.Fault("order_by", "found an order, which keep: error does not use", "Leave it out, or use keep: first or last.");
        }

        return step;
    }

    private static GroupStep? Group(MapReader item, Mark mark, JobScope scope)
    {
        if (item.OpenMap("group", "an aggregate such as sum(amount)") is not { } map) return null;
        if (!map.Has("by"))
        {
            map.Fault("by", "found nothing, expected the columns to group by", "For example: group: {by: [customer], total: \"sum(amount)\"}");
            return null;
        }

        var by = ColumnReading.Needed(map, "by");
        var aggregates = ImmutableArray.CreateBuilder<NamedExpression>();
        foreach (var name in map.Names.Where(name => name != "by"))
        {
            if (map.NeededText(name) is not { } sql) continue;
            aggregates.Add(new NamedExpression(name, SqlReading.Checked(sql, map.MarkOf(name), scope), map.MarkOf(name)));
            if (by.Has(name)) map.Fault(name, $"found {Words.Quote(name)}, which is a column of 'by', too", "Give the new column a name of its own.");
        }

        ColumnReading.Distinct(item, "group", aggregates.Select(one => one.Name));
        return new GroupStep(by, aggregates.ToImmutable()) { Mark = mark };
    }
}
