using System.Collections.Immutable;
using System.Text;
using Millrace.DuckDb;

namespace Millrace.Connectors.Files.Source;

/// <summary>Counts over samples of text which types their values fit, and picks the first that fits all.</summary>
internal sealed class TypeTally(ImmutableArray<string> names)
{
    private const int ColumnsAtOnce = 64;
    private const int FirstRows = 512;

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
            await CountAsync(probe, $"(SELECT * FROM {scan} LIMIT {FirstRows})", some, Open, rules, cancel).ConfigureAwait(false);
            var tried = new HashSet<(string Name, int Type)>();
            while (true)
            {
                var trying = some.Select(column => (Column: column, Type: FirstOpen(column.Name, tried))).Where(one => one.Type >= 0)
                    .ToDictionary(one => one.Column.Name, one => one.Type, StringComparer.Ordinal);
                if (trying.Count == 0) break;
                await CountAsync(probe, scan, [.. some.Where(column => trying.ContainsKey(column.Name))], column => [trying[column]], rules, cancel).ConfigureAwait(false);
                foreach (var (name, type) in trying) tried.Add((name, type));
            }
        }
    }

    // The types that nothing speaks against yet.
    private int[] Open(string name) => [.. Enumerable.Range(0, TextTypes.Candidates.Length).Where(type => _counts[name].Misfits[type] == 0)];

    // The one that would be taken, unless all rows have been tried on it; -1: none.
    private int FirstOpen(string name, HashSet<(string Name, int Type)> tried)
    {
        var first = Array.IndexOf(_counts[name].Misfits, 0);
        return first >= 0 && !tried.Contains((name, first)) ? first : -1;
    }

    private async Task CountAsync(
        Probe probe, string scan, IReadOnlyList<(string Name, string Raw)> raws, Func<string, int[]> types, TextRules rules, CancellationToken cancel)
    {
        var sql = new StringBuilder("SELECT ");
        foreach (var (name, raw) in raws)
        {
            var value = $"{raw} IS NOT NULL AND {raw} <> ''";
            sql.Append($"count(*) FILTER (WHERE {value}), ");
            foreach (var type in types(name))
            {
                var fits = TextTypes.Fits(TextTypes.Candidates[type], rules).Replace(FileColumn.Hole, raw, StringComparison.Ordinal);
                sql.Append($"count(*) FILTER (WHERE {value} AND NOT coalesce({fits}, false)), ");
            }
        }

        sql.Length -= 2;
        using var result = await probe.QueryAsync($"{sql} FROM {scan}", cancel).ConfigureAwait(false);
        if (!result.Read()) return;
        var at = 0;
        foreach (var (name, _) in raws)
        {
            var count = _counts[name];
            var asked = types(name);
            count.Values = Math.Max(count.Values, result.GetInt64(at++));
            foreach (var type in asked) count.Misfits[type] += result.GetInt64(at++);
        }
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
