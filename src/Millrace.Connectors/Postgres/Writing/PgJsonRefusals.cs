using System.Globalization;
using Millrace.DuckDb;

namespace Millrace.Connectors.Postgres.Writing;

/// <summary>What <see cref="JsonEncoder"/> refuses of a nested value, as conditions of DuckDB's.</summary>
internal static class PgJsonRefusals
{
    private const long NanosPerMicro = 1_000;

    /// <summary>0001-01-01 in microseconds since 1970.</summary>
    private const long MicrosMin = -62_135_596_800_000_000;

    /// <summary>The end of the year 9999.</summary>
    private const long MicrosEnd = 253_402_300_800_000_000;

    private const string NoNumber = "found NaN or an infinity inside of a value that becomes JSON, which has no such number";
    private const string Outside = "found a date before the year 1 or after 9999 inside of a value that becomes JSON";

    /// <summary>What is refused of a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="type">Its type.</param>
    /// <param name="depth">How many lists it is in.</param>
    internal static IEnumerable<(string When, string Reason)> Find(string value, DuckDbType type, int depth) => type.Kind switch
    {
        DuckDbKind.Struct => type.Fields.SelectMany((field, i) => Find(PgRefusals.FieldOf(value, i), field.Type, depth)),
        DuckDbKind.Union => type.Fields.SelectMany(field => Find($"union_extract({value}, {SqlText.Literal(field.Name)})", field.Type, depth)),
        DuckDbKind.List or DuckDbKind.Array => Inside(PgRefusals.ListOf(value, type), type.Element, depth),

        // A key is a text, whatever number it is.
        DuckDbKind.Map => Inside($"map_keys({value})", type.Fields[0].Type, depth).Where(static one => one.Reason != NoNumber).Concat(Inside($"map_values({value})", type.Fields[1].Type, depth)),
        DuckDbKind.Float or DuckDbKind.Double => [($"NOT isfinite({value})", NoNumber)],
        DuckDbKind.Varchar => [PgRefusals.OfZeroByte(value)],
        DuckDbKind.Date => [($"isfinite({value}) AND ({value} < DATE '0001-01-01' OR {value} > DATE '9999-12-31')", Outside)],
        DuckDbKind.Timestamp or DuckDbKind.TimestampTz or DuckDbKind.TimestampS or DuckDbKind.TimestampMs =>
        [
            (string.Create(CultureInfo.InvariantCulture, $"isfinite({value}) AND (epoch_us({value}) < {MicrosMin} OR epoch_us({value}) >= {MicrosEnd})"), Outside),
        ],
        DuckDbKind.TimestampNs => [PgRefusals.OfFineTime($"isfinite({value}) AND epoch_ns({value})", NanosPerMicro)],
        DuckDbKind.TimeNs => [PgRefusals.OfFineTime($"epoch_ns({value})", NanosPerMicro)],
        _ => [],
    };

    private static IEnumerable<(string When, string Reason)> Inside(string list, DuckDbType element, int depth) =>
        Find(PgRefusals.Element(depth), element, depth + 1).Select(one => (PgRefusals.Any(list, depth, _ => one.When), one.Reason));
}
