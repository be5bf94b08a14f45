using Millrace.DuckDb;

namespace Millrace.Connectors.Postgres.Types;

/// <summary>What a PostgreSQL type becomes: the DuckDB type, the wire form, and what the COPY's SELECT does to the column.</summary>
/// <param name="Type">The type that the vectors have.</param>
/// <param name="Shape">How the values come over the wire.</param>
internal sealed record PgMapping(DuckDbType Type, WireShape Shape)
{
    /// <summary>The type that the COPY's SELECT casts the column to, such as <c>text</c>; null: none.</summary>
    public string? Cast { get; init; }

    /// <summary>What the plan says about it; null when the type is the obvious one.</summary>
    public string? Remark { get; init; }

    /// <summary>The mapping to text in PostgreSQL's own notation.</summary>
    internal static PgMapping AsText(string? why) =>
        new(DuckDbType.Varchar, new WireShape(WireKind.Text)) { Cast = "text", Remark = why is null ? null : $"as text: {why}" };
}
