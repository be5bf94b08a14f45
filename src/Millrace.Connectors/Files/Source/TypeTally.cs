using System.Collections.Immutable;
using System.Text;
using Millrace.DuckDb;

namespace Millrace.Connectors.Files.Source;

/// <summary>Counts over samples of text which types their values fit, and picks the first that fits all.</summary>
internal sealed class TypeTally(ImmutableArray<string> names)
{
    private const int ColumnsAtOnce = 64;

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
            var sql = new StringBuilder("SELECT ");
            foreach (var (_, raw) in some)
            {
                var value = $"{raw} IS NOT NULL AND {raw} <> ''";
                sql.Append($"count(*) FILTER (WHERE {value})");
                foreach (var type in TextTypes.Candidates)
                    sql.Append($", count(*) FILTER (WHERE {value} AND NOT coalesce({TextTypes.Fits(type, rules).Replace(FileColumn.Hole, raw, StringComparison.Ordinal)}, false))");
                sql.Append(", ");
            }

            sql.Length -= 2;
            using var result = await probe.QueryAsync($"{sql} FROM {scan}", cancel).ConfigureAwait(false);
            if (!result.Read()) continue;
            var at = 0;
            foreach (var (name, _) in some)
            {
                var count = _counts[name];
                count.Values += result.GetInt64(at++);
                for (var i = 0; i < count.Misfits.Length; i++) count.Misfits[i] += result.GetInt64(at++);
            }
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
