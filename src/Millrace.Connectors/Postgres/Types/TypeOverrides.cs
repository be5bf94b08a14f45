using Millrace.DuckDb;
using Millrace.Planning;

namespace Millrace.Connectors.Postgres.Types;

/// <summary>
/// The conversions that <c>types:</c> may ask for: those that lose nothing, done by the server in the COPY's SELECT or checked value
/// by value in the decoder; and numeric to double, which loses digits and is done only because it was asked for in so many words.
/// </summary>
internal static class TypeOverrides
{
    /// <summary>One allowed conversion.</summary>
    /// <param name="From">pg_type.typname of the source type.</param>
    /// <param name="To">The kind that was asked for.</param>
    /// <param name="Wire">The form on the wire, after the cast.</param>
    /// <param name="Cast">The cast in the SELECT, null for none.</param>
    private sealed record Line(string From, DuckDbKind To, WireKind Wire, string? Cast = null)
    {
        public string? Remark { get; init; }
    }

    private static readonly Line[] s_lines =
    [
        // Wider numbers.
        new("int2", DuckDbKind.Integer, WireKind.Int32, "int4"),
        new("int2", DuckDbKind.BigInt, WireKind.Int64, "int8"),
        new("int2", DuckDbKind.Float, WireKind.Float32, "float4"),
        new("int2", DuckDbKind.Double, WireKind.Float64, "float8"),
        new("int4", DuckDbKind.BigInt, WireKind.Int64, "int8"),
        new("int4", DuckDbKind.Double, WireKind.Float64, "float8"),
        new("oid", DuckDbKind.BigInt, WireKind.Int64, "int8"),
        new("float4", DuckDbKind.Double, WireKind.Float64, "float8"),

        // Exact or the unit fails: the decoder checks each value.
        new("int2", DuckDbKind.Decimal, WireKind.Numeric, "numeric"),
        new("int4", DuckDbKind.Decimal, WireKind.Numeric, "numeric"),
        new("int8", DuckDbKind.Decimal, WireKind.Numeric, "numeric"),
        new("numeric", DuckDbKind.Decimal, WireKind.Numeric),
        new("numeric", DuckDbKind.SmallInt, WireKind.Numeric),
        new("numeric", DuckDbKind.Integer, WireKind.Numeric),
        new("numeric", DuckDbKind.BigInt, WireKind.Numeric),
        new("int2", DuckDbKind.HugeInt, WireKind.Numeric, "numeric"),
        new("int4", DuckDbKind.HugeInt, WireKind.Numeric, "numeric"),
        new("int8", DuckDbKind.HugeInt, WireKind.Numeric, "numeric"),
        new("numeric", DuckDbKind.HugeInt, WireKind.Numeric),

        // Asked for in so many words.
        new("numeric", DuckDbKind.Double, WireKind.Float64, "float8") { Remark = "as double because 'types' says so: digits after the 15th can change" },

        // Dates.
        new("date", DuckDbKind.Timestamp, WireKind.Timestamp, "timestamp"),

        // Bytes of a text: for databases whose text is in no known encoding.
        new("text", DuckDbKind.Blob, WireKind.Bytes),
        new("varchar", DuckDbKind.Blob, WireKind.Bytes),
        new("bpchar", DuckDbKind.Blob, WireKind.Bytes),
    ];

    /// <summary>
    /// The mapping that <paramref name="wanted"/> asks for instead of <paramref name="standard"/>; null when it would change values or
    /// the target can't hold it.
    /// </summary>
    internal static PgMapping? Apply(PgType type, PgMapping standard, DuckDbType wanted, TargetTraits traits)
    {
        while (type.Domain is { } domain) type = domain;
        if (wanted == standard.Type)
            return standard;
        if (wanted == DuckDbType.Varchar)
            return PgMapping.AsText(null) with { Remark = "as text because 'types' says so" };
        if (wanted.IsJson)
            return Json(type);
        if (type.Element is { } element)
            return Array(element, wanted, traits);
        var line = System.Array.Find(s_lines, line => type.IsBuiltIn && line.From == type.Name && line.To == wanted.Kind);
        if (line is null || !IsHeld(wanted, traits))
            return null;
        return new PgMapping(wanted, PostgresTypes.Shape(line.Wire, traits)) { Cast = line.Cast, Remark = line.Remark };
    }

    /// <summary>What <c>types</c> may say for a column of this type, for the error.</summary>
    internal static string Allowed(PgType type, PgMapping standard)
    {
        while (type.Domain is { } domain) type = domain;
        var names = new SortedSet<string>(StringComparer.Ordinal) { "text", standard.Type.ToSql().ToLowerInvariant() };
        foreach (var line in s_lines)
        {
            if (type.IsBuiltIn && line.From == type.Name)
                names.Add(line.To == DuckDbKind.Decimal ? "decimal(p,s)" : line.To.ToString().ToLowerInvariant());
        }

        if (Json(type) is not null) names.Add("json");
        return string.Join(", ", names);
    }

    /// <summary>PostgreSQL itself checks that a text is JSON, through the cast.</summary>
    private static PgMapping? Json(PgType type) => type switch
    {
        { IsBuiltIn: true, Name: "json" } => new PgMapping(DuckDbType.Json, new WireShape(WireKind.Text)),
        { IsBuiltIn: true, Name: "jsonb" } => new PgMapping(DuckDbType.Json, new WireShape(WireKind.Jsonb)),
        { IsBuiltIn: true, Name: "text" or "varchar" } => new PgMapping(DuckDbType.Json, new WireShape(WireKind.Text)) { Cast = "json" },
        _ => null,
    };

    /// <summary>Another number of dimensions than the declared one, another element type, or both.</summary>
    private static PgMapping? Array(PgType element, DuckDbType wanted, TargetTraits traits)
    {
        var dimensions = 0;
        while (wanted.Kind == DuckDbKind.List)
        {
            wanted = wanted.Element;
            dimensions++;
        }

        if (dimensions == 0 || !traits.Nested || PostgresTypes.Map(element, -1, 0, traits, out _) is not { } standard)
            return null;
        return Apply(element, standard, wanted, traits) is { } mapped ? PostgresTypes.ListOf(mapped, dimensions) : null;
    }

    private static bool IsHeld(DuckDbType type, TargetTraits traits) => type.Kind switch
    {
        DuckDbKind.Blob => traits.Bytes,
        DuckDbKind.HugeInt => traits.HugeIntegers,
        _ => true,
    };
}
