using System.Collections.Immutable;
using Millrace.DuckDb;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// How a text becomes a typed value without being changed. DuckDB's own casts take too much: <c>1.5</c> becomes the BIGINT 2,
/// <c>007</c> becomes 7, a DATE drops the time of day, a TIMESTAMP drops an offset, all without a word. So every cast here has a
/// condition beside it, which is cheap for the usual spelling and exact for the others.
/// </summary>
internal static class TextTypes
{
    private const string X = FileColumn.Hole;

    /// <summary>What a column may be when nobody says, in this order; the first that fits every value of the sample is taken.</summary>
    public static ImmutableArray<DuckDbType> Candidates { get; } =
    [
        DuckDbType.Boolean, DuckDbType.BigInt, DuckDbType.Double, DuckDbType.Date, DuckDbType.Timestamp, DuckDbType.TimestampTz,
        DuckDbType.Of(DuckDbKind.Time),
    ];

    /// <summary>
    /// The condition under which a text (never NULL) is a value of a type that was found in a sample. Stricter than <see cref="Keeps"/>:
    /// the text must be how the value is usually written, so that codes such as <c>007</c> stay text.
    /// </summary>
    public static string Fits(DuckDbType type, TextRules rules) => type.Kind switch
    {
        DuckDbKind.Boolean => $"(lower({X}) IN ('true', 'false'))",
        DuckDbKind.BigInt or DuckDbKind.HugeInt => $"(TRY_CAST({X} AS {type.ToSql()})::VARCHAR IS NOT DISTINCT FROM {X})",
        DuckDbKind.Double => FitsDouble(Decimal(rules)),
        DuckDbKind.Date => rules.DateFormat is null
            ? $"(strlen({X}) = 10 AND {X}[5] = '-' AND {X}[8] = '-' AND TRY_CAST({X} AS DATE) IS NOT NULL)"
            : Formatted(rules.DateFormat, "DATE"),
        DuckDbKind.Timestamp => rules.TimestampFormat is null ? FitsTimestamp() : Formatted(rules.TimestampFormat, "TIMESTAMP"),
        DuckDbKind.TimestampTz =>
            $"(regexp_full_match({X}, '{Day}[ T]{Clock}( ?Z|[+-]\\d\\d(:?\\d\\d)?)') AND TRY_CAST({X} AS TIMESTAMPTZ) IS NOT NULL)",
        DuckDbKind.Time => $"(regexp_full_match({X}, '{Clock}') AND TRY_CAST({X} AS TIME) IS NOT NULL)",
        _ => Keeps(type, rules),
    };

