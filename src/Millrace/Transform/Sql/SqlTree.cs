using System.Text.Json;

namespace Millrace.Transform;

/// <summary>Ways through a tree of DuckDB's parser.</summary>
internal static class SqlTree
{
    /// <summary>Every expression in a tree, at any depth, those in subqueries too. A constant's value and a type hold none.</summary>
    public static IEnumerable<JsonElement> Expressions(JsonElement root)
    {
        var open = new Stack<JsonElement>();
        open.Push(root);
        while (open.TryPop(out var element))
        {
            if (element.ValueKind == JsonValueKind.Array)
            {
                foreach (var item in element.EnumerateArray()) open.Push(item);
            }
            else if (element.ValueKind == JsonValueKind.Object)
            {
                var isExpression = ClassOf(element) is not null;
                if (isExpression) yield return element;
                if (ClassOf(element) == "CONSTANT") continue;
                foreach (var part in element.EnumerateObject())
                {
                    if (part.Value.ValueKind is JsonValueKind.Array or JsonValueKind.Object && part.Name != "cast_type") open.Push(part.Value);
                }
            }
        }
    }

    /// <summary>An expression's class, such as FUNCTION; null when the element is no expression.</summary>
    public static string? ClassOf(JsonElement element) => Text(element, "class");

    /// <summary>The name of a column reference that has no table before it; else null.</summary>
    public static string? OnlyName(JsonElement column) =>
        column.GetProperty("column_names") is var names && names.GetArrayLength() == 1 ? names[0].GetString() : null;

    /// <summary>The names that stand before a lambda's arrow or colon.</summary>
    public static IEnumerable<string> ParametersOf(JsonElement lambda) =>
        Expressions(lambda.GetProperty("lhs")).Where(part => ClassOf(part) == "COLUMN_REF").Select(OnlyName).OfType<string>();

    /// <summary>A text in an object; null when it is not there.</summary>
    public static string? Text(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>The elements of an array in an object; none when it is not there.</summary>
    public static IEnumerable<JsonElement> Items(JsonElement element, string name) =>
        element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array ? value.EnumerateArray() : [];

    /// <summary>Whether a flag in an object is set.</summary>
    public static bool Flag(JsonElement element, string name) => element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;

    /// <summary>The objects and the arrays of objects right below an element.</summary>
    public static IEnumerable<JsonElement> Children(JsonElement element)
    {
        foreach (var part in element.EnumerateObject())
        {
            if (part.Name == "cast_type") continue;
            if (part.Value.ValueKind is JsonValueKind.Array or JsonValueKind.Object) yield return part.Value;
        }
    }

    /// <summary>Adds every name that a tree gives to a column: aliases, and what a WITH or a VALUES calls its own.</summary>
    public static void AddNames(JsonElement root, ISet<string> names)
    {
        var open = new Stack<JsonElement>();
        open.Push(root);
        while (open.TryPop(out var element))
        {
            if (element.ValueKind == JsonValueKind.Object)
            {
                if (Text(element, "alias") is { Length: > 0 } alias) names.Add(alias);
                foreach (var list in (ReadOnlySpan<string>)["column_name_alias", "aliases"])
                {
                    foreach (var name in Items(element, list)) names.Add(name.GetString()!);
                }

                if (ClassOf(element) == "LAMBDA") names.UnionWith(ParametersOf(element));

                foreach (var child in Children(element)) open.Push(child);
            }
            else if (element.ValueKind == JsonValueKind.Array)
            {
                foreach (var item in element.EnumerateArray()) open.Push(item);
            }
        }
    }
}
