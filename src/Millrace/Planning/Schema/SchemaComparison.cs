using System.Collections.Immutable;

namespace Millrace.Planning;

/// <summary>Compares columns by their names. Letter case counts: it does for most readers of files.</summary>
public static class SchemaComparison
{
    /// <summary>Every difference, in the order of the columns now; those that are gone come last.</summary>
    public static ImmutableArray<SchemaDifference> Compare(ImmutableArray<TableColumn> before, ImmutableArray<TableColumn> now)
    {
        var differences = ImmutableArray.CreateBuilder<SchemaDifference>();
        var there = ByName(before);
        foreach (var column in now)
        {
            if (there.Remove(column.Name, out var was))
            {
                Add(differences, was, column);
                continue;
            }

            differences.Add(new SchemaDifference(column.Nullable ? SchemaChange.Added : SchemaChange.AddedNotNull, column.Name, Was: null, column.Type));
        }

        foreach (var column in before)
        {
            if (there.ContainsKey(column.Name)) differences.Add(new SchemaDifference(SchemaChange.Gone, column.Name, column.Type, Is: null));
        }

        if (IsReordered(before, now)) differences.Add(new SchemaDifference(SchemaChange.Reordered, "", Was: null, Is: null));
        return differences.ToImmutable();
    }

    /// <summary>The columns of a table after rows with the columns <paramref name="now"/> were appended under <c>schema: evolve</c>.</summary>
    public static ImmutableArray<TableColumn> Appended(ImmutableArray<TableColumn> before, ImmutableArray<TableColumn> now)
    {
        var there = ByName(before);
        return [.. now.Select(column => column with { Nullable = column.Nullable || !there.TryGetValue(column.Name, out var was) || was.Nullable })];
    }

    /// <summary>Of two columns with one name, which only a damaged note has, the last counts.</summary>
    private static Dictionary<string, TableColumn> ByName(ImmutableArray<TableColumn> columns)
    {
        var named = new Dictionary<string, TableColumn>(columns.Length, StringComparer.Ordinal);
        foreach (var column in columns) named[column.Name] = column;
        return named;
    }

    private static void Add(ImmutableArray<SchemaDifference>.Builder differences, TableColumn was, TableColumn column)
    {
        if (!string.Equals(was.Type, column.Type, StringComparison.Ordinal))
            differences.Add(new SchemaDifference(Widening.Holds(column.Type, was.Type) ? SchemaChange.Widened : SchemaChange.Retyped, column.Name, was.Type, column.Type));
        if (was.Nullable != column.Nullable)
            differences.Add(new SchemaDifference(column.Nullable ? SchemaChange.MayBeNull : SchemaChange.NeverNull, column.Name, was.Type, column.Type));
    }

    /// <summary>Whether the columns that both have come in another order; those that come or go don't count.</summary>
    private static bool IsReordered(ImmutableArray<TableColumn> before, ImmutableArray<TableColumn> now)
    {
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < before.Length; i++) places[before[i].Name] = i;
        var last = -1;
        foreach (var column in now)
        {
            if (!places.TryGetValue(column.Name, out var place)) continue;
            if (place < last) return true;
            last = place;
        }

        return false;
    }
}
