using System.Text;
using Millrace.DuckDb;

namespace Millrace.Connectors.Files.Source;

/// <summary>How files are named in DuckDB's SQL.</summary>
internal static class Sql
{
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

        return SqlText.Literal(text.ToString());
    }

    /// <summary>Paths as a list of literals.</summary>
    public static string Paths(IEnumerable<string> paths) => "[" + string.Join(", ", paths.Select(Path)) + "]";
}
