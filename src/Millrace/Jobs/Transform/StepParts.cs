using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Millrace.DuckDb;

namespace Millrace.Jobs;

/// <summary>Two columns that must be equal.</summary>
/// <param name="Left">The column of the stream that has the step.</param>
/// <param name="Right">The column of the other side.</param>
public sealed record JoinKey(string Left, string Right);

/// <summary>The right side of a join: another stream of the job, or a source of its own. Exactly one of <see cref="Stream"/> and <see cref="Source"/> is set.</summary>
/// <param name="Stream">The name of a stream of the job, as its key is written; null: <see cref="Source"/> says it.</param>
/// <param name="Raw">True: that stream's rows before its own steps. Always false with <see cref="Source"/>.</param>
/// <param name="Source">A path, a glob or a URL, its <c>${NAME}</c> unresolved; null: <see cref="Stream"/> says it.</param>
/// <param name="SourceStream">The table behind a database's URL; null: <see cref="Source"/> is files.</param>
/// <param name="Columns">As in <see cref="StreamJob.Columns"/>: <c>*</c>, names, <c>-name</c>. Empty: all.</param>
/// <param name="Where">Which rows: in the database's own SQL, else in the SQL of <c>map</c>. Null: every row.</param>
/// <param name="Read">How the files are read.</param>
public sealed record JoinSide(
    string? Stream,
    bool Raw,
    Endpoint? Source,
    string? SourceStream,
    ImmutableArray<string> Columns,
    string? Where,
    ReadOptions Read);

/// <summary>One term of an order.</summary>
/// <param name="Column">The column.</param>
/// <param name="Descending">True: the greatest comes first.</param>
/// <param name="NullsFirst">True: NULL comes before all values; else behind them, whatever the direction.</param>
public sealed record OrderTerm(string Column, bool Descending, bool NullsFirst)
{
    /// <summary>The direction and the place of NULL, as SQL says them.</summary>
    [JsonIgnore]
    public string Direction => $"{(Descending ? "DESC" : "ASC")} NULLS {(NullsFirst ? "FIRST" : "LAST")}";

    /// <summary>
    /// The term in an <c>ORDER BY</c>. DuckDB's sort makes a row's values anew from the columns that it orders by, and -0.0 comes back as 0.0: floats are
    /// ordered by what stands for them.
    /// </summary>
    /// <param name="type">The column's type.</param>
    public string ToSql(DuckDbType type) => type.Holds(static kind => kind is DuckDbKind.Float or DuckDbKind.Double) ? $"create_sort_key({SqlText.Name(Column)}, '{Direction}')" : $"{SqlText.Name(Column)} {Direction}";
}

/// <summary>A column that an expression makes.</summary>
/// <param name="Name">The column's name.</param>
/// <param name="Sql">The expression.</param>
/// <param name="Mark">Where it stands.</param>
public sealed record NamedExpression(string Name, string Sql, Mark Mark);

/// <summary>Which rows of a join remain.</summary>
public enum JoinKind
{
    /// <summary>Every left row; NULL where the right side has no row.</summary>
    Left = 0,

    /// <summary>Rows that both sides have.</summary>
    Inner = 1,

    /// <summary>Every row of both sides.</summary>
    Full = 2,

    /// <summary>Left rows that the right side has no row for; no column of the right side.</summary>
    Anti = 3,

    /// <summary>Left rows that the right side has a row for, each once; no column of the right side.</summary>
    Semi = 4,
}

/// <summary>What a join does when several right rows have one key.</summary>
public enum ManyRule
{
    /// <summary>A row for each of them.</summary>
    All = 0,

    /// <summary>The first of them by all columns counts.</summary>
    First = 1,

    /// <summary>The stream fails; the fault names the key.</summary>
    Error = 2,
}

/// <summary>What <c>nest</c> does with a key whose array is too large for one row.</summary>
public enum Oversize
{
    /// <summary>The stream fails; the fault names the key and its rows.</summary>
    Fail = 0,

    /// <summary>The key becomes several rows.</summary>
    Split = 1,
}

/// <summary>Which row of a key <c>dedupe</c> keeps.</summary>
public enum KeepRule
{
    /// <summary>The first in the order.</summary>
    First = 0,

    /// <summary>The last in the order.</summary>
    Last = 1,

    /// <summary>None may go: a second row of a key fails the stream.</summary>
    Error = 2,
}

/// <summary>What <c>lookup</c> does with a row whose key was not found.</summary>
public enum LookupMissing
{
    /// <summary>The new columns are NULL.</summary>
    Null = 0,

    /// <summary>The stream fails; the fault names the key.</summary>
    Error = 1,

    /// <summary>The row goes.</summary>
    Drop = 2,
}
