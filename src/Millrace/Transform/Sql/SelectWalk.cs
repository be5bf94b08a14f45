using System.Collections.Immutable;
using System.Text.Json;
using Millrace.Faults;

namespace Millrace.Transform;

/// <summary>
/// Walks over the tree of a SELECT. Of a row-wise one (<paramref name="rowWise"/>) every row of the answer comes from one row of the input, so
/// that it may be asked of any part of the rows; of any other only what it reads, and that it is stable, is looked at.
/// </summary>
/// <param name="rowWise">Whether the SELECT must be row-wise over the one relation.</param>
/// <param name="rules">Looks at functions.</param>
/// <param name="source">The SQL; its relations are all that may be read.</param>
/// <param name="findings">Takes what is found.</param>
internal sealed class SelectWalk(bool rowWise, FunctionRules rules, SqlSource source, SqlFindings findings)
{
    private const string OneSelect = "Write one SELECT over `input`.";
    private const string Group = "Use the step `group`.";
    private const string Dedupe = "Use the step `dedupe`.";
    private const string Join = "Use the step `join`.";

    // Expressions that are a value of the row, whatever stands in them.
    private static readonly HashSet<string> Scalars =
        ["CONSTANT", "CAST", "CASE", "COMPARISON", "CONJUNCTION", "OPERATOR", "BETWEEN", "COLLATE", "STAR", "LAMBDA", "LAMBDA_REF"];

    private static readonly HashSet<string> ConstantTables = new(StringComparer.OrdinalIgnoreCase) { "unnest", "range", "generate_series" };

    /// <summary>Walks over a query.</summary>
    /// <param name="node">Its tree.</param>
    /// <param name="tables">The queries that stand before it (WITH), and whether each reads the relation.</param>
    /// <returns>Whether it reads the relation.</returns>
    public bool Query(JsonElement node, ImmutableDictionary<string, bool> tables)
    {
        var type = SqlTree.Text(node, "type");
        if (type != "SELECT_NODE")
        {
            if (rowWise || type is not ("SET_OPERATION_NODE" or "RECURSIVE_CTE_NODE"))
            {
                findings.Add(type == "RECURSIVE_CTE_NODE" ? "a query refers to itself" : "there is a UNION, INTERSECT or EXCEPT", OneSelect);
                return true;
            }
        }

        tables = With(node, tables);
        if (type == "RECURSIVE_CTE_NODE" && SqlTree.Text(node, "cte_name") is { } name) tables = tables.SetItem(name, true);
        if (rowWise) Clauses(node);
        var reads = false;
        foreach (var part in node.EnumerateObject())
        {
            if (part.Name is "left" or "right") reads |= Query(part.Value, tables);
            else if (part.Name is "children") reads |= part.Value.EnumerateArray().Aggregate(false, (any, query) => Query(query, tables) | any);
            else if (part.Name == "from_table") reads |= From(part.Value, tables);
            else if (part.Name is not "cte_map" && part.Value.ValueKind is JsonValueKind.Array or JsonValueKind.Object) Parts(part.Value, tables);
        }

        return reads;
    }

    /// <summary>Walks over an expression and all that is in it.</summary>
    public void Expression(JsonElement expression, ImmutableDictionary<string, bool> tables)
    {
        switch (SqlTree.ClassOf(expression))
        {
            case "COLUMN_REF":
                rules.Column(expression);
                return;
            case "CONSTANT":
                return;
            case "FUNCTION":
                rules.Call(expression, allowAggregates: !rowWise);
                break;
            case "SUBQUERY":
                if (Query(expression.GetProperty("subquery").GetProperty("node"), tables) && rowWise)
                    findings.Add($"a subquery{source.PlaceOf(expression)} reads the rows", Join);
                if (expression.TryGetProperty("child", out var compared)) Expression(compared, tables);
                return;
            case "WINDOW" when rowWise:
                var isFirst = SqlTree.Text(expression, "type")
                    is "WINDOW_ROW_NUMBER" or "WINDOW_RANK" or "WINDOW_RANK_DENSE" or "WINDOW_FIRST_VALUE" or "WINDOW_LAST_VALUE";
                findings.Add($"there is a window function{source.PlaceOf(expression)}", isFirst ? Dedupe : $"{Group} {Join}");
                return;
            case "WINDOW":
                break;
            case { } kind when !Scalars.Contains(kind):
                var form = kind.ToLowerInvariant().Replace('_', ' ');
                findings.Add($"{form}{source.PlaceOf(expression)} is not known as row-wise", "Write it in another way.");
                return;
        }

        foreach (var child in SqlTree.Children(expression)) Parts(child, tables);
    }

