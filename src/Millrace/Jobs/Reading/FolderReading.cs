using System.Collections.Immutable;
using Millrace.Faults;

namespace Millrace.Jobs.Reading;

/// <summary>Reads <c>write.partition_by</c>: columns, calls of a function, or a map of names to expressions.</summary>
internal static class FolderReading
{
    private const string Key = "partition_by";

    /// <summary>The folders' names in order, and how those that are no columns are made.</summary>
    public static (ImmutableArray<string> Names, ImmutableArray<NamedExpression> Expressions) Read(MapReader reader, JobScope scope)
    {
        var names = ImmutableArray.CreateBuilder<string>();
        var expressions = ImmutableArray.CreateBuilder<NamedExpression>();
        if (reader.Node(Key) is MapNode)
        {
            foreach (var (name, sql, mark) in Named(reader))
            {
                Add(name, sql, mark);
            }
        }
        else
        {
            foreach (var text in reader.Texts(Key))
            {
                if (!IsCall(text))
                {
                    names.Add(text[0] == '"' ? SqlWords.Name(text) ?? text : text);
                }
                else if (FunctionOfOneColumn(text) is { } function)
                {
                    Add(function, text, reader.MarkOf(Key));
                }
                else
                {
                    reader.Fault(Key, $"found the expression {Words.Quote(text)} without a name for its folders", $"Name it in a map: {Key}: {{name: \"{Words.Printable(text, 60)}\"}}");
                }
            }
        }

        ColumnReading.Distinct(reader, Key, names);
        return (names.ToImmutable(), expressions.ToImmutable());

        void Add(string name, string sql, Mark mark)
        {
            names.Add(name);
            // A map may name a plain column, too.
            if (SqlWords.Name(sql) != name) expressions.Add(new NamedExpression(name, SqlReading.Checked(sql, mark, scope), mark));
        }
    }

    private static IEnumerable<(string Name, string Sql, Mark Mark)> Named(MapReader reader)
    {
        if (reader.OpenMap(Key, "an expression or a column") is not { } map) yield break;
        foreach (var name in map.Names)
        {
            if (map.NeededText(name) is { } sql) yield return (name, sql, map.MarkOf(name));
        }
    }

    /// <summary>True for <c>name(...)</c>; anything else is a column's name, whatever characters it has.</summary>
    private static bool IsCall(string text)
    {
        var open = text.IndexOf('(', StringComparison.Ordinal);
        return open > 0 && text[^1] == ')' && text[0] != '"' && SqlWords.Name(text[..open]) is not null;
    }

    private static string? FunctionOfOneColumn(string call)
    {
        var open = call.IndexOf('(', StringComparison.Ordinal);
        return SqlWords.Name(call[(open + 1)..^1].Trim()) is null ? null : call[..open].ToLowerInvariant();
    }
}
