using System.Collections.Frozen;
using System.Collections.Immutable;
using Millrace.DuckDb;

namespace Millrace.Connectors.Postgres.Types;

/// <summary>
/// The table of the ways from DuckDB's types into PostgreSQL's. A way that is there changes no value: what the column can't hold fails the
/// unit, with its row and column.
/// </summary>
internal static class PgEncodings
{
    /// <summary>PostgreSQL's MAXDIM.</summary>
    internal const int DimensionsMax = 6;

    private const int MicrosDigits = 6;

    private const uint TextOid = 25;

    private const uint TextArrayOid = 1009;

    /// <summary>One line of the table: a built-in type, its form, and the DuckDB types that it holds all values of.</summary>
    /// <param name="Name">pg_type.typname.</param>
    /// <param name="Wire">The form.</param>
    /// <param name="From">What may go in.</param>
    private sealed record Line(string Name, WireKind Wire, params DuckDbKind[] From)
    {
        /// <summary>Whether nested values go in, as JSON.</summary>
        public bool Nested { get; init; }

        /// <summary>True for a type of an extension, whose schema is not known.</summary>
        public bool Extension { get; init; }
    }

    private static readonly FrozenDictionary<string, Line> s_lines = new Line[]
    {
        new("bool", WireKind.Bool, DuckDbKind.Boolean),
        new("int2", WireKind.Int16, DuckDbKind.TinyInt, DuckDbKind.UTinyInt, DuckDbKind.SmallInt),
        new("int4", WireKind.Int32, DuckDbKind.TinyInt, DuckDbKind.UTinyInt, DuckDbKind.SmallInt, DuckDbKind.USmallInt, DuckDbKind.Integer),
        new(
            "int8", WireKind.Int64,
            DuckDbKind.TinyInt, DuckDbKind.UTinyInt, DuckDbKind.SmallInt, DuckDbKind.USmallInt, DuckDbKind.Integer, DuckDbKind.UInteger, DuckDbKind.BigInt),
        new("oid", WireKind.Int32, DuckDbKind.UTinyInt, DuckDbKind.USmallInt, DuckDbKind.UInteger),
        new("float4", WireKind.Float32, DuckDbKind.Float),
        new("float8", WireKind.Float64, DuckDbKind.Float, DuckDbKind.Double),
        new("text", WireKind.Text, DuckDbKind.Varchar, DuckDbKind.Enum),
        new("varchar", WireKind.Text, DuckDbKind.Varchar, DuckDbKind.Enum), // its length is checked value by value
        new("bpchar", WireKind.Text, DuckDbKind.Varchar, DuckDbKind.Enum),  // blanks at its end mean nothing
        new("name", WireKind.Text, DuckDbKind.Varchar, DuckDbKind.Enum),
        new("citext", WireKind.Text, DuckDbKind.Varchar, DuckDbKind.Enum) { Extension = true },
        new("json", WireKind.Text, DuckDbKind.Varchar) { Nested = true },
        new("jsonb", WireKind.Jsonb, DuckDbKind.Varchar) { Nested = true },
        new("bytea", WireKind.Bytes, DuckDbKind.Blob),
        new("date", WireKind.Date, DuckDbKind.Date),
        new("time", WireKind.Time, DuckDbKind.Time, DuckDbKind.TimeNs), // finer than the column: checked value by value
        new("timetz", WireKind.TimeTz, DuckDbKind.TimeTz),
        new("timestamp", WireKind.Timestamp, DuckDbKind.Timestamp, DuckDbKind.TimestampS, DuckDbKind.TimestampMs, DuckDbKind.TimestampNs),
        new("timestamptz", WireKind.Timestamp, DuckDbKind.TimestampTz),
        new("interval", WireKind.Interval, DuckDbKind.Interval),
        new("uuid", WireKind.Uuid, DuckDbKind.Uuid),
        new("bit", WireKind.Bits, DuckDbKind.Bit), // the server checks the length
        new("varbit", WireKind.Bits, DuckDbKind.Bit),

        // xml has no line: its binary form believes the encoding that a text declares. Nor has "char": it takes one byte of many.
    }.ToFrozenDictionary(static line => line.Name);

