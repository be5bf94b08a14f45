using System.Collections.Immutable;
using Millrace.Faults;

namespace Millrace.Jobs.Reading;

/// <summary>Reads columns that a step goes by. Names that differ only in letter case are the same column.</summary>
internal static class ColumnReading
{
    /// <summary>A column or a list of them; at least one.</summary>
    public static ImmutableArray<string> Needed(MapReader reader, string key)
    {
        if (!reader.Needs(key)) return [];
        if (reader.Node(key) is ListNode { Items.Count: 0 })
        {
            reader.Fault(key, "found an empty list, expected at least one column");
            return [];
        }

        var columns = reader.Texts(key);
        Distinct(reader, key, columns);
        return columns;
    }

    /// <summary>A column or a list of them; none when the key is not there.</summary>
    public static ImmutableArray<string> Optional(MapReader reader, string key)
    {
        var columns = reader.Texts(key);
        Distinct(reader, key, columns);
        return columns;
    }

    /// <summary>Columns of two sides: a name or a list of names that both sides have, or a map of the left side's names to the right side's.</summary>
    public static ImmutableArray<JoinKey> Pairs(MapReader reader, string key)
    {
        if (reader.Node(key) is not MapNode) return [.. Needed(reader, key).Select(column => new JoinKey(column, column))];
        if (reader.OpenMap(key, "the other side's column") is not { } map) return [];
        var pairs = ImmutableArray.CreateBuilder<JoinKey>();
        foreach (var left in map.Names)
        {
            if (map.NeededText(left) is { } right) pairs.Add(new JoinKey(left, right));
        }

        Distinct(reader, key, pairs.Select(pair => pair.Left));
        Distinct(reader, key, pairs.Select(pair => pair.Right));
        return pairs.ToImmutable();
    }

    /// <summary>Notes a name that is there twice.</summary>
    public static void Distinct(MapReader reader, string key, IEnumerable<string> names)
    {
        var seen = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var name in names.Where(name => !seen.Add(name)))
        {
            reader.Fault(key, $"found the column {Words.Quote(name)} a second time", "Keep one of them; letter case makes no difference.");
        }
    }

    /// <summary>True when the names have this one, whatever its letter case.</summary>
    public static bool Has(this ImmutableArray<string> names, string name) => names.Contains(name, StringComparer.OrdinalIgnoreCase);
}
