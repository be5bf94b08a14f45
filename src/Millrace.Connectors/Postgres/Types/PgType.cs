using System.Collections.Immutable;

namespace Millrace.Connectors.Postgres.Types;

/// <summary>A type of a PostgreSQL database as its catalogue describes it. Immutable.</summary>
internal sealed record PgType
{
    /// <summary>pg_type.oid.</summary>
    public required uint Oid { get; init; }

    /// <summary>The schema's name.</summary>
    public required string Schema { get; init; }

    /// <summary>pg_type.typname, such as <c>int4</c>.</summary>
    public required string Name { get; init; }

    /// <summary>pg_type.typtype: b base, c composite, d domain, e enum, p pseudo, r range, m multirange.</summary>
    public required char Kind { get; init; }

    /// <summary>False for a shell type: declared, never defined.</summary>
    public bool IsDefined { get; init; } = true;

    /// <summary>The element's type when this is a true array (the <c>typarray</c> of its element); null otherwise.</summary>
    public PgType? Element { get; init; }

    /// <summary>A domain's underlying type.</summary>
    public PgType? Domain { get; init; }

    /// <summary>A domain's type modifier for the underlying type.</summary>
    public int DomainModifier { get; init; } = -1;

    /// <summary>A domain's declared dimensions when it is over an array.</summary>
    public int DomainDimensions { get; init; }

    /// <summary>A composite's fields in order, dropped ones left out.</summary>
    public ImmutableArray<PgField> Fields { get; init; } = [];

    /// <summary>The statement that makes an enum, a domain or a composite like it; null for other kinds.</summary>
    public string? Definition { get; init; }

    /// <summary>True for PostgreSQL's own types.</summary>
    public bool IsBuiltIn => Schema == "pg_catalog";
}

/// <summary>A field of a composite type.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type.</param>
/// <param name="Modifier">Its type modifier, -1 for none.</param>
/// <param name="Dimensions">Its declared dimensions, 0 when it is no array or does not say.</param>
internal sealed record PgField(string Name, PgType Type, int Modifier, int Dimensions);
