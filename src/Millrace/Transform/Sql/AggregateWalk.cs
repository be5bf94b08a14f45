using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Millrace.Faults;

namespace Millrace.Transform;

/// <summary>
/// Walks over an expression of aggregates: outside of them there is no value of a row, inside of them only such. What depends on the order of
/// rows must have an ORDER BY that leaves no ties.
/// </summary>
/// <param name="functions">The functions there are.</param>
/// <param name="rules">Looks at functions.</param>
/// <param name="arguments">Walks over what stands inside of an aggregate.</param>
/// <param name="source">The SQL.</param>
/// <param name="findings">Takes what is found.</param>
internal sealed class AggregateWalk(FunctionList functions, FunctionRules rules, ScalarWalk arguments, SqlSource source, SqlFindings findings)
{
    /// <summary>Walks over the whole expression.</summary>
    public void Expression(JsonElement expression)
    {
        if (!Walk(expression, [])) findings.Add("there is no aggregate", "Write one such as sum(amount) or count(*).");
    }

    // Gives whether there is an aggregate.
    private bool Walk(JsonElement element, ImmutableHashSet<string> locals)
    {
        if (element.ValueKind == JsonValueKind.Array) return element.EnumerateArray().Aggregate(false, (any, item) => Walk(item, locals) | any);
        if (element.ValueKind != JsonValueKind.Object) return false;
        switch (SqlTree.ClassOf(element))
        {
            case "CONSTANT":
                return false;
            case "FUNCTION" when rules.Call(element, allowAggregates: true) == FunctionNature.Aggregate:
                Aggregate(element);
                return true;
            case "COLUMN_REF":
                Column(element, locals);
                return false;
            case "LAMBDA":
                locals = locals.Union(SqlTree.ParametersOf(element));

                // json -> '$.a' is one too, and what stands before its arrow is no name.
                return Walk(element.GetProperty("lhs"), locals) | Walk(element.GetProperty("expr"), locals);
            case "SUBQUERY" or "WINDOW" or "STAR":
                findings.Add($"there is a {SqlTree.ClassOf(element)!.ToLowerInvariant()}{source.PlaceOf(element)}",
                    "Write aggregates and functions of them.");
                return false;
            default:
                return SqlTree.Children(element).Aggregate(false, (any, child) => Walk(child, locals) | any);
        }
    }

    private void Column(JsonElement column, ImmutableHashSet<string> locals)
    {
        if (SqlTree.OnlyName(column) is { } name && locals.Contains(name)) return;
        rules.Column(column);
        if (!rules.IsColumn(column)) return;
        findings.Add(
            $"{Words.Quote(ShapeOf(column))}{source.PlaceOf(column)} stands outside of an aggregate",
            "Put it into an aggregate such as min(), or into `by`.");
    }

    private void Aggregate(JsonElement call)
    {
        var name = call.GetProperty("function_name").GetString()!;
        var shown = Words.Quote(name + "()") + source.PlaceOf(call);
        if (FunctionRules.IsNest(name)) findings.Add($"{shown} holds all rows of a key", "Use the step `nest`.");
        else if (!functions.IsOrderFree(name) && !IsOrdered(call)) findings.Add($"{shown} depends on the order of rows", Ordered(name));
        foreach (var child in SqlTree.Children(call)) Arguments(child);
    }

    private void Arguments(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in element.EnumerateArray()) Arguments(item);
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            if (SqlTree.ClassOf(element) is not null) arguments.Expression(element);
            else foreach (var child in SqlTree.Children(element)) Arguments(child);
        }
    }

    private static string Ordered(string name) =>
        $"Give it an ORDER BY that ends with its own arguments, such as {name.ToLowerInvariant()}(a ORDER BY b, a).";

    // Rows that an ORDER BY with all arguments leaves in a tie give the same.
    private static bool IsOrdered(JsonElement call)
    {
        if (!call.TryGetProperty("order_bys", out var order)) return false;
        var terms = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var term in SqlTree.Items(order, "orders")) terms.Add(ShapeOf(term.GetProperty("expression")));
        return SqlTree.Items(call, "children").All(argument => SqlTree.ClassOf(argument) == "CONSTANT" || terms.Contains(ShapeOf(argument)));
    }

    // What an expression is, without where it stands.
    private static string ShapeOf(JsonElement element)
    {
        if (element.ValueKind == JsonValueKind.Array) return string.Concat(element.EnumerateArray().Select(item => $"[{ShapeOf(item)}]"));
        if (element.ValueKind != JsonValueKind.Object) return element.GetRawText();
        if (SqlTree.ClassOf(element) == "COLUMN_REF")
            return string.Join('.', SqlTree.Items(element, "column_names").Select(name => name.GetString()));
        var shape = new StringBuilder("{");
        foreach (var part in element.EnumerateObject())
        {
            if (part.Name is not ("query_location" or "alias")) shape.Append(part.Name).Append('=').Append(ShapeOf(part.Value)).Append(';');
        }

        return shape.Append('}').ToString();
    }
}
