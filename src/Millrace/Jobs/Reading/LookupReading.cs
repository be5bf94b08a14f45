using Millrace.Faults;

namespace Millrace.Jobs.Reading;

/// <summary>Reads a <c>lookup</c>.</summary>
internal static class LookupReading
{
    private static readonly string[] DuckDbEndings = [".duckdb", ".ddb", ".db"];

    /// <summary>Reads the step; mistakes are noted.</summary>
    /// <param name="map">The map behind <c>lookup</c>.</param>
    /// <param name="mark">Where the step stands.</param>
    /// <param name="scope">What the step may refer to.</param>
    public static LookupStep? Read(MapReader map, Mark mark, JobScope scope)
    {
        var store = map.NeededText("in");
        var table = map.NeededText("table");
        var key = ColumnReading.Pairs(map, "key");
        var columns = ColumnReading.Optional(map, "columns");
        var batch = (int?)map.Number("batch", 1, Limits.LookupBatchKeysMax);
        var cache = map.Size("cache", 0, long.MaxValue);
        var name = map.Text("as");
        var missing = map.Choice("missing", Choices.Missing) ?? LookupMissing.Null;
        if (name is not null && key.Any(pair => pair.Left.Equals(name, StringComparison.OrdinalIgnoreCase)))
        {
            map.Fault("as", $"found {Words.Quote(name)}, which is a column of 'key', too", "Give the new column a name of its own.");
        }

        if (store is not null) CheckStore(map, store, scope);
        return store is null || table is null ? null
            : new LookupStep(EndpointReading.Read(map, "in", store, scope.Warnings), table, key, columns, batch, cache, name, missing) { Mark = mark };
    }

    private static void CheckStore(MapReader map, string text, JobScope scope)
    {
        var scheme = EndpointScheme.Of(text);
        if (scheme is not null and not "duckdb")
        {
            EndpointReading.CheckScheme(map, "in", text, "lookup", "This version looks up in postgres:// URLs and DuckDB files.", scope.Faults);
        }
        else if (scheme is null && !text.StartsWith("${", StringComparison.Ordinal) && !DuckDbEndings.Any(ending => text.EndsWith(ending, StringComparison.OrdinalIgnoreCase)))
        {
            map.Fault("in", $"found {Words.Quote(text)}, expected {KeyTable.Lookup.Find("in")!.Expected}", "Files of rows are joined: use the step join.");
        }
    }
}
