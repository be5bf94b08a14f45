using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Jobs;

namespace Millrace.Transform;

/// <summary>Which columns of its right side a join reads: those that <c>columns</c> says, and the key's, which need not be named.</summary>
internal static class JoinColumns
{
    /// <summary>As a stream's columns are written: <c>*</c>, names, <c>-name</c>. Empty: all.</summary>
    public static ImmutableArray<string> WithKey(JoinStep step)
    {
        if (step.With.Columns.IsEmpty) return [];
        var keys = step.On.Select(static key => key.Right).ToHashSet(StringComparer.Ordinal);
        ImmutableArray<string> wanted = [.. step.With.Columns.Where(column => column[0] != '-' || !keys.Contains(column[1..]))];
        return wanted.Contains("*") ? wanted : [.. wanted, .. keys.Where(key => !wanted.Contains(key))];
    }

    /// <summary>The same in SQL, over a stream's rows.</summary>
    public static string Selected(JoinStep step)
    {
        var columns = WithKey(step);
        if (columns.IsEmpty) return "*";
        var other = columns.Where(static column => column != "*")
            .Select(static column => SqlText.Name(column[0] == '-' ? column[1..] : column)).ToArray();
        var rest = other.Length == 0 ? "*" : $"* EXCLUDE ({string.Join(", ", other)})";
        return string.Join(", ", columns.Where(static column => column[0] != '-').Select(column => column == "*" ? rest : SqlText.Name(column)));
    }
}
