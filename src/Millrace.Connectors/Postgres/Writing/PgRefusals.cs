using System.Collections.Immutable;
using System.Globalization;
using Millrace.Connectors.Postgres.Types;
using Millrace.DuckDb;
using Millrace.Load;
using Millrace.Planning;

namespace Millrace.Connectors.Postgres.Writing;

/// <summary>
/// What <see cref="RowEncoder"/> refuses of a column's values, and of what is inside of them, as conditions of DuckDB's: rows with them go to quarantine before
/// they are encoded.
/// </summary>
internal static class PgRefusals
{
    private const int MicrosPerMilli = 1_000;
    private const int MicrosPerSecond = 1_000_000;
    private const int NanosPerMicro = 1_000;

    private const string ZeroByte = "found a text with a zero byte, which PostgreSQL's texts can't hold";
    private const string TooFine = "found a time that is finer than the column's type, and is not rounded";

    /// <summary>The refusals of a stream's columns.</summary>
    internal static ImmutableArray<Refusal> Of(ImmutableArray<Column> columns, PgWriting writing)
    {
        if (writing.IsPassed) return [];
        var refusals = ImmutableArray.CreateBuilder<Refusal>();
        for (var i = 0; i < columns.Length; i++)
        {
            // One for each reason: a struct can have it in many fields.
            var found = Find(SqlText.Name(columns[i].Name), DuckDbType.Parse(columns[i].Type), writing.Columns[i].Encoding, 0).GroupBy(static one => one.Reason, static one => one.When);
            foreach (var one in found) refusals.Add(new Refusal(columns[i].Name, string.Join(" OR ", one.Select(static when => $"({when})")), one.Key));
        }

        return refusals.ToImmutable();
    }

    /// <summary>What is refused of a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="type">Its type.</param>
    /// <param name="encoding">How it goes out.</param>
    /// <param name="depth">How many lists it is in.</param>
    private static IEnumerable<(string When, string Reason)> Find(string value, DuckDbType type, PgEncoding encoding, int depth) => encoding.Kind switch
    {
        WireKind.Array => OfArray(value, type, encoding, depth),
        WireKind.Record => encoding.Fields!.Value.SelectMany((field, i) => Find(FieldOf(value, field), type.Fields[field].Type, encoding.Children!.Value[i], depth)),
        _ when type.IsNested => PgJsonRefusals.Find(value, type, depth),
        WireKind.Text or WireKind.Jsonb => OfText(value, type, encoding),
        _ => OfTime(value, type, Math.Max(1, encoding.Micros)),
    };

    /// <summary>A field of a struct, by its place: names may differ in case only, or be empty.</summary>
    internal static string FieldOf(string value, int field) => string.Create(CultureInfo.InvariantCulture, $"struct_extract_at({value}, {field + 1})");

    /// <summary>Whether a condition is true of any element of a list.</summary>
    internal static string Any(string list, int depth, Func<string, string> when) => $"len(list_filter({list}, lambda {Element(depth)}: {when(Element(depth))})) > 0";

    /// <summary>A list of a list or an array.</summary>
    internal static string ListOf(string value, DuckDbType type) => type.Kind == DuckDbKind.Array ? $"CAST({value} AS {type.Element.ToSql()}[])" : value;

    /// <summary>The name of an element in a condition; one inside of another one's list has its own.</summary>
    internal static string Element(int depth) => string.Create(CultureInfo.InvariantCulture, $"\"millrace {depth}\"");

    internal static (string When, string Reason) OfZeroByte(string text) => ($"contains(CAST({text} AS VARCHAR), chr(0))", ZeroByte);

    internal static (string When, string Reason) OfFineTime(string number, long of) => (string.Create(CultureInfo.InvariantCulture, $"{number} % {of} <> 0"), TooFine);

    /// <summary>Lists in lists must all be of one length, level by level; then the elements.</summary>
    private static IEnumerable<(string When, string Reason)> OfArray(string value, DuckDbType type, PgEncoding encoding, int depth)
    {
        var list = ListOf(value, type);
        var (inner, element) = (type.Element, Element(depth));
        for (var level = 1; level < encoding.Dimensions; level++)
        {
            var innerList = ListOf(element, inner);
            var lengths = $"list_transform({list}, lambda {element}: len({innerList}))";
            yield return (Any(list, depth, static one => $"{one} IS NULL"), "found a list with NULL instead of a list inside, which a PostgreSQL array can't hold");
            yield return ($"list_contains({lengths}, 0)", "found a list of empty lists, which a PostgreSQL array can't hold");
            yield return ($"list_unique({lengths}) > 1", "found a list with lists of unequal lengths inside; those of a PostgreSQL array are all of one length");
            list = $"flatten(list_transform(list_filter({list}, lambda {element}: {element} IS NOT NULL), lambda {element}: {innerList}))";
            inner = inner.Element;
        }

        foreach (var (when, reason) in Find(element, inner, encoding.Children!.Value[0], depth + 1)) yield return (Any(list, depth, _ => when), reason);
    }

    private static IEnumerable<(string When, string Reason)> OfText(string value, DuckDbType type, PgEncoding encoding)
    {
        if (type.Kind != DuckDbKind.Varchar) yield break;
        yield return OfZeroByte(value);
        if (encoding.CharsMax > 0)
        {
            yield return (
                string.Create(CultureInfo.InvariantCulture, $"length({value}) > {encoding.CharsMax}"),
                string.Create(CultureInfo.InvariantCulture, $"found a text that is longer than the column's {encoding.CharsMax} characters"));
        }
    }

    private static IEnumerable<(string When, string Reason)> OfTime(string value, DuckDbType type, int unit)
    {
        switch (type.Kind)
        {
            case DuckDbKind.Date:
                yield return (
                    string.Create(CultureInfo.InvariantCulture, $"isfinite({value}) AND ({value} - DATE '2000-01-01' < {PgTimes.DateMin} OR {value} - DATE '2000-01-01' >= {PgTimes.DateEnd})"),
                    "found a date outside of PostgreSQL's range, 4714-11-24 BC to 5874897-12-31");
                break;
            case DuckDbKind.Timestamp or DuckDbKind.TimestampTz or DuckDbKind.TimestampS or DuckDbKind.TimestampMs:
                yield return (
                    string.Create(CultureInfo.InvariantCulture, $"isfinite({value}) AND epoch_us({value}) < {PgTimes.TimestampMin}"), "found a timestamp outside of PostgreSQL's range, 4714-11-24 BC to 294276-12-31");
                var own = type.Kind switch
                {
                    DuckDbKind.TimestampS => MicrosPerSecond,
                    DuckDbKind.TimestampMs => MicrosPerMilli,
                    _ => 1,
                };
                if (unit > own) yield return OfFineTime($"isfinite({value}) AND epoch_us({value})", unit);
                break;
            case DuckDbKind.TimestampNs:
                yield return OfFineTime($"isfinite({value}) AND epoch_ns({value})", (long)NanosPerMicro * unit);
                break;
            case DuckDbKind.TimeNs:
                yield return OfFineTime($"epoch_ns({value})", (long)NanosPerMicro * unit);
                break;
            case DuckDbKind.Time or DuckDbKind.TimeTz when unit > 1:
                yield return OfFineTime($"microsecond({value})", unit);
                break;
            default:
                break;
        }
    }
}
