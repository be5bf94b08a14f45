using System.Text.Json;

namespace Millrace.Transform;

/// <summary>Which columns a row-wise SELECT over <c>input</c> passes on as they are. What is not certain counts as changed.</summary>
internal static class PassedColumns
{
    /// <summary>Whether a column is passed on under its own name.</summary>
    /// <param name="node">The tree of the SELECT.</param>
    /// <param name="relation">What it reads.</param>
    /// <param name="column">The column.</param>
    public static bool Has(JsonElement node, string relation, string column)
    {
        if (SqlTree.Text(node, "type") != "SELECT_NODE" || HasQueriesOfItsOwn(node) || !node.TryGetProperty("from_table", out var from)) return false;
        if (SqlTree.Text(from, "type") != "BASE_TABLE" || !string.Equals(SqlTree.Text(from, "table_name"), relation, StringComparison.OrdinalIgnoreCase)) return false;
        return SqlTree.Items(node, "select_list").Any(item => Passes(item, column));
    }

    /// <summary>
    /// Whether a column more in what it reads could be seen by nothing but a star of its list: no expression takes a whole row, or columns by a pattern.
    /// </summary>
    /// <param name="node">The tree of the SELECT.</param>
    /// <param name="relation">What it reads.</param>
    public static bool IsBlindToOthers(JsonElement node, string relation)
    {
        if (SqlTree.Text(node, "type") != "SELECT_NODE" || HasQueriesOfItsOwn(node) || !node.TryGetProperty("from_table", out var from)) return false;
        if (SqlTree.Text(from, "type") != "BASE_TABLE" || !string.IsNullOrEmpty(SqlTree.Text(from, "alias"))) return false;
        if (!string.Equals(SqlTree.Text(from, "table_name"), relation, StringComparison.OrdinalIgnoreCase)) return false;
        var stars = SqlTree.Items(node, "select_list").Count(static item => SqlTree.ClassOf(item) == "STAR" && !SqlTree.Flag(item, "columns") && !item.TryGetProperty("expr", out _));
        foreach (var expression in SqlTree.Expressions(node))
        {
            if (SqlTree.ClassOf(expression) == "STAR" && --stars < 0) return false;
            if (SqlTree.ClassOf(expression) == "COLUMN_REF" && string.Equals(SqlTree.OnlyName(expression), relation, StringComparison.OrdinalIgnoreCase)) return false;
        }

        return true;
    }

    private static bool Passes(JsonElement item, string column)
    {
        var alias = SqlTree.Text(item, "alias");
        if (SqlTree.ClassOf(item) == "STAR")
        {
            // All that a star leaves out, replaces or picks stands in it by name.
            return !SqlTree.Flag(item, "columns") && !item.TryGetProperty("expr", out _) && !item.GetRawText().Contains(column, StringComparison.OrdinalIgnoreCase);
        }

        return SqlTree.ClassOf(item) == "COLUMN_REF"
            && item.GetProperty("column_names").EnumerateArray().Last().GetString() == column
            && (string.IsNullOrEmpty(alias) || alias == column);
    }

    private static bool HasQueriesOfItsOwn(JsonElement node) =>
        node.TryGetProperty("cte_map", out var queries) && SqlTree.Items(queries, "map").Any();
}
