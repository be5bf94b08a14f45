using System.Text;

namespace Millrace.Connectors.Files.Source;

/// <summary>How texts are written into DuckDB's SQL.</summary>
internal static class Sql
{
    /// <summary>A text as a literal.</summary>
    public static string Text(string value) => "'" + value.Replace("'", "''", StringComparison.Ordinal) + "'";

    /// <summary>A name as an identifier.</summary>
    public static string Name(string name) => "\"" + name.Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";

    /// <summary>
    /// A file's path as DuckDB's readers take it: they read every path as a pattern, so that <c>a*.csv</c> would also read <c>ab.csv</c>.
    /// </summary>
    public static string Path(string path)
    {
        var text = new StringBuilder(path.Length + 8);
        foreach (var c in path)
        {
            if (c is '*' or '?' or '[') text.Append('[').Append(c).Append(']');
            else text.Append(c);
        }

        return Text(text.ToString());
    }

    /// <summary>Paths as a list of literals.</summary>
    public static string Paths(IEnumerable<string> paths) => "[" + string.Join(", ", paths.Select(Path)) + "]";
}
