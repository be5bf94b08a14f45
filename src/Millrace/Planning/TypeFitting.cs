using Millrace.DuckDb;

namespace Millrace.Planning;

/// <summary>
/// What becomes of each of DuckDB's types for a target that can't hold everything: the one table of it. A type that is not
/// kept becomes text in a notation that reads back to the same value; a value that a kept type's writer would bend is an error.
/// </summary>
public static class TypeFitting
{
    /// <summary>Stands for the column in SQL.</summary>
    public const string Hole = "{raw}";

    private const string X = Hole;

    /// <summary>Looks a type up.</summary>
    /// <param name="type">The type.</param>
    /// <param name="target">What the target can hold.</param>
    /// <param name="refuse">SQL of what a value becomes that the target can't hold: an error, or NULL; of SQL that gives the value as text.</param>
    /// <param name="inUnit">True: the SQL runs where a worker's functions are known.</param>
    /// <returns>Null: there is no faithful way to write it.</returns>
    public static Fitting? Fit(DuckDbType type, TargetTraits target, Func<string, string> refuse, bool inUnit = false) => type.Kind switch
    {
        DuckDbKind.Boolean or DuckDbKind.TinyInt or DuckDbKind.SmallInt or DuckDbKind.Integer or DuckDbKind.BigInt
            or DuckDbKind.UTinyInt or DuckDbKind.USmallInt or DuckDbKind.UInteger or DuckDbKind.UBigInt
            or DuckDbKind.Decimal or DuckDbKind.Uuid => new(type, X),
        DuckDbKind.Varchar => new(DuckDbType.Varchar, type.IsJson ? $"CAST({X} AS VARCHAR)" : X),
        DuckDbKind.Null => new(DuckDbType.Varchar, $"CAST({X} AS VARCHAR)", "as text: the files hold only NULL"),
        DuckDbKind.Enum => new(DuckDbType.Varchar, $"CAST({X} AS VARCHAR)"),
        DuckDbKind.Float or DuckDbKind.Double => new(type, target.NonFiniteFloats ? X : OnlyIf($"isfinite({X})", refuse)),
        DuckDbKind.Date or DuckDbKind.Timestamp or DuckDbKind.TimestampTz or DuckDbKind.TimestampS or DuckDbKind.TimestampMs
            or DuckDbKind.TimestampNs => new(type, target.InfiniteDates ? X : OnlyIf($"isfinite({X})", refuse)),
        DuckDbKind.Time => new(type, target.EndOfDay ? X : OnlyIf($"{X} <> TIME '24:00:00'", refuse)),
        DuckDbKind.TimeNs => Text("as text: a time with nanoseconds"),
        DuckDbKind.TimeTz => target.TimeOffsets ? new(type, X) : Text("as text: the target would drop the time's offset"),
        DuckDbKind.Interval => target.Intervals ? new(type, X) : new(DuckDbType.Varchar, IsoInterval, "as ISO 8601 text: the target can't hold an interval"),
        DuckDbKind.Blob => target.Bytes ? new(type, X) : new(DuckDbType.Varchar, $"('\\x' || lower(hex({X})))", "as \\x and hex digits: the target can't hold bytes"),
        DuckDbKind.HugeInt or DuckDbKind.UHugeInt => target.HugeIntegers ? new(type, X) : Huge(refuse),
        DuckDbKind.Bit => Text("as text of 0 and 1"),
        DuckDbKind.BigNum => Text("as text: an integer without a limit"),
        DuckDbKind.List or DuckDbKind.Array or DuckDbKind.Struct or DuckDbKind.Map => Nested(type, target, refuse, inUnit),
        DuckDbKind.Union or DuckDbKind.Variant => new(DuckDbType.Varchar, $"CAST(to_json({X}) AS VARCHAR)", "as JSON text: values of several types"),
        _ => null,
    };

    private static string IsoInterval =>
        $"('P' || (datepart('year', {X}) * 12 + datepart('month', {X})) || 'M' || datepart('day', {X}) || 'DT'"
        + $" || CAST(CAST(datepart('hour', {X}) * 3600 + datepart('minute', {X}) * 60 AS DECIMAL(18,6)) + CAST(datepart('microsecond', {X}) AS DECIMAL(18,6)) / 1000000 AS DECIMAL(18,6)) || 'S')";

    private static Fitting Text(string remark) => new(DuckDbType.Varchar, $"CAST({X} AS VARCHAR)", remark);

    private static Fitting Huge(Func<string, string> refuse)
    {
        var type = DuckDbType.Decimal(DuckDbType.DecimalWidthMax, 0);
        return new(type, OnlyIf($"TRY_CAST({X} AS DECIMAL(38,0)) IS NOT NULL", refuse, $"TRY_CAST({X} AS DECIMAL(38,0))"), "as a decimal of 38 digits");
    }

    // A nested value is kept only when everything inside it is: there is no expression that mends one field of a list of structs.
    private static Fitting Nested(DuckDbType type, TargetTraits target, Func<string, string> refuse, bool inUnit)
    {
        if (target.Nested && AllKept(type, target))
            return new(type, target.InfiniteDates || !InfiniteDays.IsPossible(type) ? X : OnlyIf(inUnit ? $"NOT {InfiniteDays.Name}({X})" : $"NOT regexp_matches(CAST(to_json({X}) AS VARCHAR), '\"-?infinity\"')", refuse));
        return new(
            DuckDbType.Varchar,
            $"CAST(to_json({X}) AS VARCHAR)",
            target.Nested ? "as JSON text: the target can't hold a type inside it" : "as JSON text: the target can't hold nested values");
    }

    private static bool AllKept(DuckDbType type, TargetTraits target)
    {
        foreach (var field in type.Fields)
        {
            if (field.Type.IsNested)
            {
                if (field.Type.Kind == DuckDbKind.Union || !AllKept(field.Type, target)) return false;
                continue;
            }

            var fitting = Fit(field.Type, target, static _ => "NULL");
            if (fitting is null || (fitting.Type != field.Type && field.Type.Kind != DuckDbKind.Enum && !field.Type.IsJson)) return false;
        }

        return true;
    }

    private static string OnlyIf(string condition, Func<string, string> refuse, string? value = null) =>
        $"CASE WHEN {X} IS NULL THEN NULL WHEN {condition} THEN {value ?? X} ELSE {refuse($"CAST({X} AS VARCHAR)")} END";
}

/// <summary>How one column reaches the target.</summary>
/// <param name="Type">The type that the target gets.</param>
/// <param name="Sql">SQL over <see cref="TypeFitting.Hole"/> that makes it.</param>
/// <param name="Remark">Said in the plan when the type is not the obvious one.</param>
public sealed record Fitting(DuckDbType Type, string Sql, string? Remark = null);