    /// <summary>
    /// How values of a DuckDB type go into a column of a PostgreSQL type. Null: there is no direct way that leaves every value as it is.
    /// </summary>
    /// <param name="from">What comes.</param>
    /// <param name="to">The column's type.</param>
    /// <param name="modifier">Its type modifier (pg_attribute.atttypmod); -1: none.</param>
    internal static PgEncoding? For(DuckDbType from, PgType to, int modifier = -1)
    {
        if (to.Domain is { } domain)
            return For(from, domain, to.DomainModifier) is { } held ? held with { Oid = to.Oid } : null;
        if (to.Element is { } element)
            return Array(from, element, modifier) is { } array ? array with { Oid = to.Oid } : null;
        if (from.Kind == DuckDbKind.Null) return new PgEncoding(WireKind.Text) { Oid = to.Oid };
        var encoding = to switch
        {
            { Kind: 'c' } => Record(from, to),
            { Kind: 'e' } => from.Kind is DuckDbKind.Varchar or DuckDbKind.Enum ? new PgEncoding(WireKind.Text) : null,
            { Name: "numeric", IsBuiltIn: true } => Numeric(from, NumericModifier.From(modifier)),
            _ => Scalar(from, to, modifier),
        };
        return encoding is null ? null : encoding with { Oid = to.Oid };
    }

    /// <summary>
    /// For a column without a direct way: the type that its values are staged in, text or arrays of text, for the server to cast. Null: they
    /// are no text.
    /// </summary>
    internal static (string Sql, PgEncoding Encoding)? StagedAsText(DuckDbType from)
    {
        var text = new PgEncoding(WireKind.Text) { Oid = TextOid };
        var dimensions = 0;
        for (; from.Kind is DuckDbKind.List or DuckDbKind.Array; from = from.Element) dimensions++;
        if (from.Kind is not (DuckDbKind.Varchar or DuckDbKind.Enum) || dimensions > DimensionsMax) return null;
        return dimensions == 0
            ? ("pg_catalog.text", text)
            : ("pg_catalog.text[]", new PgEncoding(WireKind.Array) { Oid = TextArrayOid, Dimensions = dimensions, Children = [text] });
    }

    /// <summary>
    /// Whether a text that the server casts and then assigns to a column stays what it is: a modifier makes it round numbers and times
    /// silently. (Texts that are too long, and bits, are refused there.)
    /// </summary>
    internal static bool CastKeeps(PgType to, int modifier)
    {
        while (to.Domain is { } domain) (to, modifier) = (domain, to.DomainModifier);
        to = to.Element ?? to;
        if (to is not { IsBuiltIn: true }) return true;
        return to.Name switch
        {
            "char" => false, // cut to its first byte
            "numeric" or "time" or "timetz" or "timestamp" or "timestamptz" or "interval" => modifier < 0,
            _ => true,
        };
    }

    private static PgEncoding? Scalar(DuckDbType from, PgType to, int modifier)
    {
        if (!s_lines.TryGetValue(to.Name, out var line) || (!to.IsBuiltIn && !line.Extension)) return null;
        if (from.IsNested) return line.Nested && JsonForms.Holds(from) ? new PgEncoding(line.Wire) : null;
        if (from.Kind == DuckDbKind.Decimal) return Integral(from, line.Wire);
        if (!line.From.Contains(from.Kind)) return null;
        var encoding = new PgEncoding(line.Wire);
        if (modifier < 0) return encoding;
        return line.Wire switch
        {
            // The modifier counts a header of four bytes. A bpchar's length is checked by the server, which cuts off nothing that means something.
            WireKind.Text when line.Name == "varchar" => encoding with { CharsMax = modifier - 4 },
            WireKind.Time or WireKind.TimeTz or WireKind.Timestamp => encoding with { Micros = MicrosOf(modifier) },
            // Its fields and precision cut values.
            WireKind.Interval => null,
            _ => encoding,
        };
    }

