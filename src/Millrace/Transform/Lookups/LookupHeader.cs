using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Jobs;

namespace Millrace.Transform;

/// <summary>One lookup of a stage, for its units: part of a <see cref="StageHeader"/>. Immutable, no secrets.</summary>
public sealed record LookupHeader
{
    /// <summary>Which of the job's stores is asked (<see cref="Worker.WorkerSettings.Stores"/>).</summary>
    public required int Store { get; init; }

    /// <summary>The table, for people.</summary>
    public required string Table { get; init; }

    /// <summary>The table's key.</summary>
    public required ImmutableArray<string> Key { get; init; }

    /// <summary>What it gives.</summary>
    public required ImmutableArray<LookupColumn> Columns { get; init; }

    /// <summary>Keys in one query at most.</summary>
    public required int Batch { get; init; }

    /// <summary>Bytes of rows that each worker process keeps.</summary>
    public required long CacheBytes { get; init; }

    /// <summary>What becomes of a key that is not there.</summary>
    public required LookupMissing Missing { get; init; }

    /// <summary>What the store's sessions need: their own JSON.</summary>
    public required string QueryJson { get; init; }

    /// <summary>The name of the function that gives the rows, in a stage's SQL.</summary>
    internal static string FunctionOf(int number) => $"millrace_lookup_{number}";

    /// <summary>What the function gives: a struct of the columns, NULL for a key that is not there.</summary>
    internal DuckDbType RowType() => DuckDbType.Struct([.. Columns.Select(static column => new DuckDbField(column.Name, DuckDbType.Parse(column.Type)))]);
}

/// <summary>What a unit, a stream or a run has looked up.</summary>
/// <param name="Keys">Keys of rows, and of elements of lists; those that are NULL are not looked up.</param>
/// <param name="Hits">How many of them needed no query of their own: they were in the cache, or stood beside an equal one.</param>
/// <param name="Missing">How many of them are not in the table.</param>
/// <param name="Queries">Queries.</param>
public sealed record LookupCounts(long Keys, long Hits, long Missing, long Queries)
{
    /// <summary>The sum of both; null where neither looked anything up.</summary>
    public static LookupCounts? Sum(LookupCounts? one, LookupCounts? other) => one is null ? other : other is null ? one
        : new LookupCounts(one.Keys + other.Keys, one.Hits + other.Hits, one.Missing + other.Missing, one.Queries + other.Queries);

    /// <summary>The sum of all; null where none looked anything up.</summary>
    public static LookupCounts? Sum(IEnumerable<LookupCounts?> all) => all.Aggregate((LookupCounts?)null, Sum);
}
