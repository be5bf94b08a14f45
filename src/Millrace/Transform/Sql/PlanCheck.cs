using System.Text.Json;
using Millrace.Faults;

namespace Millrace.Transform;

/// <summary>
/// The second wall: what DuckDB would do for an SQL, as it has bound it and before it optimizes. Names are resolved here and macros
/// written out, so that no spelling gets by. Only steps that are known to take rows one by one may stand above the rows.
/// </summary>
/// <param name="functions">The functions there are.</param>
/// <param name="findings">Takes what is found.</param>
/// <param name="allowed">One more step that may stand above the rows.</param>
internal sealed class PlanCheck(FunctionList functions, SqlFindings findings, string? allowed = null)
{
    /// <summary>The step that makes rows of a list's elements.</summary>
    public const string Unnest = "LOGICAL_UNNEST";

    /// <summary>The step that aggregates.</summary>
    public const string Aggregate = "LOGICAL_AGGREGATE_AND_GROUP_BY";

    private static readonly HashSet<string> RowWise =
        ["LOGICAL_PROJECTION", "LOGICAL_FILTER", "LOGICAL_GET", "LOGICAL_CTE_REF", "LOGICAL_MATERIALIZED_CTE"];
    private static readonly HashSet<string> Joins = ["LOGICAL_COMPARISON_JOIN", "LOGICAL_ANY_JOIN", "LOGICAL_CROSS_PRODUCT"];
    private static readonly HashSet<string> ConstantTables = ["range", "generate_series", "unnest", "repeat"];

    private readonly Dictionary<long, bool> _queries = [];

    /// <summary>Looks at a plan of the functions it calls and, when it is to be row-wise, of what it does.</summary>
    public void Check(JsonElement plan, bool rowWise)
    {
        Functions(plan);
        if (!rowWise || Reads(plan)) return;
        findings.Add("it does not read `input`", "Select FROM input.");
    }

    // Whether a step reads the rows; what it may not do with them is found on the way.
    private bool Reads(JsonElement step)
    {
        var type = SqlTree.Text(step, "type")!;
        var children = new List<bool>();
        foreach (var child in SqlTree.Items(step, "children"))
        {
            children.Add(Reads(child));
            if (type == "LOGICAL_MATERIALIZED_CTE" && children.Count == 1) _queries[Number(step, "table_index")] = children[0];
        }

        var reads = type switch
        {
            "LOGICAL_GET" => IsRows(step),
            "LOGICAL_CTE_REF" => _queries.GetValueOrDefault(Number(step, "cte_index")),
            "LOGICAL_MATERIALIZED_CTE" => children.Count > 1 && children[1],
            _ => children.Contains(true),
        };
        if (type == "LOGICAL_MATERIALIZED_CTE" && children[0] && SqlTree.Text(step, "materialize") == "CTE_MATERIALIZE_ALWAYS")
            findings.Add("AS MATERIALIZED holds all rows in memory", "Leave MATERIALIZED out.");
        if (!reads || type == allowed || RowWise.Contains(type)) return reads;
        if (Joins.Contains(type))
        {
            if (children.TrueForAll(child => child)) findings.Add("the rows are joined with themselves", "Use the step `join`.");
        }
        else if (type == "LOGICAL_DELIM_JOIN")
        {
            findings.Add("a subquery looks at values of the row",
                "Put unnest() into the SELECT list, or use functions of lists such as list_filter().");
        }
        else if (type == Unnest)
        {
            findings.Add("it makes several rows of one", "Use unnest() in the SELECT list of the step `map`.");
        }
        else
        {
            var needs = type["LOGICAL_".Length..].ToLowerInvariant().Replace('_', ' ');
            findings.Add($"DuckDB would need several rows for it ({needs})", "Use the step `group`, `dedupe` or `join`.");
        }

        return true;
    }

    private bool IsRows(JsonElement get)
    {
        var name = SqlTree.Text(get, "name") ?? "";
        if (name == "seq_scan") return true;
        if (!ConstantTables.Contains(name)) findings.Add($"it reads {Words.Quote(name)}", "The SQL can read `input` only. Use the step `join`.");
        return false;
    }

    private void Functions(JsonElement plan)
    {
        var open = new Stack<JsonElement>();
        open.Push(plan);
        while (open.TryPop(out var element))
        {
            if (element.ValueKind == JsonValueKind.Array)
            {
                foreach (var item in element.EnumerateArray()) open.Push(item);
            }
            else if (element.ValueKind == JsonValueKind.Object)
            {
                var isCall = SqlTree.Text(element, "expression_class") is "BOUND_FUNCTION" or "BOUND_AGGREGATE";
                if (isCall && SqlTree.Text(element, "name") is { } name) Function(element, name);
                foreach (var child in element.EnumerateObject()) open.Push(child.Value);
            }
        }
    }

    private void Function(JsonElement call, string name)
    {
        // A function of time that is left here is DuckDB's own; only age() with two arguments is none. A scalar subquery calls error() by itself.
        var nature = functions.NatureOf(name);
        var isAgeOfTwo = name == "age" && SqlTree.Items(call, "children").Count() == 2;
        if ((nature == FunctionNature.Unstable && name != "error") || (nature == FunctionNature.OfTime && !isAgeOfTwo))
        {
            findings.Add($"{Words.Quote(name + "()")} may give something else when a unit is tried again",
                "For numbers that look random, use row_random(key, ...); for the run's start, now().");
        }
    }

    private static long Number(JsonElement element, string name) =>
        element.TryGetProperty(name, out var number) && number.TryGetInt64(out var value) ? value : 0;
}
