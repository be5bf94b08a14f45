using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Transform;

/// <summary>One kind of system whose tables can be asked for rows by their keys: what <c>lookup</c> needs. Stateless.</summary>
public interface ILookupConnector
{
    /// <summary>The connector's name.</summary>
    string Name { get; }

    /// <summary>Whether this connector asks addresses like this one; looks at the text only.</summary>
    bool Claims(string address);

    /// <summary>Opens a store, in the coordinator or in a worker. Does no I/O yet. A malformed address is a <see cref="Faults.Fault"/>.</summary>
    ILookupStore OpenLookup(SourceContext context);
}

/// <summary>A store of tables that are asked by key. Every error is a <see cref="Faults.Fault"/>. Thread safe.</summary>
public interface ILookupStore : IAsyncDisposable
{
    /// <summary>The address for people: no secrets.</summary>
    string Place { get; }

    /// <summary>Looks at a table, for planning; opens no transaction that stays.</summary>
    /// <exception cref="Faults.Fault">There is no such table or column, it may not be read, or a key's type can't be looked up.</exception>
    ValueTask<LookupTable> DescribeAsync(LookupQuestion question, CancellationToken cancel);

    /// <summary>Opens a connection that asks.</summary>
    ValueTask<ILookupSession> OpenAsync(CancellationToken cancel);
}

/// <summary>A connection to a store. Asks one thing at a time; only <see cref="Cancel"/> comes from other threads.</summary>
public interface ILookupSession : IAsyncDisposable
{
    /// <summary>False when it must not be used again.</summary>
    bool IsUsable { get; }

    /// <summary>Asks for the rows of keys and waits: called on DuckDB's threads.</summary>
    /// <param name="lookup">What is looked up.</param>
    /// <param name="keys">The keys.</param>
    /// <param name="rows">Takes the rows that there are, in any order.</param>
    void Ask(LookupHeader lookup, in LookupKeys keys, ILookupRows rows);

    /// <summary>Ends what is being asked, and whatever is asked from now on. The session can't be used afterwards.</summary>
    void Cancel();
}

/// <summary>Takes the rows that a store has found.</summary>
public interface ILookupRows
{
    /// <summary>Takes some. The first column is a BIGINT, the place of the row's key among those asked for, from 1; the wanted columns follow.</summary>
    void Take(in ChunkReader rows);
}

/// <summary>What planning asks a store.</summary>
/// <param name="Table">The table, as the user wrote it.</param>
/// <param name="Key">The key's columns in the table.</param>
/// <param name="Columns">The wanted columns; empty: all but the key's.</param>
/// <param name="Mark">Where the step stands.</param>
public sealed record LookupQuestion(string Table, ImmutableArray<string> Key, ImmutableArray<string> Columns, Mark Mark);

/// <summary>A table as planning sees it.</summary>
public sealed record LookupTable
{
    /// <summary>The table's name, for people.</summary>
    public required string Name { get; init; }

    /// <summary>The key's columns with their types, in the question's order.</summary>
    public required ImmutableArray<LookupColumn> Key { get; init; }

    /// <summary>The wanted columns.</summary>
    public required ImmutableArray<LookupColumn> Columns { get; init; }

    /// <summary>Whether the store promises one row a key.</summary>
    public required bool IsUnique { get; init; }

    /// <summary>What the store's sessions need to ask: their own JSON, no secrets.</summary>
    public required string QueryJson { get; init; }
}

/// <summary>A column of a lookup.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type in DuckDB's spelling.</param>
public sealed record LookupColumn(string Name, string Type);