    /// <summary>A decimal without places behind the point goes into the integer that holds all of its digits.</summary>
    private static PgEncoding? Integral(DuckDbType from, WireKind to)
    {
        var width = to switch
        {
            WireKind.Int16 => 4,
            WireKind.Int32 => 9,
            WireKind.Int64 => 18,
            _ => 0,
        };
        return from.Scale == 0 && from.Width <= width ? new PgEncoding(to) : null;
    }

    /// <summary>A numeric that has room for all digits before and behind the point.</summary>
    private static PgEncoding? Numeric(DuckDbType from, NumericModifier? to)
    {
        var width = from.Kind switch
        {
            DuckDbKind.Decimal => from.Width,
            DuckDbKind.TinyInt or DuckDbKind.UTinyInt => 3,
            DuckDbKind.SmallInt or DuckDbKind.USmallInt => 5,
            DuckDbKind.Integer or DuckDbKind.UInteger => 10,
            DuckDbKind.BigInt => 19,
            DuckDbKind.UBigInt => 20,
            DuckDbKind.HugeInt or DuckDbKind.UHugeInt => 39,
            _ => 0,
        };
        if (width == 0) return null;
        return to is not { } declared || (declared.Scale >= from.Scale && declared.Precision - declared.Scale >= width - from.Scale)
            ? new PgEncoding(WireKind.Numeric)
            : null;
    }

    /// <summary>Lists in lists become one array of as many dimensions; ragged ones fail their unit.</summary>
    private static PgEncoding? Array(DuckDbType from, PgType element, int modifier)
    {
        var dimensions = 0;
        for (; from.Kind is DuckDbKind.List or DuckDbKind.Array; from = from.Element) dimensions++;
        if (from.Kind == DuckDbKind.Null && dimensions == 0) return new PgEncoding(WireKind.Text);
        if (dimensions is 0 or > DimensionsMax || For(from, element, modifier) is not { } child) return null;
        return new PgEncoding(WireKind.Array) { Dimensions = dimensions, Children = [child] };
    }

    /// <summary>A struct whose fields are the composite's, by name and in any order.</summary>
    private static PgEncoding? Record(DuckDbType from, PgType to)
    {
        if (from.Kind != DuckDbKind.Struct || from.Fields.Length != to.Fields.Length) return null;
        var children = ImmutableArray.CreateBuilder<PgEncoding>(to.Fields.Length);
        var fields = ImmutableArray.CreateBuilder<int>(to.Fields.Length);
        foreach (var field in to.Fields)
        {
            // DuckDB does not tell case in a struct's fields, so that at most one is meant.
            var index = IndexOf(from, field.Name);
            if (index < 0 || For(from.Fields[index].Type, field.Type, field.Modifier) is not { } child) return null;
            children.Add(child);
            fields.Add(index);
        }

        // Two fields of the composite may differ in case only.
        if (fields.Distinct().Count() != fields.Count) return null;
        return new PgEncoding(WireKind.Record) { Children = children.DrainToImmutable(), Fields = fields.DrainToImmutable() };
    }

    private static int IndexOf(DuckDbType from, string name)
    {
        for (var i = 0; i < from.Fields.Length; i++)
        {
            if (string.Equals(from.Fields[i].Name, name, StringComparison.OrdinalIgnoreCase)) return i;
        }

        return -1;
    }

    private static int MicrosOf(int precision)
    {
        var micros = 1;
        for (var i = precision; i < MicrosDigits; i++) micros *= 10;
        return micros == 1 ? 0 : micros;
    }
}
