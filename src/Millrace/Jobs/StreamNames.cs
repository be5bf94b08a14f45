namespace Millrace.Jobs;

/// <summary>Names of streams and of their tables in the target.</summary>
public static class StreamNames
{
    private const string GlobCharacters = "*?[{";

    /// <summary>Endings of data files and of their compressions, longest first where one holds another.</summary>
    private static readonly string[] Endings = [".gz", ".gzip", ".zst", ".zstd", ".csv", ".tsv", ".txt", ".ndjson", ".jsonl", ".json", ".parquet", ".parq"];

    /// <summary>True when the text has wildcards.</summary>
    public static bool IsGlob(string text) => text.AsSpan().IndexOfAny(GlobCharacters) >= 0;

    /// <summary>True when the last part of the path ends as data files do (<c>.csv</c>, <c>.parquet</c>, <c>.csv.gz</c>, ...).</summary>
    public static bool HasDataEnding(ReadOnlySpan<char> path)
    {
        foreach (var ending in Endings)
        {
            if (path.EndsWith(ending, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// A table's name for a path or glob: the file's name without its endings, wildcards and what they hang on
    /// (<c>in/events-*.csv.gz</c> becomes <c>events</c>), else the folder's; <c>stdin</c> for <c>-</c>, <c>data</c> when nothing is left.
    /// </summary>
    public static string FromPath(string path)
    {
        if (EndpointScheme.IsStandardStream(path))
        {
            return "stdin";
        }

        foreach (var part in path.Replace('\\', '/').Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
        {
            var name = part is "." or ".." || part.Contains("${", StringComparison.Ordinal) || part.Contains('=', StringComparison.Ordinal) ? "" : Clean(part);
            if (name.Length > 0)
            {
                return name;
            }
        }

        return "data";
    }

    /// <summary>A table's own name without its schema: the last part of <c>schema.table</c>; dots inside double quotes part nothing.</summary>
    public static string LastPart(string table)
    {
        var from = 0;
        var quoted = false;
        for (var i = 0; i < table.Length; i++)
        {
            quoted ^= table[i] == '"';
            if (table[i] == '.' && !quoted)
            {
                from = i + 1;
            }
        }

        var last = table[from..];
        return last.Length >= 2 && last[0] == '"' && last[^1] == '"' ? last[1..^1].Replace("\"\"", "\"", StringComparison.Ordinal) : last;
    }

    private static string Clean(string part)
    {
        var name = part;
        while (Endings.FirstOrDefault(ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase)) is { } ending)
        {
            name = name[..^ending.Length];
        }

        var glob = name.AsSpan().IndexOfAny(GlobCharacters);
        return (glob < 0 ? name : name[..glob]).Trim('-', '_', '.', ' ');
    }
}
