using System.Collections.Immutable;
using System.Text.Json;

namespace Millrace.Transform;

/// <summary>Walks over one expression that is a single value of one row: no columns of a SELECT, no rows, no subqueries.</summary>
/// <param name="walk">Walks over what is in it.</param>
/// <param name="source">The SQL.</param>
/// <param name="findings">Takes what is found.</param>
internal sealed class ScalarWalk(SelectWalk walk, SqlSource source, SqlFindings findings)
{
    private static readonly ImmutableDictionary<string, bool> None = ImmutableDictionary<string, bool>.Empty;

    /// <summary>Walks over an expression.</summary>
    public void Expression(JsonElement expression)
    {
        foreach (var part in SqlTree.Expressions(expression))
        {
            var found = SqlTree.ClassOf(part) switch
            {
                "SUBQUERY" => "a subquery",
                "STAR" => "* or COLUMNS()",
                "FUNCTION" when string.Equals(SqlTree.Text(part, "function_name"), "unnest", StringComparison.OrdinalIgnoreCase) => "unnest()",
                _ => null,
            };
            if (found is not null) findings.Add($"{found}{source.PlaceOf(part)} is not one value", "Write an expression of the row's columns.");
        }

        walk.Expression(expression, None);
    }
}
