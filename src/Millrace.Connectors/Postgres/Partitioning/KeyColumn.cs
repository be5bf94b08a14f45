using Millrace.Connectors.Postgres.Catalog;
using Millrace.Connectors.Postgres.Types;

namespace Millrace.Connectors.Postgres.Partitioning;

/// <summary>A column that ranges or hashes are made of.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type.</param>
/// <param name="Nullable">Whether it can be NULL.</param>
internal sealed record KeyColumn(string Name, PgType Type, bool Nullable)
{
    /// <summary>Types whose order is total and whose text form reads back to the same value.</summary>
    private static readonly HashSet<string> s_ordered =
    [
        "int2", "int4", "int8", "oid", "numeric", "float4", "float8", "text", "varchar", "bpchar", "name", "uuid", "date", "timestamp", "timestamptz", "bytea",
    ];

    internal static KeyColumn Of(PgAttribute attribute) => new(attribute.Name, attribute.Type, attribute.Nullable);

    /// <summary>The quoted name.</summary>
    public string Sql => PgName.Quote(Name);

    /// <summary>The type below domains.</summary>
    public PgType Base
    {
        get
        {
            var type = Type;
            while (type.Domain is { } domain) type = domain;
            return type;
        }
    }

    /// <summary>Whether ranges of it can be made.</summary>
    public bool IsOrdered => (Base.IsBuiltIn && s_ordered.Contains(Base.Name)) || Base.Kind == 'e';

    /// <summary>Whether bounds can be computed between others.</summary>
    public bool IsInteger => Base is { IsBuiltIn: true, Name: "int2" or "int4" or "int8" or "oid" };

    /// <summary>Whether it has days.</summary>
    public bool IsDate => Base is { IsBuiltIn: true, Name: "date" or "timestamp" or "timestamptz" };

    /// <summary>A value of the column as SQL.</summary>
    public string Literal(string text) => $"{PgName.Literal(text)}::{PgName.Quote(Base.Schema)}.{PgName.Quote(Base.Name)}";
}
