using Millrace.Connectors.Postgres.Catalog;

namespace Millrace.Connectors.Postgres.Partitioning;

/// <summary>A relation (or all of the stream) that units are cut from.</summary>
/// <param name="Relation">Its size and rows; null for a query.</param>
/// <param name="From">What a piece says when it is not the stream's own <c>FROM</c>; null when it is.</param>
/// <param name="Name">For labels; null when the stream has only this part.</param>
internal sealed record PgPart(PgRelation? Relation, string? From, string? Name)
{
    /// <summary>Estimated rows; null when nobody knows.</summary>
    public long? Rows => Relation?.EstimatedRows;

    /// <summary>Bytes; null when nobody knows.</summary>
    public long? Bytes => Relation is { HasStorage: true } relation ? relation.Bytes : null;

    /// <summary>A label with the part's name before it.</summary>
    public string Label(string range) => Name is null ? range : $"{Name}, {range}";

    /// <summary>The whole part as a piece.</summary>
    public PgPiece Whole => new(From);
}
