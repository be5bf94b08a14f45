using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace Millrace.DuckDb;

/// <summary>The type table: every scalar kind, the name it is printed by, and the synonyms it is read by.</summary>
internal static class DuckDbTypeNames
{
    // Kind, the name DuckDB prints, and what else DuckDB or PostgreSQL call it. TIMESTAMP_S and its kin have no other name.
    private static readonly (DuckDbKind Kind, string Name, string[] Synonyms)[] Scalars =
    [
        (DuckDbKind.Boolean, "BOOLEAN", ["BOOL", "LOGICAL"]),
        (DuckDbKind.TinyInt, "TINYINT", ["INT1"]),
        (DuckDbKind.SmallInt, "SMALLINT", ["INT2", "INT16", "SHORT"]),
        (DuckDbKind.Integer, "INTEGER", ["INT", "INT4", "INT32", "SIGNED"]),
        (DuckDbKind.BigInt, "BIGINT", ["INT8", "INT64", "LONG"]),
        (DuckDbKind.HugeInt, "HUGEINT", ["INT128"]),
        (DuckDbKind.UTinyInt, "UTINYINT", ["UINT8"]),
        (DuckDbKind.USmallInt, "USMALLINT", ["UINT16"]),
        (DuckDbKind.UInteger, "UINTEGER", ["UINT32"]),
        (DuckDbKind.UBigInt, "UBIGINT", ["UINT64"]),
        (DuckDbKind.UHugeInt, "UHUGEINT", ["UINT128"]),
        (DuckDbKind.Float, "FLOAT", ["FLOAT4", "REAL"]),
        (DuckDbKind.Double, "DOUBLE", ["FLOAT8", "DOUBLE PRECISION"]),
        (DuckDbKind.Varchar, "VARCHAR", ["TEXT", "STRING", "CHAR", "BPCHAR", "CHARACTER VARYING", "CHARACTER", "NVARCHAR"]),
        (DuckDbKind.Blob, "BLOB", ["BYTEA", "BINARY", "VARBINARY"]),
        (DuckDbKind.Date, "DATE", []),
        (DuckDbKind.Time, "TIME", ["TIME WITHOUT TIME ZONE"]),
        (DuckDbKind.TimeNs, "TIME_NS", []),
        (DuckDbKind.TimeTz, "TIME WITH TIME ZONE", ["TIMETZ"]),
        (DuckDbKind.Timestamp, "TIMESTAMP", ["TIMESTAMP WITHOUT TIME ZONE", "DATETIME", "TIMESTAMP_US"]),
        (DuckDbKind.TimestampS, "TIMESTAMP_S", []),
        (DuckDbKind.TimestampMs, "TIMESTAMP_MS", []),
        (DuckDbKind.TimestampNs, "TIMESTAMP_NS", []),
        (DuckDbKind.TimestampTz, "TIMESTAMP WITH TIME ZONE", ["TIMESTAMPTZ"]),
        (DuckDbKind.Interval, "INTERVAL", []),
        (DuckDbKind.Uuid, "UUID", ["GUID"]),
        (DuckDbKind.Bit, "BIT", ["BITSTRING"]),
        (DuckDbKind.BigNum, "BIGNUM", ["VARINT"]),
        (DuckDbKind.Null, "\"NULL\"", []),
        (DuckDbKind.Geometry, "GEOMETRY", []),
        (DuckDbKind.Variant, "VARIANT", []),
    ];

    private static readonly FrozenDictionary<DuckDbKind, string> Printed = Scalars.ToFrozenDictionary(s => s.Kind, s => s.Name);

    private static readonly FrozenDictionary<string, DuckDbKind> Read = Scalars
        .SelectMany(s => s.Synonyms.Append(s.Name).Select(n => (Name: n, s.Kind)))
        .ToFrozenDictionary(s => s.Name, s => s.Kind, StringComparer.OrdinalIgnoreCase);

    /// <summary>Whether the kind is complete without parameters.</summary>
    public static bool IsScalar(DuckDbKind kind) => Printed.ContainsKey(kind);

    /// <summary>Finds a scalar kind by any of its names, words separated by one blank.</summary>
    public static bool TryFind(string name, out DuckDbKind kind) => Read.TryGetValue(name, out kind);

    /// <summary>Prints a type as SQL.</summary>
    public static string Print(DuckDbType type)
    {
        if (type.Alias is { } alias) return alias;
        if (Printed.TryGetValue(type.Kind, out var name)) return name;
        var sql = new StringBuilder();
        Append(sql, type);
        return sql.ToString();
    }

    private static void Append(StringBuilder sql, DuckDbType type)
    {
        switch (type.Kind)
        {
            case DuckDbKind.Decimal:
                sql.Append(CultureInfo.InvariantCulture, $"DECIMAL({type.Width},{type.Scale})");
                break;
            case DuckDbKind.List:
                Append(sql, type.Element);
                sql.Append("[]");
                break;
            case DuckDbKind.Array:
                Append(sql, type.Element);
                sql.Append(CultureInfo.InvariantCulture, $"[{type.ArraySize}]");
                break;
            case DuckDbKind.Map:
                sql.Append("MAP(").Append(Print(type.Fields[0].Type)).Append(", ").Append(Print(type.Fields[1].Type)).Append(')');
                break;
            case DuckDbKind.Enum:
                sql.Append("ENUM(").AppendJoin(", ", type.Labels.Select(SqlText.Literal)).Append(')');
                break;
            case DuckDbKind.Struct or DuckDbKind.Union:
                sql.Append(type.Kind == DuckDbKind.Struct ? "STRUCT(" : "UNION(")
                    .AppendJoin(", ", type.Fields.Select(f => SqlText.Name(f.Name) + " " + Print(f.Type)))
                    .Append(')');
                break;
            default:
                sql.Append(Print(type));
                break;
        }
    }
}
