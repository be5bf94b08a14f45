using System.Collections.Immutable;
using Millrace.Connectors.Postgres.Types;

namespace Millrace.Connectors.Postgres.Catalog;

/// <summary>What a relation is: pg_class.relkind.</summary>
internal enum PgRelationKind
{
    /// <summary>A table.</summary>
    Table = 'r',

    /// <summary>A partitioned table: rows are in its leaves only.</summary>
    Partitioned = 'p',

    /// <summary>A view.</summary>
    View = 'v',

    /// <summary>A materialised view.</summary>
    MaterialisedView = 'm',

    /// <summary>A foreign table.</summary>
    Foreign = 'f',
}

/// <summary>A relation as the catalogue describes it. Immutable.</summary>
internal sealed record PgRelation
{
    /// <summary>pg_class.oid.</summary>
    public required uint Oid { get; init; }

    /// <summary>The schema.</summary>
    public required string Schema { get; init; }

    /// <summary>The name.</summary>
    public required string Name { get; init; }

    /// <summary>What it is.</summary>
    public required PgRelationKind Kind { get; init; }

    /// <summary>True for a part of a partitioned table.</summary>
    public bool IsPartition { get; init; }

    /// <summary>True when the user may SELECT all of it.</summary>
    public bool MayRead { get; init; }

    /// <summary>True when row security would filter it for this user.</summary>
    public bool IsFiltered { get; init; }

    /// <summary>True when its access method is heap, so that pages are ranges of ctid.</summary>
    public bool IsHeap { get; init; }

    /// <summary>pg_class.reltuples: rows at the last ANALYZE; negative when there was none.</summary>
    public double AnalyzedRows { get; init; } = -1;

    /// <summary>pg_class.relpages: pages at the last ANALYZE.</summary>
    public long AnalyzedPages { get; init; }

    /// <summary>Pages of the main fork: now when planned, at the last ANALYZE when discovered.</summary>
    public long Pages { get; init; }

    /// <summary>Bytes with TOAST: now when planned, at the last ANALYZE when discovered.</summary>
    public long Bytes { get; init; }

    /// <summary>The width of an average row by its types, for tables that were never analysed.</summary>
    public int AssumedRowBytes { get; init; } = 100;

    /// <summary><c>"schema"."name"</c>, for SQL.</summary>
    public string Sql => $"{PgName.Quote(Schema)}.{PgName.Quote(Name)}";

    /// <summary>The name as a job file needs it, for people too.</summary>
    public string Written => PgName.Written(Schema, Name);

    /// <summary>True when rows lie in it: a table or materialised view.</summary>
    public bool HasStorage => Kind is PgRelationKind.Table or PgRelationKind.MaterialisedView;

    /// <summary>
    /// Rows by PostgreSQL's own rule (estimate_rel_size): the density at the last ANALYZE times the pages now; without one, as many
    /// rows as fit.
    /// </summary>
    public long? EstimatedRows
    {
        get
        {
            if (!HasStorage) return AnalyzedRows >= 0 ? (long)AnalyzedRows : null;
            if (AnalyzedRows >= 0 && AnalyzedPages > 0) return (long)Math.Round(AnalyzedRows / AnalyzedPages * Pages);
            return Bytes / Math.Max(AssumedRowBytes, 1);
        }
    }

    /// <summary>What it is, in PostgreSQL's words.</summary>
    public string KindName => Kind switch
    {
        PgRelationKind.Partitioned => "partitioned table",
        PgRelationKind.View => "view",
        PgRelationKind.MaterialisedView => "materialised view",
        PgRelationKind.Foreign => "foreign table",
        _ => "table",
    };
}

/// <summary>A column of a relation or query. Immutable.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type.</param>
/// <param name="Modifier">Its type modifier, -1 for none.</param>
/// <param name="Dimensions">An array's declared dimensions; 0 when it does not say.</param>
/// <param name="Spelling">The type in PostgreSQL's spelling: <c>numeric(12,2)</c>.</param>
internal sealed record PgAttribute(string Name, PgType Type, int Modifier, int Dimensions, string Spelling)
{
    /// <summary>
    /// The type as a new column is declared with it: the spelling, which says nothing of the dimensions, and all of these. PostgreSQL does not
    /// enforce them, but who reads the table as lists goes by them.
    /// </summary>
    public string Declared => Dimensions > 1 && Type.Element is not null ? Spelling + string.Concat(Enumerable.Repeat("[]", Dimensions - 1)) : Spelling;

    /// <summary>False when the table guarantees that no value is NULL.</summary>
    public bool Nullable { get; init; } = true;

    /// <summary>Whether the user may SELECT it.</summary>
    public bool MayRead { get; init; } = true;
}

/// <summary>An index that can serve a key. Immutable.</summary>
/// <param name="Columns">Its key columns in order, all plain ascending columns of a b-tree that covers every row.</param>
/// <param name="IsUnique">Whether no two rows are equal in it.</param>
/// <param name="IsPrimary">Whether it is the primary key.</param>
/// <param name="IsImmediate">Whether that is checked at once, and not at a transaction's end.</param>
internal sealed record PgIndex(ImmutableArray<string> Columns, bool IsUnique, bool IsPrimary, bool IsImmediate);
