using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Load;

/// <summary>
/// A value that can't be in the target though the source could give it. Where a stream has a quarantine, rows with such a value go there; otherwise
/// the writer, or the commit, refuses them.
/// </summary>
/// <param name="Column">The column, by its name in the target; empty: it is about the whole row.</param>
/// <param name="When">A condition of DuckDB's over the stream's columns, never an error: true where the value is refused.</param>
/// <param name="Reason">What was found, what was expected.</param>
public sealed record Refusal(string Column, string When, string Reason)
{
    /// <summary>What the stream's mode refuses: rows that nothing would ever find again.</summary>
    internal static IEnumerable<Refusal> OfMode(StreamPlan plan)
    {
        var stream = plan.Stream;
        if (stream.Mode is not (WriteMode.Merge or WriteMode.Incremental)) return [];
        var refusals = stream.Key.Select(name => OfNull(name, "the key"));
        return stream.Mode == WriteMode.Incremental ? refusals.Append(OfNull(stream.Cursor!, "the cursor")) : refusals;

        Refusal OfNull(string source, string what)
        {
            var name = plan.Columns.First(column => string.Equals(column.SourceName, source, StringComparison.Ordinal)).Name;
            return new Refusal(name, $"{SqlText.Name(name)} IS NULL", $"found NULL in {what}, expected a value");
        }
    }

    /// <summary>A source's SELECT whose column of rejects also says what the stream refuses.</summary>
    /// <param name="select">The source's SELECT.</param>
    /// <param name="rejects">Its column of rejects; null: it has none.</param>
    /// <param name="header">The stream.</param>
    /// <returns>The SELECT and its column of rejects; null: there is none.</returns>
    internal static (string Select, string? Rejects) Over(string select, string? rejects, StreamHeader header)
    {
        if (header.Refusals.IsEmpty || header.RejectColumn is not { } name) return (select, rejects);
        var column = SqlText.Name(name);
        var note = Note(header);
        return (rejects is null
            ? $"SELECT *, {note} AS {column} FROM ({select})"
            : $"SELECT * REPLACE (coalesce({SqlText.Name(rejects)}, {note}) AS {SqlText.Name(rejects)}) FROM ({select})", rejects ?? name);
    }

    /// <summary>The note of a row that is refused, NULL for every other.</summary>
    private static string Note(StreamHeader header)
    {
        var sql = new StringBuilder("CASE WHEN ").AppendJoin(" OR ", header.Refusals.Select(static refusal => $"({refusal.When})"));
        sql.Append(" THEN ").Append(SqlText.Literal($"{{\"{RejectNote.RejectsName}\":[")).Append(" || concat_ws(','");
        foreach (var refusal in header.Refusals)
        {
            var source = refusal.Column.Length == 0 ? "null" : Json(header.Columns.First(column => string.Equals(column.Name, refusal.Column, StringComparison.Ordinal)).SourceName);
            var begin = $"{{\"{RejectNote.ColumnName}\":{source},\"{RejectNote.ReasonName}\":{Json(refusal.Reason)},\"{RejectNote.ValueName}\":";
            var value = refusal.Column.Length == 0 ? "'null'" : $"coalesce(CAST(to_json(left(CAST({SqlText.Name(refusal.Column)} AS VARCHAR), {Limits.RejectValueCharsMax})) AS VARCHAR), 'null')";
            sql.Append(", CASE WHEN ").Append(refusal.When).Append(" THEN ").Append(SqlText.Literal(begin)).Append(" || ").Append(value).Append(" || '}' END");
        }

        return sql.Append(") || ']}' END").ToString();
    }

    private static string Json(string text) => $"\"{JsonEncodedText.Encode(text, RejectNote.Form.Encoder)}\"";
}
