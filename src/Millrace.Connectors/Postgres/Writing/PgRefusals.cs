using System.Collections.Immutable;
using System.Globalization;
using Millrace.Connectors.Postgres.Types;
using Millrace.DuckDb;
using Millrace.Load;
using Millrace.Planning;

namespace Millrace.Connectors.Postgres.Writing;

/// <summary>
/// What <see cref="RowEncoder"/> refuses of a column's values, as conditions of DuckDB's: rows with them go to quarantine before they are encoded. Values
/// inside of others are left to the encoder.
/// </summary>
internal static class PgRefusals
{
    /// <summary>The refusals of a stream's columns.</summary>
    internal static ImmutableArray<Refusal> Of(ImmutableArray<Column> columns, PgWriting writing)
    {
        if (writing.IsPassed) return [];
        var refusals = ImmutableArray.CreateBuilder<Refusal>();
        for (var i = 0; i < columns.Length; i++) Add(refusals, columns[i].Name, DuckDbType.Parse(columns[i].Type), writing.Columns[i].Encoding);
        return refusals.ToImmutable();
    }

    private static void Add(ImmutableArray<Refusal>.Builder refusals, string column, DuckDbType type, PgEncoding encoding)
    {
        var name = SqlText.Name(column);
        var unit = Math.Max(1, encoding.Micros);
        switch (type.Kind)
        {
            case DuckDbKind.Varchar when encoding.Kind is WireKind.Text or WireKind.Jsonb:
                Refuse($"contains(CAST({name} AS VARCHAR), chr(0))", "found a text with a zero byte, which PostgreSQL's texts can't hold");
                if (encoding.CharsMax > 0)
                    Refuse(string.Create(CultureInfo.InvariantCulture, $"length({name}) > {encoding.CharsMax}"), string.Create(CultureInfo.InvariantCulture, $"found a text that is longer than the column's {encoding.CharsMax} characters"));
                break;
            case DuckDbKind.Date:
                Refuse(
                    string.Create(CultureInfo.InvariantCulture, $"isfinite({name}) AND ({name} - DATE '2000-01-01' < {PgTimes.DateMin} OR {name} - DATE '2000-01-01' >= {PgTimes.DateEnd})"),
                    "found a date outside of PostgreSQL's range, 4714-11-24 BC to 5874897-12-31");
                break;
            case DuckDbKind.Timestamp or DuckDbKind.TimestampTz:
                Refuse(
                    string.Create(CultureInfo.InvariantCulture, $"isfinite({name}) AND epoch_us({name}) < {PgTimes.TimestampMin}"), "found a timestamp outside of PostgreSQL's range, 4714-11-24 BC to 294276-12-31");
                Coarse($"epoch_us({name})", unit);
                break;
            case DuckDbKind.TimestampMs:
                Coarse($"epoch_ms({name})", unit / 1000);
                break;
            case DuckDbKind.TimestampNs:
                Coarse($"epoch_ns({name})", 1000L * unit);
                break;
            case DuckDbKind.Time:
                Coarse($"microsecond({name})", unit);
                break;
            default:
                break;
        }

        void Coarse(string number, long of)
        {
            if (of <= 1) return;
            var isFinite = type.Kind == DuckDbKind.Time ? "" : $"isfinite({name}) AND ";
            Refuse(string.Create(CultureInfo.InvariantCulture, $"{isFinite}{number} % {of} <> 0"), "found a time that is finer than the column's type, and is not rounded");
        }

        void Refuse(string when, string reason) => refusals.Add(new Refusal(column, when, reason));
    }
}
