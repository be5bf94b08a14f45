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
                locals = locals.Union(SqlTree.Expressions(element.GetProperty("lhs")).Where(e => SqlTree.ClassOf(e) == "COLUMN_REF").Select(SqlTree.OnlyName).OfType<string>());
                return Walk(element.GetProperty("expr"), locals);
            case "SUBQUERY" or "WINDOW" or "STAR":
                findings.Add($"there is a {SqlTree.ClassOf(element)!.ToLowerInvariant()}{source.PlaceOf(element)}", "Write aggregates and functions of them.");
                return false;
            default:
                return SqlTree.Children(element).Aggregate(false, (any, child) => Walk(child, locals) | any);
        }
    }

    private void Column(JsonElement column, ImmutableHashSet<string> locals)
    {
        if (SqlTree.OnlyName(column) is { } name && locals.Contains(name)) return;
        if (rules.IsColumn(column)) findings.Add($"{Words.Quote(ShapeOf(column))}{source.PlaceOf(column)} stands outside of an aggregate", "Put it into an aggregate such as min(), or into `by`.");
        else rules.Column(column);
    }

    private void Aggregate(JsonElement call)
    {
        var name = call.GetProperty("function_name").GetString()!;
        var shown = Words.Quote(name + "()") + source.PlaceOf(call);
        if (name.ToLowerInvariant() is "list" or "array_agg" or "json_group_array") findings.Add($"{shown} holds all rows of a key", "Use the step `nest`.");
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

    private static string Ordered(string name) => $"Give it an ORDER BY that ends with its own arguments, such as {name.ToLowerInvariant()}(a ORDER BY b, a).";

    // Rows that an ORDER BY with all arguments leaves in a tie give the same.
    private static bool IsOrdered(JsonElement call)
    {
        if (!call.TryGetProperty("order_bys", out var order)) return false;
        var terms = SqlTree.Items(order, "orders").Select(term => ShapeOf(term.GetProperty("expression"))).ToHashSet(StringComparer.OrdinalIgnoreCase);
        return SqlTree.Items(call, "children").Where(argument => SqlTree.ClassOf(argument) != "CONSTANT").All(argument => terms.Contains(ShapeOf(argument)));
    }

    // What an expression is, without where it stands.
    private static string ShapeOf(JsonElement element)
    {
        if (SqlTree.ClassOf(element) == "COLUMN_REF") return string.Join('.', SqlTree.Items(element, "column_names").Select(name => name.GetString()));
        var shape = new StringBuilder();
        foreach (var part in element.EnumerateObject())
        {
            if (part.Name is "query_location" or "alias") continue;
            shape.Append(part.Name).Append('=');
            if (part.Value.ValueKind == JsonValueKind.Object) shape.Append('{').Append(ShapeOf(part.Value)).Append('}');
            else if (part.Value.ValueKind == JsonValueKind.Array) foreach (var item in part.Value.EnumerateArray()) shape.Append('[').Append(item.ValueKind == JsonValueKind.Object ? ShapeOf(item) : item.GetRawText()).Append(']');
            else shape.Append(part.Value.GetRawText()).Append(';');
        }

        return shape.ToString();
    }
}
