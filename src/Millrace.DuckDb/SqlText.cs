namespace Millrace.DuckDb;

/// <summary>How names and texts are written into DuckDB's SQL: whatever they hold, they stay what they are.</summary>
public static class SqlText
{
    /// <summary>A name as an identifier.</summary>
    public static string Name(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    /// <summary>A text as a literal.</summary>
    public static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>A column's name, unquoted, with as many <c>_</c> behind it as it takes to be none of those that are taken, in whatever case.</summary>
    public static string Free(string name, IEnumerable<string> taken)
    {
        var names = taken.ToHashSet(StringComparer.OrdinalIgnoreCase);
        while (names.Contains(name)) name += "_";
        return name;
    }
}
