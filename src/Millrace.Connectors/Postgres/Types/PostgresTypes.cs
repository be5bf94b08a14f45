using System.Collections.Frozen;
using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Planning;

namespace Millrace.Connectors.Postgres.Types;

/// <summary>
/// The table of PostgreSQL's types: what each becomes, and why it is text when it is text. A value that its DuckDB type (or the
/// target) can't hold fails the unit with its row and column; no value is ever changed.
/// </summary>
internal static class PostgresTypes
{
    /// <summary>One line of the table.</summary>
    /// <param name="Name">pg_type.typname.</param>
    /// <param name="Becomes">The DuckDB type.</param>
    /// <param name="Wire">The form on the wire.</param>
    private sealed record Line(string Name, DuckDbType Becomes, WireKind Wire)
    {
        /// <summary>True when the COPY's SELECT casts to text.</summary>
        public bool Cast { get; init; }

        /// <summary>Why it is text.</summary>
        public string? Why { get; init; }

        /// <summary>True for a type of an extension, whose schema is not known.</summary>
        public bool Extension { get; init; }
    }

    private static readonly FrozenDictionary<string, Line> s_lines = new Line[]
    {
        // As they are.
        new("bool", DuckDbType.Boolean, WireKind.Bool),
        new("int2", DuckDbType.SmallInt, WireKind.Int16),
        new("int4", DuckDbType.Integer, WireKind.Int32),
        new("int8", DuckDbType.BigInt, WireKind.Int64),
        new("oid", DuckDbType.Of(DuckDbKind.UInteger), WireKind.Int32),
        new("float4", DuckDbType.Float, WireKind.Float32),            // NaN and infinities: TargetTraits.NonFiniteFloats
        new("float8", DuckDbType.Double, WireKind.Float64),           // the same
        new("date", DuckDbType.Date, WireKind.Date),                  // infinities: TargetTraits.InfiniteDates
        new("time", DuckDbType.Time, WireKind.Time),                  // 24:00:00: TargetTraits.EndOfDay
        new("timestamp", DuckDbType.Timestamp, WireKind.Timestamp),   // infinities; years after 294246 do not fit
        new("timestamptz", DuckDbType.TimestampTz, WireKind.Timestamp),
        new("uuid", DuckDbType.Uuid, WireKind.Uuid),
        new("bytea", DuckDbType.Blob, WireKind.Bytes),                // text (\x and hex) without TargetTraits.Bytes
        new("text", DuckDbType.Varchar, WireKind.Text),
        new("varchar", DuckDbType.Varchar, WireKind.Text),
        new("bpchar", DuckDbType.Varchar, WireKind.Text),             // with its padding, as PostgreSQL sends it
        new("name", DuckDbType.Varchar, WireKind.Text),
        new("citext", DuckDbType.Varchar, WireKind.Text) { Extension = true },
        new("json", DuckDbType.Varchar, WireKind.Text),
        new("jsonb", DuckDbType.Varchar, WireKind.Jsonb),
        new("char", DuckDbType.Varchar, WireKind.Text) { Cast = true },
        new("xml", DuckDbType.Varchar, WireKind.Text) { Cast = true },

        // As text in PostgreSQL's own notation, and why.
        Text("timetz", "Parquet and others drop a time's offset"),
        Text("interval", "Parquet and others drop an interval's microseconds"),
        Text("money", "its unit and digits are the database's locale's"),
        Text("inet", "a network address, with its mask"),
        Text("cidr", "a network"),
        Text("macaddr", "a hardware address"),
        Text("macaddr8", "a hardware address"),
        Text("bit", "a string of bits"),
        Text("varbit", "a string of bits"),
        Text("tsvector", "a search vector"),
        Text("tsquery", "a search query"),
        Text("jsonpath", "a path expression"),
        Text("point", "a geometric value"),
        Text("line", "a geometric value"),
        Text("lseg", "a geometric value"),
        Text("box", "a geometric value"),
        Text("path", "a geometric value"),
        Text("polygon", "a geometric value"),
        Text("circle", "a geometric value"),
        Text("pg_lsn", "a log position"),
        Text("xid", "a transaction number"),
        Text("xid8", "a transaction number"),
        Text("cid", "a command number"),
        Text("tid", "a row's place"),
        Text("pg_snapshot", "a snapshot"),
        Text("txid_snapshot", "a snapshot"),
        Text("int2vector", "an array from 0"),
        Text("oidvector", "an array from 0"),
        Text("hstore", "a map of texts") with { Extension = true },
    }.ToFrozenDictionary(static line => line.Name);

    /// <summary>
    /// What a column, element or field of this type becomes. A string is a refusal: why it can't be read at all.
    /// </summary>
    internal static PgMapping? Map(PgType type, int modifier, int dimensions, TargetTraits traits, out string? refusal)
    {
        refusal = null;
        if (!type.IsDefined)
            refusal = $"its type {type.Name} is declared but not defined";
        if (type.Kind == 'p')
            refusal = $"its type {type.Name} is a pseudo-type: it has no values of its own";
        if (refusal is not null)
            return null;
        if (type.Domain is { } domain)
            return Map(domain, type.DomainModifier, type.DomainDimensions, traits, out refusal);
        if (type.Element is { } element)
            return Array(element, modifier, dimensions, traits, out refusal);
        return type.Kind switch
        {
            'c' => Composite(type, traits, out refusal),
            'e' => new PgMapping(DuckDbType.Varchar, new WireShape(WireKind.Text)),
            'r' or 'm' => PgMapping.AsText("a range"),
            _ when type is { Name: "numeric", IsBuiltIn: true } => Numeric(modifier),
            _ => Scalar(type, traits),
        };
    }

