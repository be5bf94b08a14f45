using System.Text.Json;
using Millrace.Faults;

namespace Millrace.Transform;

/// <summary>What is said against the calls of functions in a tree of DuckDB's parser.</summary>
/// <param name="functions">The functions there are.</param>
/// <param name="source">The SQL.</param>
/// <param name="findings">Takes what is found.</param>
/// <param name="names">Names that are columns somewhere in the SQL: what SQL would else take for a function.</param>
internal sealed class FunctionRules(FunctionList functions, SqlSource source, SqlFindings findings, IReadOnlySet<string> names)
{
    // These take the name of an aggregate for the elements of a list.
    private static readonly HashSet<string> Aggregators =
        new(StringComparer.OrdinalIgnoreCase) { "list_aggregate", "list_aggr", "array_aggregate", "array_aggr", "aggregate" };

    /// <summary>Whether an aggregate keeps all rows of a key, as the step <c>nest</c> does.</summary>
    public static bool IsNest(string aggregate) => aggregate.ToLowerInvariant() is "list" or "array_agg" or "json_group_array";

    /// <summary>Looks at a call; what is found against it is added. Gives what it is, for those who allow aggregates.</summary>
    public FunctionNature? Call(JsonElement call, bool allowAggregates)
    {
        var name = call.GetProperty("function_name").GetString()!;
        var nature = functions.NatureOf(name);
        var shown = Words.Quote(name + "()") + source.PlaceOf(call);
        switch (nature)
        {
            case FunctionNature.Aggregate when !allowAggregates:
                findings.Add($"{shown} is an aggregate", IsNest(name) ? "Use the step `nest`." : "Use the step `group`.");
                break;
            case FunctionNature.Unstable:
                Unstable(name, shown);
                break;
            case FunctionNature.OfTime when SqlTree.Text(call, "schema") is not null || SqlTree.Text(call, "catalog") is not null:
                findings.Add($"{shown} is named with its schema", $"Write {name.ToLowerInvariant()}() alone: that is the run's start.");
                break;
            case FunctionNature.Stable or FunctionNature.OfTime when IsCalledAsAggregate(call):
                findings.Add($"{shown} has DISTINCT, FILTER or ORDER BY, as an aggregate", "Use the step `group`.");
                break;
        }

        if (Aggregators.Contains(name)) NamedAggregate(call, shown);
        return nature;
    }

    /// <summary>Whether a column is one, and no function in truth.</summary>
    public bool IsColumn(JsonElement column) =>
        SqlTree.OnlyName(column) is not { } name || names.Contains(name) || !FunctionList.Keywords.ContainsKey(name);

    /// <summary>Looks at a column that may be a function in truth, such as CURRENT_DATE.</summary>
    public void Column(JsonElement column)
    {
        if (IsColumn(column)) return;
        var name = SqlTree.OnlyName(column)!;
        var function = FunctionList.Keywords[name];
        if (functions.NatureOf(function) == FunctionNature.OfTime) return;
        Unstable(name, Words.Quote(name) + source.PlaceOf(column));
    }

    private static bool IsCalledAsAggregate(JsonElement call) =>
        SqlTree.Flag(call, "distinct")
        || call.TryGetProperty("filter", out _)
        || (call.TryGetProperty("order_bys", out var order) && SqlTree.Items(order, "orders").Any());

    private void Unstable(string name, string shown)
    {
        var advice = name.ToLowerInvariant() switch
        {
            "reservoir_quantile" => "Use quantile_cont: it looks at every value.",
            "error" => "Use the step `expect`: it says which rows must not be, and what is done with them.",
            _ => "For numbers that look random, use row_random(key, ...): a hash of its arguments.",
        };
        findings.Add($"{shown} may give something else when a unit is tried again", advice);
    }

    private void NamedAggregate(JsonElement call, string shown)
    {
        var given = SqlTree.Items(call, "children").ElementAtOrDefault(1);
        var name = given.ValueKind == JsonValueKind.Object && given.TryGetProperty("value", out var value) ? SqlTree.Text(value, "value") : null;
        if (name is null)
            findings.Add($"{shown} does not say which aggregate in plain text", "Write its name as text, such as list_aggregate(values, 'sum').");
        else if (functions.NatureOf(name) == FunctionNature.Unstable)
            Unstable(name, Words.Quote(name) + source.PlaceOf(given));
    }
}
