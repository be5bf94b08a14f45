using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Millrace.Jobs;

/// <summary>One step of a stream's <c>transform</c>, as the user wrote it. Immutable; SQL has its parameters in it already.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "step")]
[JsonDerivedType(typeof(MapStep), "map")]
[JsonDerivedType(typeof(JoinStep), "join")]
[JsonDerivedType(typeof(NestStep), "nest")]
[JsonDerivedType(typeof(UnnestStep), "unnest")]
[JsonDerivedType(typeof(DedupeStep), "dedupe")]
[JsonDerivedType(typeof(GroupStep), "group")]
[JsonDerivedType(typeof(LookupStep), "lookup")]
public abstract record TransformStep
{
    /// <summary>Where the step stands; its key ends with the step's own, such as <c>transform[2].join</c>.</summary>
    public required Mark Mark { get; init; }
}

/// <summary>Rows through SQL, each by itself: no step boundary.</summary>
/// <param name="Sql">One query over <c>input</c>.</param>
public sealed record MapStep(string Sql) : TransformStep;

/// <summary>Rows of two sides put together by equal keys. NULL is equal to nothing.</summary>
/// <param name="With">The right side.</param>
/// <param name="On">The pairs of columns that must be equal; at least one.</param>
/// <param name="How">Which rows remain.</param>
/// <param name="Many">What happens when several right rows have one key.</param>
public sealed record JoinStep(JoinSide With, ImmutableArray<JoinKey> On, JoinKind How, ManyRule Many) : TransformStep;

/// <summary>Rows of one key become one row, with an array of structs of their other columns.</summary>
/// <param name="By">The key columns; at least one.</param>
/// <param name="As">The array's column.</param>
/// <param name="OrderBy">The array's order; empty: by all columns.</param>
/// <param name="Oversize">What happens to a key whose array is too large.</param>
public sealed record NestStep(ImmutableArray<string> By, string As, ImmutableArray<OrderTerm> OrderBy, Oversize Oversize) : TransformStep;

/// <summary>Each element of a list becomes a row. A struct's fields become columns; any other element keeps the list's column name.</summary>
/// <param name="Column">The list's column.</param>
/// <param name="Outer">True: a row with an empty or NULL list remains, with NULL. False: it goes.</param>
public sealed record UnnestStep(string Column, bool Outer) : TransformStep;

/// <summary>One row of each key remains. NULL is a key like any other.</summary>
/// <param name="By">The key columns; at least one.</param>
/// <param name="OrderBy">Which row is first; empty: by all columns.</param>
/// <param name="Keep">Which row remains.</param>
public sealed record DedupeStep(ImmutableArray<string> By, ImmutableArray<OrderTerm> OrderBy, KeepRule Keep) : TransformStep;

/// <summary>Rows of one key become one row with aggregates. NULL is a key like any other.</summary>
/// <param name="By">The key columns; at least one.</param>
/// <param name="Aggregates">The new columns, in order; may be empty.</param>
public sealed record GroupStep(ImmutableArray<string> By, ImmutableArray<NamedExpression> Aggregates) : TransformStep;

/// <summary>Columns looked up by key in a table of another store, batch by batch.</summary>
/// <param name="In">The store: its URL, or a DuckDB file's path.</param>
/// <param name="Table">The table in it.</param>
/// <param name="Key">The pairs of columns that must be equal: this stream's, the table's; at least one.</param>
/// <param name="Columns">The table's columns that are wanted; empty: all but the key's.</param>
/// <param name="Batch">Keys in one query; null: <c>Limits.LookupBatchKeysDefault</c>.</param>
/// <param name="CacheBytes">Memory for rows that were found; 0: none; null: what <c>limits.memory</c> allows.</param>
/// <param name="As">One column for what was found: the value where one column is wanted, else a struct. Null: a column for each.</param>
/// <param name="Missing">What happens to a row whose key the table does not have.</param>
public sealed record LookupStep(
    Endpoint In,
    string Table,
    ImmutableArray<JoinKey> Key,
    ImmutableArray<string> Columns,
    int? Batch,
    long? CacheBytes,
    string? As,
    LookupMissing Missing) : TransformStep;