    /// <summary>
    /// The condition under which a text (never NULL) can become a type that the user asked for, without a change of the value:
    /// <c>007</c> is the integer 7, but <c>1.5</c> is no integer.
    /// </summary>
    public static string Keeps(DuckDbType type, TextRules rules)
    {
        var sql = type.ToSql();
        switch (type.Kind)
        {
            case DuckDbKind.TinyInt or DuckDbKind.SmallInt or DuckDbKind.Integer or DuckDbKind.BigInt or DuckDbKind.HugeInt
                or DuckDbKind.UTinyInt or DuckDbKind.USmallInt or DuckDbKind.UInteger or DuckDbKind.UBigInt or DuckDbKind.UHugeInt:
                return $"(TRY_CAST({X} AS {sql})::VARCHAR IS NOT DISTINCT FROM {X}"
                    + $" OR (regexp_full_match({X}, ' *[+-]?[0-9]+(\\.0*)? *') AND TRY_CAST({X} AS {sql}) IS NOT NULL))";
            case DuckDbKind.Decimal:
                return $"(regexp_full_match({Decimal(rules)}, ' *[+-]?[0-9]*(\\.[0-9]{{0,{type.Scale}}}0*)? *') AND TRY_CAST({Decimal(rules)} AS {sql}) IS NOT NULL)";
            case DuckDbKind.Double or DuckDbKind.Float:
                // Asked for by name: rounding to the nearest floating point number is what was asked for; overflow is not.
                return $"(TRY_CAST({Decimal(rules)} AS {sql}) IS NOT NULL AND (isfinite(TRY_CAST({Decimal(rules)} AS {sql}))"
                    + $" OR regexp_full_match(lower({X}), ' *[+-]?(nan|inf|infinity) *')))";
            case DuckDbKind.Boolean:
                return $"(lower({X}) IN ('true', 'false', 't', 'f', 'yes', 'no', 'y', 'n', '1', '0'))";
            case DuckDbKind.Date when rules.DateFormat is not null:
                return Formatted(rules.DateFormat, "DATE");
            case DuckDbKind.Date:
                return $"(regexp_full_match({X}, '{Day}|-?infinity') AND TRY_CAST({X} AS DATE) IS NOT NULL)";
            case DuckDbKind.Timestamp or DuckDbKind.TimestampS or DuckDbKind.TimestampMs or DuckDbKind.TimestampNs when rules.TimestampFormat is not null:
                return Formatted(rules.TimestampFormat, sql);
            case DuckDbKind.Timestamp or DuckDbKind.TimestampS or DuckDbKind.TimestampMs or DuckDbKind.TimestampNs:
                return $"(regexp_full_match({X}, '{Day}([ T]{ClockOf(FractionDigits(type.Kind))})?|-?infinity') AND TRY_CAST({X} AS {sql}) IS NOT NULL)";
            case DuckDbKind.TimestampTz:
                return $"(regexp_full_match({X}, '{Day}[ T]{Clock}( ?Z|[+-]\\d\\d(:?\\d\\d)?)|-?infinity') AND TRY_CAST({X} AS TIMESTAMPTZ) IS NOT NULL)";
            case DuckDbKind.Time:
                return $"(regexp_full_match({X}, '{Clock}') AND TRY_CAST({X} AS TIME) IS NOT NULL)";
            case DuckDbKind.TimeTz:
                return $"(regexp_full_match({X}, '{Clock}( ?Z|[+-]\\d\\d(:?\\d\\d)?)') AND TRY_CAST({X} AS TIMETZ) IS NOT NULL)";
            case DuckDbKind.Uuid:
                return $"(TRY_CAST({X} AS UUID)::VARCHAR IS NOT DISTINCT FROM lower({X}))";
            case DuckDbKind.Varchar:
                return "true";
            default:
                return $"(TRY_CAST({X} AS {sql}) IS NOT NULL)";
        }
    }

    /// <summary>The value, when the condition holds.</summary>
    public static string Cast(DuckDbType type, TextRules rules) => type.Kind switch
    {
        DuckDbKind.Double or DuckDbKind.Float or DuckDbKind.Decimal => $"TRY_CAST({Decimal(rules)} AS {type.ToSql()})",
        DuckDbKind.Date when rules.DateFormat is not null => $"CAST(strptime({X}, {SqlText.Literal(rules.DateFormat)}) AS DATE)",
        DuckDbKind.Timestamp or DuckDbKind.TimestampS or DuckDbKind.TimestampMs or DuckDbKind.TimestampNs when rules.TimestampFormat is not null =>
            $"CAST(strptime({X}, {SqlText.Literal(rules.TimestampFormat)}) AS {type.ToSql()})",
        DuckDbKind.Boolean => $"(lower({X}) IN ('true', 't', 'yes', 'y', '1'))",
        DuckDbKind.Varchar => X,
        _ => $"TRY_CAST({X} AS {type.ToSql()})",
    };

    /// <summary>
    /// The whole expression: the value, NULL for NULL (and for the empty text of a type that has none), an error that carries the
    /// column's number and the text for everything else.
    /// </summary>
    /// <param name="type">The type.</param>
    /// <param name="found">True: found in a sample, so <see cref="Fits"/> holds; false: asked for, so <see cref="Keeps"/> does.</param>
    /// <param name="column">The column's number in the layout, for the error.</param>
    /// <param name="rules">How numbers and times are spelled.</param>
    /// <param name="isRejected">True: NULL instead of the error.</param>
    public static string Decode(DuckDbType type, bool found, int column, TextRules rules, bool isRejected = false)
    {
        if (type.Kind == DuckDbKind.Varchar) return type.IsJson ? $"CAST({X} AS JSON)" : X;
        var condition = found ? Fits(type, rules) : Keeps(type, rules);
        return $"CASE WHEN {Nothing(type, rules)} THEN NULL WHEN {condition} THEN {Cast(type, rules)} ELSE {BadValue.Sql(isRejected, column, X)} END";
    }

