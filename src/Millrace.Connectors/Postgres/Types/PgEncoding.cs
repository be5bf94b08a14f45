using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Millrace.Connectors.Postgres.Types;

/// <summary>
/// How the values of one column (or element, or field) go to a PostgreSQL server, and which of them the column can't take. What they come
/// from is the DuckDB type beside it. Immutable; part of a stream's writer settings.
/// </summary>
/// <param name="Kind">The form on the wire.</param>
internal sealed record PgEncoding(WireKind Kind)
{
    /// <summary>pg_type.oid of the type itself (a domain's own): arrays and records name it before their elements and fields.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public uint Oid { get; init; }

    /// <summary>The most characters, of a <c>varchar(n)</c>: the server would cut blanks off silently. 0: any number.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int CharsMax { get; init; }

    /// <summary>Microseconds that times are multiples of, in a <c>timestamp(3)</c>: the server would round silently. 0: any.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Micros { get; init; }

    /// <summary>An array's levels of lists; 0 for other kinds.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Dimensions { get; init; }

    /// <summary>An array's element (one), a record's fields in the composite's order.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ImmutableArray<PgEncoding>? Children { get; init; }

    /// <summary>For each of a record's fields which field of the struct it is.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public ImmutableArray<int>? Fields { get; init; }
}