    /// <summary>Whether the table has a line for a type of its own.</summary>
    internal static bool Knows(string name) => s_lines.ContainsKey(name);

    /// <summary>The wire form for a kind with what the target can't hold.</summary>
    internal static WireShape Shape(WireKind kind, TargetTraits traits) => new(kind)
    {
        FiniteOnly = kind switch
        {
            WireKind.Date or WireKind.Timestamp => !traits.InfiniteDates,
            WireKind.Float32 or WireKind.Float64 => !traits.NonFiniteFloats,
            _ => false,
        },
        BeforeMidnight = kind == WireKind.Time && !traits.EndOfDay,
    };

    private static Line Text(string name, string why) => new(name, DuckDbType.Varchar, WireKind.Text) { Cast = true, Why = why };

    private static PgMapping Scalar(PgType type, TargetTraits traits)
    {
        if (!s_lines.TryGetValue(type.Name, out var line) || (!type.IsBuiltIn && !line.Extension))
            return PgMapping.AsText(type.IsBuiltIn && type.Name.StartsWith("reg", StringComparison.Ordinal) ? "a name in the catalogue" : $"the type {type.Name} is not known here");
        if (line.Becomes == DuckDbType.Blob && !traits.Bytes)
            return PgMapping.AsText("the target holds no bytes, \\x and hex digits");
        return new PgMapping(line.Becomes, Shape(line.Wire, traits))
        {
            Cast = line.Cast ? "text" : null,
            Remark = line.Why is null ? null : $"as text: {line.Why}",
        };
    }

    private static PgMapping Numeric(int modifier)
    {
        if (NumericModifier.From(modifier) is not { } declared)
            return PgMapping.AsText("a numeric without precision; 'types' can say decimal(p,s) or double");
        if (declared.Decimal is not { } type)
            return PgMapping.AsText($"numeric({declared.Precision},{declared.Scale}) has more than {DuckDbType.DecimalWidthMax} digits");
        return new PgMapping(DuckDbType.Decimal(type.Width, type.Scale), new WireShape(WireKind.Numeric))
        {
            Remark = type == (declared.Precision, declared.Scale) ? null : $"numeric({declared.Precision},{declared.Scale}) in the decimal that holds it exactly",
        };
    }

    /// <summary>A list in a list for each declared dimension; an element that must be text is cast in the SELECT, as text[].</summary>
    private static PgMapping? Array(PgType element, int modifier, int dimensions, TargetTraits traits, out string? refusal)
    {
        if (!traits.Nested)
        {
            refusal = null;
            return PgMapping.AsText("the target holds no lists");
        }

        return Map(element, modifier, 0, traits, out refusal) is { } mapped ? ListOf(mapped, Math.Max(dimensions, 1)) : null;
    }

    /// <summary>The mapping of an array of this many dimensions whose elements are mapped so.</summary>
    internal static PgMapping ListOf(PgMapping element, int dimensions)
    {
        var type = element.Type;
        for (var i = 0; i < dimensions; i++) type = DuckDbType.List(type);
        return new PgMapping(type, new WireShape(WireKind.Array) { Dimensions = dimensions, Children = [element.Shape] })
        {
            Cast = element.Cast is null ? null : $"{element.Cast}[]",
            Remark = element.Remark is null ? null : $"elements {element.Remark}",
        };
    }

    /// <summary>A struct; all of it text when one field would have to be cast, because the SELECT can't reach into a record.</summary>
    private static PgMapping? Composite(PgType type, TargetTraits traits, out string? refusal)
    {
        refusal = null;
        if (!traits.Nested)
            return PgMapping.AsText("the target holds no structs");
        if (type.Fields.IsEmpty)
            return PgMapping.AsText("a composite without fields");
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var fields = new DuckDbField[type.Fields.Length];
        var shapes = ImmutableArray.CreateBuilder<WireShape>(fields.Length);
        for (var i = 0; i < fields.Length; i++)
        {
            var field = type.Fields[i];
            if (Map(field.Type, field.Modifier, field.Dimensions, traits, out refusal) is not { } mapped)
                return null;
            if (mapped.Cast is not null)
                return PgMapping.AsText($"its field {field.Name} has no other form");
            if (!names.Add(field.Name))
                return PgMapping.AsText($"its fields named {field.Name} differ in case only");
            fields[i] = new DuckDbField(field.Name, mapped.Type);
            shapes.Add(mapped.Shape);
        }

        return new PgMapping(DuckDbType.Struct(fields), new WireShape(WireKind.Record) { Children = shapes.DrainToImmutable() });
    }
}
