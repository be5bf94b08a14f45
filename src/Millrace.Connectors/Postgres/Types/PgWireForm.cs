using System.Collections.Frozen;
using System.Globalization;
using Millrace.Connectors.Postgres.Catalog;

namespace Millrace.Connectors.Postgres.Types;

/// <summary>
/// The binary form of rows as a text: two PostgreSQL servers whose columns have the same take each other's rows as they are. Types are named here
/// when their form is the same on every server: not those that hold object numbers, a locale's digits, or a type's number inside.
/// </summary>
internal static class PgWireForm
{
    private static readonly FrozenSet<string> s_plain = new[]
    {
        "bool", "int2", "int4", "int8", "float4", "float8", "numeric", "date", "time", "timetz", "timestamp", "timestamptz", "interval", "uuid", "bytea",
        "text", "varchar", "bpchar", "name", "char", "json", "jsonb", "xml", "bit", "varbit", "inet", "cidr", "macaddr", "macaddr8",
        "point", "line", "lseg", "box", "path", "polygon", "circle", "tsvector", "tsquery", "jsonpath", "pg_lsn",
        "int4range", "int8range", "numrange", "tsrange", "tstzrange", "daterange",
        "int4multirange", "int8multirange", "nummultirange", "tsmultirange", "tstzmultirange", "datemultirange",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>The form of columns; null where one of them has none.</summary>
    public static string? Of(IEnumerable<PgAttribute> columns)
    {
        var forms = new List<string>();
        foreach (var column in columns)
        {
            if (Of(column.Type, column.Modifier) is not { } form) return null;
            forms.Add(form);
        }

        return $"postgres: {string.Join(", ", forms)}";
    }

    private static string? Of(PgType type, int modifier)
    {
        if (type.Domain is { } domain) return Of(domain, type.DomainModifier);
        // Binary arrays name their elements' type by its number, which only built-in types have everywhere.
        if (type.Element is { } element) return element.IsBuiltIn && Of(element, modifier) is { } inner ? $"{inner}[]" : null;
        if (type.Kind == 'e') return "enum";
        if (!type.IsBuiltIn || !s_plain.Contains(type.Name)) return null;
        return modifier < 0 ? type.Name : string.Create(CultureInfo.InvariantCulture, $"{type.Name}({modifier})");
    }
}
