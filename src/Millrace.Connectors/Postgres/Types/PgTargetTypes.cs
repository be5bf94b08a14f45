using System.Globalization;
using Millrace.DuckDb;
using Millrace.Planning;

namespace Millrace.Connectors.Postgres.Types;

/// <summary>The type that a column of a new table gets: the table of types read backwards.</summary>
internal static class PgTargetTypes
{
    /// <summary><see cref="NativeType.System"/> of columns whose source is PostgreSQL.</summary>
    internal const string System = "postgres";

    /// <summary>
    /// The type as SQL: the source's own where that is a PostgreSQL's and the job did not ask for another, else what holds the values of the
    /// DuckDB type. Null: PostgreSQL has none for it.
    /// </summary>
    internal static string? SqlFor(Column column)
    {
        if (column.Native is { System: System } native) return native.Sql;
        return DuckDbType.TryParse(column.Type, out var type) ? SqlFor(type) : null;
    }

    /// <summary>What holds every value of a DuckDB type.</summary>
    internal static string? SqlFor(DuckDbType type) => type.Kind switch
    {
        DuckDbKind.Boolean => "boolean",
        DuckDbKind.TinyInt or DuckDbKind.UTinyInt or DuckDbKind.SmallInt => "smallint",
        DuckDbKind.USmallInt or DuckDbKind.Integer => "integer",
        DuckDbKind.UInteger or DuckDbKind.BigInt => "bigint",
        DuckDbKind.UBigInt => "numeric(20,0)",
        DuckDbKind.HugeInt or DuckDbKind.UHugeInt => "numeric(39,0)",
        DuckDbKind.Decimal => string.Create(CultureInfo.InvariantCulture, $"numeric({type.Width},{type.Scale})"),
        DuckDbKind.Float => "real",
        DuckDbKind.Double => "double precision",
        // json keeps the text as it is; jsonb would forget blanks, order and keys that stand twice.
        DuckDbKind.Varchar => type.IsJson ? "json" : "text",
        DuckDbKind.Enum or DuckDbKind.Null => "text",
        DuckDbKind.Blob => "bytea",
        DuckDbKind.Date => "date",
        DuckDbKind.Time or DuckDbKind.TimeNs => "time",
        DuckDbKind.TimeTz => "timetz",
        DuckDbKind.Timestamp or DuckDbKind.TimestampMs or DuckDbKind.TimestampNs or DuckDbKind.TimestampS => "timestamp",
        DuckDbKind.TimestampTz => "timestamptz",
        DuckDbKind.Interval => "interval",
        DuckDbKind.Uuid => "uuid",
        DuckDbKind.Bit => "varbit",
        DuckDbKind.List or DuckDbKind.Array => ArrayOf(type),
        DuckDbKind.Struct or DuckDbKind.Map or DuckDbKind.Union => JsonForms.Holds(type) ? "jsonb" : null,
        _ => null,
    };

    /// <summary>An array for any number of dimensions; one of more than PostgreSQL has is JSON.</summary>
    private static string? ArrayOf(DuckDbType type)
    {
        var element = type;
        var dimensions = 0;
        for (; element.Kind is DuckDbKind.List or DuckDbKind.Array; element = element.Element) dimensions++;
        if (dimensions > PgEncodings.DimensionsMax) return JsonForms.Holds(type) ? "jsonb" : null;
        return SqlFor(element) is { } sql ? $"{sql}[]" : null;
    }
}
