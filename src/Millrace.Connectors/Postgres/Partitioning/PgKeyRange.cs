using System.Globalization;
using System.Text.Json.Serialization;

namespace Millrace.Connectors.Postgres.Partitioning;

/// <summary>
/// The rows whose key lies in a half-open range, or those with a NULL in any part of the key. Both sides of a bound are the same
/// literal, compared by the columns' own order and collation, so that any value cuts a range into two that are complementary.
/// </summary>
/// <param name="Columns">The key's columns.</param>
/// <param name="From">The lower bound, which belongs to the range: a text for each column; null: none.</param>
/// <param name="To">The upper bound, which does not; null: none.</param>
internal sealed record PgKeyRange(
    [property: JsonPropertyName("c")] IReadOnlyList<KeyColumn> Columns,
    [property: JsonPropertyName("a"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string[]? From = null,
    [property: JsonPropertyName("b"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string[]? To = null)
{
    private const int LabelCharsMax = 40;

    /// <summary>The rows with a NULL instead of a range.</summary>
    [JsonPropertyName("z"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsNull { get; init; }

    /// <summary>The condition; null for every row.</summary>
    [JsonIgnore]
    public string? Where
    {
        get
        {
            if (IsNull) return $"({string.Join(" OR ", Columns.Where(static column => column.Nullable).Select(static column => $"{column.Sql} IS NULL"))})";
            var conditions = new List<string>();
            // A row comparison is decided by the first parts that differ: a NULL behind them would go unnoticed.
            foreach (var column in Columns)
            {
                if (column.Nullable) conditions.Add($"{column.Sql} IS NOT NULL");
            }

            if (From is not null) conditions.Add($"{Row} >= {Values(From)}");
            if (To is not null) conditions.Add($"{Row} < {Values(To)}");
            return conditions.Count == 0 ? null : string.Join(" AND ", conditions);
        }
    }

    /// <summary>The range for people.</summary>
    [JsonIgnore]
    public string Label => (From, To) switch
    {
        _ when IsNull => $"{Names} is null",
        (null, null) => $"every {Names}",
        (null, { } to) => $"{Names} < {Short(to)}",
        ({ } from, null) => $"{Names} >= {Short(from)}",
        var (from, to) => $"{Names} {Short(from)} to {Short(to)}",
    };

    /// <summary>One key of it for people.</summary>
    internal string LabelOf(string[] key) => $"{Names} = {Short(key)}";

    private string Names => string.Join(", ", Columns.Select(static column => column.Name));

    private string Row => Columns is [var only] ? only.Sql : $"({string.Join(", ", Columns.Select(static column => column.Sql))})";

    private string Values(string[] values)
    {
        var literals = string.Join(", ", Columns.Select((column, i) => column.Literal(values[i])));
        return Columns.Count == 1 ? literals : $"({literals})";
    }

    private static string Short(string[] values)
    {
        var text = string.Join(", ", values);
        return text.Length <= LabelCharsMax ? text : string.Create(CultureInfo.InvariantCulture, $"{text.AsSpan(0, LabelCharsMax)}…");
    }
}