    /// <summary>The condition under which a text is no value at all; null for types that take every text.</summary>
    public static string? Nothing(DuckDbType type, TextRules rules) =>
        type.Kind == DuckDbKind.Varchar ? null : rules.EmptyIsNull ? $"{X} IS NULL OR {X} = ''" : $"{X} IS NULL";

    private const string Day = "\\d{4,6}-\\d\\d-\\d\\d";
    private const string Clock = "\\d\\d:\\d\\d(:\\d\\d(\\.\\d{1,6}0*)?)?";

    private static string ClockOf(int digits) => digits == 0
        ? "\\d\\d:\\d\\d(:\\d\\d(\\.0*)?)?"
        : $"\\d\\d:\\d\\d(:\\d\\d(\\.\\d{{1,{digits}}}0*)?)?";

    private static int FractionDigits(DuckDbKind kind) => kind switch
    {
        DuckDbKind.TimestampS => 0,
        DuckDbKind.TimestampMs => 3,
        DuckDbKind.TimestampNs => 9,
        _ => 6,
    };

    /// <summary>The text with a point for its decimal mark; a point in a text whose mark is a comma makes it no number.</summary>
    private static string Decimal(TextRules rules) => rules.DecimalMark == "."
        ? X
        : $"(CASE WHEN contains({X}, '.') THEN NULL ELSE replace({X}, {SqlText.Literal(rules.DecimalMark)}, '.') END)";

    // Up to 15 digits every decimal text survives a DOUBLE. Longer ones must be what the DOUBLE itself prints, at its shortest or with
    // 16 or 17 digits: then a program wrote a DOUBLE. With an exponent only the number of digits is looked at.
    private static string FitsDouble(string x) =>
        $"(TRY_CAST({x} AS DOUBLE) IS NOT NULL AND {x}[1] <> ' ' AND NOT regexp_matches({x}, '^[+-]?0[0-9]|_') AND isfinite(TRY_CAST({x} AS DOUBLE)) AND (strlen({x}) <= 16"
        + $" OR TRY_CAST({x} AS DOUBLE)::VARCHAR = {x}"
        + $" OR regexp_extract({x}, '^([+-]?[0-9]+\\.[0-9]*[1-9])0*$', 1) IN ("
        + $"TRY_CAST({x} AS DOUBLE)::VARCHAR, format('{{:.16g}}', TRY_CAST({x} AS DOUBLE)), format('{{:.17g}}', TRY_CAST({x} AS DOUBLE)))"
        + $" OR regexp_full_match({x}, '[+-]?[0-9]\\.?[0-9]{{0,16}}[eE][+-]?[0-9]+')))";

    private static string FitsTimestamp() =>
        $"(((strlen({X}) = 19 AND {X}[17] = ':' AND ({X}[11] = ' ' OR {X}[11] = 'T')) OR regexp_full_match({X}, '{Day}[ T]{Clock}'))"
        + $" AND TRY_CAST({X} AS TIMESTAMP) IS NOT NULL)";

    // What the format prints must be what was read; DuckDB's strptime alone takes more than the format says.
    private static string Formatted(string format, string type) =>
        $"(TRY_CAST(try_strptime({X}, {SqlText.Literal(format)}) AS {type}) IS NOT NULL)";
}

/// <summary>How a stream's files spell numbers and times.</summary>
/// <param name="DecimalMark">The decimal mark.</param>
/// <param name="DateFormat">The format of dates in strftime notation; null: ISO 8601.</param>
/// <param name="TimestampFormat">The format of timestamps; null: ISO 8601.</param>
/// <param name="EmptyIsNull">Whether an empty text is NULL in columns that are no text.</param>
internal sealed record TextRules(string DecimalMark = ".", string? DateFormat = null, string? TimestampFormat = null, bool EmptyIsNull = true)
{
    /// <summary>Whether that is how SQL spells them.</summary>
    public bool IsUsual => DecimalMark == "." && DateFormat is null && TimestampFormat is null;
}
