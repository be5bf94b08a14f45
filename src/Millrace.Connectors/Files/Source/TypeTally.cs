using System.Collections.Immutable;
using System.Text;
using Millrace.DuckDb;

namespace Millrace.Connectors.Files.Source;

/// <summary>Counts over samples of text which types their values fit, and picks the first that fits all.</summary>
internal sealed class TypeTally(ImmutableArray<string> names)
{
    private const int ColumnsAtOnce = 512;
    private const int FirstRows = 512;
    private const string Value = "v";
    private const string Type = "t";

    private readonly Dictionary<string, Count> _counts = names.ToDictionary(name => name, _ => new Count(), StringComparer.OrdinalIgnoreCase);

    /// <summary>Adds a sample.</summary>
    /// <param name="probe">Where the query runs.</param>
    /// <param name="scan">A relation of text columns.</param>
    /// <param name="raws">The columns' names and how the relation names them.</param>
    /// <param name="rules">How numbers and times are spelled.</param>
    /// <param name="cancel">Stops the query.</param>
    public async Task AddAsync(Probe probe, string scan, IReadOnlyList<(string Name, string Raw)> raws, TextRules rules, CancellationToken cancel)
    {
        foreach (var some in raws.Chunk(ColumnsAtOnce))
        {
            // A few rows rule most types out. Of what is left only each column's first is tried on all rows, and the next when it fails:
            // trying every type on every row takes longer than reading a gigabyte.
            await RuleOutAsync(probe, $"(SELECT * FROM {scan} LIMIT {FirstRows})", some, rules, cancel).ConfigureAwait(false);
            var tried = new HashSet<(string Name, int Type)>();
            while (some.Select(column => (column.Name, column.Raw, Type: FirstOpen(column.Name, tried))).Where(static one => one.Type >= 0).ToArray() is { Length: > 0 } trying)
            {
                await TryAsync(probe, scan, trying, rules, cancel).ConfigureAwait(false);
                foreach (var (name, _, type) in trying) tried.Add((name, type));
            }
        }
    }

    // The one that would be taken, unless all rows have been tried on it; -1: none.
    private int FirstOpen(string name, HashSet<(string Name, int Type)> tried)
    {
        var first = Array.IndexOf(_counts[name].Misfits, 0);
        return first >= 0 && !tried.Contains((name, first)) ? first : -1;
    }

    /// <summary>Tries every type on every column.</summary>
    private async Task RuleOutAsync(Probe probe, string scan, (string Name, string Raw)[] columns, TextRules rules, CancellationToken cancel)
    {
        var misfits = TextTypes.Candidates.Select(type => Misfits(type, rules));
        using var result = await QueryAsync(probe, [.. misfits], $"SELECT {Values(columns)} FROM {scan}", cancel).ConfigureAwait(false);
        while (result.Read())
        {
            var count = Counted(result, columns[result.GetInt64(0)].Name);
            for (var type = 0; type < count.Misfits.Length; type++) count.Misfits[type] += result.GetInt64(type + 2);
        }
    }

    /// <summary>Tries one type on each column.</summary>
    private async Task TryAsync(Probe probe, string scan, (string Name, string Raw, int Type)[] columns, TextRules rules, CancellationToken cancel)
    {
        var cases = columns.Select(static column => column.Type).Distinct().Select(type => $"WHEN {type} THEN {Misfits(TextTypes.Candidates[type], rules)}");
        var types = $"unnest([{string.Join(", ", columns.Select(static column => column.Type))}]) AS {Type}";
        var rows = $"SELECT {Values([.. columns.Select(static column => (column.Name, column.Raw))])}, {types} FROM {scan}";
        using var result = await QueryAsync(probe, [$"CASE {Type} {string.Join(' ', cases)} END"], rows, cancel).ConfigureAwait(false);
        while (result.Read())
        {
            var (name, _, type) = columns[result.GetInt64(0)];
            Counted(result, name).Misfits[type] += result.GetInt64(2);
        }
    }

    // A value a row, with its column's number: conditions for each column of their own take DuckDB seconds to plan where there are hundreds.
    private static string Values((string Name, string Raw)[] columns) =>
        $"unnest(range({columns.Length})) AS n, unnest([{string.Join(", ", columns.Select(static column => column.Raw))}]) AS {Value}";

    private static string Misfits(DuckDbType type, TextRules rules) =>
        $"NOT coalesce({TextTypes.Fits(type, rules).Replace(FileColumn.Hole, Value, StringComparison.Ordinal)}, false)";

    /// <summary>For each column its number, its values, and those of them that meet each condition.</summary>
    private static Task<DuckDbResult> QueryAsync(Probe probe, string[] conditions, string rows, CancellationToken cancel)
    {
        const string IsValue = $"{Value} IS NOT NULL AND {Value} <> ''";
        var sql = new StringBuilder($"SELECT n, count(*) FILTER (WHERE {IsValue})");
        foreach (var condition in conditions) sql.Append($", count(*) FILTER (WHERE {IsValue} AND {condition})");
        return probe.QueryAsync($"{sql} FROM ({rows}) GROUP BY n", cancel);
    }

    private Count Counted(DuckDbResult result, string name)
    {
        var count = _counts[name];
        count.Values = Math.Max(count.Values, result.GetInt64(1));
        return count;
    }

    /// <summary>The columns with the first type that fits all of their values; text when there is none, or no value.</summary>
    public ImmutableArray<InspectedColumn> Columns() => [.. names.Select(Pick)];

    private InspectedColumn Pick(string name)
    {
        var count = _counts[name];
        if (count.Values == 0) return new InspectedColumn(name, "text", DuckDbType.Varchar, "as text: no value in the sample");
        for (var i = 0; i < count.Misfits.Length; i++)
        {
            if (count.Misfits[i] == 0) return new InspectedColumn(name, "text", TextTypes.Candidates[i]);
        }

        return new InspectedColumn(name, "text", DuckDbType.Varchar);
    }

    private sealed class Count
    {
        public long Values { get; set; }

        public long[] Misfits { get; } = new long[TextTypes.Candidates.Length];
    }
}