    private void Parts(JsonElement element, ImmutableDictionary<string, bool> tables)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in element.EnumerateArray()) Parts(item, tables);
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            if (SqlTree.ClassOf(element) is not null) Expression(element, tables);
            else foreach (var child in SqlTree.Children(element)) Parts(child, tables);
        }
    }

    private ImmutableDictionary<string, bool> With(JsonElement node, ImmutableDictionary<string, bool> tables)
    {
        if (!node.TryGetProperty("cte_map", out var map)) return tables;
        foreach (var entry in SqlTree.Items(map, "map"))
        {
            var value = entry.GetProperty("value");
            var reads = Query(value.GetProperty("query").GetProperty("node"), tables);
            tables = tables.SetItem(entry.GetProperty("key").GetString()!, reads);
        }

        return tables;
    }

    private void Clauses(JsonElement node)
    {
        foreach (var modifier in SqlTree.Items(node, "modifiers"))
        {
            switch (SqlTree.Text(modifier, "type"))
            {
                case "ORDER_MODIFIER":
                    findings.Add("there is an ORDER BY", "Use `write.cluster_by`: it sorts what is written.");
                    break;
                case "DISTINCT_MODIFIER":
                    findings.Add("there is a DISTINCT", Dedupe);
                    break;
                default:
                    findings.Add("there is a LIMIT or OFFSET", "Use a condition (WHERE) that says which rows are meant.");
                    break;
            }
        }

        if (SqlTree.Items(node, "group_expressions").Any()
            || SqlTree.Items(node, "group_sets").Any()
            || SqlTree.Text(node, "aggregate_handling") != "STANDARD_HANDLING")
            findings.Add("there is a GROUP BY", Group);
        if (node.TryGetProperty("having", out _)) findings.Add("there is a HAVING", Group);
        if (node.TryGetProperty("qualify", out _)) findings.Add("there is a QUALIFY", Dedupe);
        Sample(node);
    }

    // Which rows a sample takes is chance, whatever else the SQL may do.
    private void Sample(JsonElement element)
    {
        if (element.TryGetProperty("sample", out _)) findings.Add("there is a SAMPLE", "Use a condition such as row_random(key) < 0.1.");
    }

    private bool From(JsonElement table, ImmutableDictionary<string, bool> tables)
    {
        Sample(table);
        switch (SqlTree.Text(table, "type"))
        {
            case "EMPTY":
                return false;
            case "BASE_TABLE":
                return Table(table, tables);
            case "SUBQUERY":
                return Query(table.GetProperty("subquery").GetProperty("node"), tables);
            case "JOIN":
                return Joined(table, tables);
            case "EXPRESSION_LIST":
                Parts(table.GetProperty("values"), tables);
                return false;
            case "TABLE_FUNCTION":
                TableFunction(table, tables);
                return false;
            case "PIVOT" when !rowWise:
                foreach (var child in SqlTree.Children(table)) Parts(child, tables);
                return From(table.GetProperty("source"), tables);
            case "PIVOT":
                findings.Add("there is a PIVOT or UNPIVOT", $"{Group} An UNPIVOT is unnest([{{name: 'a', value: a}}, ...]).");
                return true;
            case var other:
                findings.Add($"{other?.ToLowerInvariant().Replace('_', ' ')} is no table", OneSelect);
                return false;
        }
    }

    private void TableFunction(JsonElement table, ImmutableDictionary<string, bool> tables)
    {
        var function = table.GetProperty("function");
        var name = SqlTree.Text(function, "function_name")!;
        if (!ConstantTables.Contains(name))
            findings.Add($"{Words.Quote(name + "()")}{source.PlaceOf(table)} reads something else", $"{Join} It can read files too.");
        foreach (var child in SqlTree.Children(function)) Parts(child, tables);
    }

    private bool Table(JsonElement table, ImmutableDictionary<string, bool> tables)
    {
        var name = SqlTree.Text(table, "table_name") ?? "";
        var isPlain = SqlTree.Text(table, "schema_name") is null
            && SqlTree.Text(table, "catalog_name") is null
            && !table.TryGetProperty("at_clause", out _);
        if (isPlain && Known(name, tables) is { } reads) return reads;
        if (isPlain && source.Relations.Contains(name, StringComparer.OrdinalIgnoreCase)) return true;
        var readable = string.Join(", ", source.Relations.Select(relation => $"`{relation}`"));
        findings.Add($"it reads {Words.Quote(name)}{source.PlaceOf(table)}", $"The SQL can read {readable} only. {Join}");
        return false;
    }

    private static bool? Known(string name, ImmutableDictionary<string, bool> tables) => tables.TryGetValue(name, out var reads) ? reads : null;

    private bool Joined(JsonElement join, ImmutableDictionary<string, bool> tables)
    {
        var left = From(join.GetProperty("left"), tables);
        var right = From(join.GetProperty("right"), tables);
        if (join.TryGetProperty("condition", out var condition)) Parts(condition, tables);
        if (!rowWise) return left || right;
        var (kind, type) = (SqlTree.Text(join, "ref_type"), SqlTree.Text(join, "join_type"));
        if (left && right) findings.Add("the rows are joined with themselves", $"{Join} {Group}");
        else if (kind is not ("REGULAR" or "NATURAL" or "CROSS")) findings.Add($"there is a {kind} join", Join);
        else if (!IsOfEachRow(type, left, right)) findings.Add($"a {type} join gives rows that come from no row of the input", Join);
        return left || right;
    }

    private static bool IsOfEachRow(string? type, bool left, bool right) => type switch
    {
        "INNER" => true,
        "LEFT" or "SEMI" or "ANTI" => !right,
        "RIGHT" => !left,
        _ => !left && !right,
    };
}
