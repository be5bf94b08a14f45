using System.Collections.Immutable;
using Millrace.Connectors.Postgres.Catalog;

namespace Millrace.Connectors.Postgres.Target;

/// <summary>
/// All that a table is besides its rows and columns, as the catalogue tells it: what must be made again for a table that takes its place, or
/// what forbids that.
/// </summary>
internal sealed record PgDefinition
{
    /// <summary>Why another table can't take its place; null: it can.</summary>
    public string? WhyNotExchanged { get; init; }

    /// <summary>Changes when anything changes that <c>LIKE</c> copies.</summary>
    public string Fingerprint { get; init; } = "";

    /// <summary>Whether its rows are lost when the server crashes.</summary>
    public bool IsUnlogged { get; init; }

    /// <summary>The tablespace, quoted; null: the database's.</summary>
    public string? Tablespace { get; init; }

    /// <summary>Owner, options and rights: what comes before and after the new table's name in each statement.</summary>
    public ImmutableArray<(string Head, string Tail)> Before { get; init; } = [];

    /// <summary>Indexes and constraints, made when the rows are there.</summary>
    public ImmutableArray<PgTablePart> Parts { get; init; } = [];

    /// <summary>Statements for the moment between: the new table has the name, the old one is still there.</summary>
    public ImmutableArray<string> Between { get; init; } = [];

    /// <summary>Statements for the new table when it has the name and the old one is gone.</summary>
    public ImmutableArray<string> After { get; init; } = [];

    /// <summary>Identity columns, each with the name of its sequence.</summary>
    public ImmutableArray<(string Column, string Sequence)> Identities { get; init; } = [];

    /// <summary>Statements that lock the views that read it and change nothing of them.</summary>
    public ImmutableArray<string> ViewLocks { get; init; } = [];

    /// <summary>Its fingerprint now; null when another table can't take its place any more.</summary>
    public static async Task<string?> FingerprintAsync(PgControl control, PgLiveTable live, CancellationToken cancel)
    {
        var reader = new PgDefinitionReader(control, live);
        return await reader.WhyNotAsync(cancel) is null ? await reader.FingerprintAsync(cancel) : null;
    }

    /// <summary>Reads it. What forbids an exchange is all that is said of a table that can't be exchanged.</summary>
    public static async Task<PgDefinition> ReadAsync(PgControl control, PgLiveTable live, CancellationToken cancel)
    {
        var reader = new PgDefinitionReader(control, live);
        return await reader.WhyNotAsync(cancel) is { } why ? new PgDefinition { WhyNotExchanged = why } : await reader.ReadAsync(cancel);
    }
}

/// <summary>An index or a constraint of a table.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Definition">What PostgreSQL says it is, without its name and its table.</param>
internal sealed record PgTablePart(string Name, string Definition)
{
    /// <summary>An index that is no constraint's.</summary>
    public bool IsIndex { get; init; }

    /// <summary>For an index: whether it is unique.</summary>
    public bool IsUnique { get; init; }

    /// <summary>For a foreign key that the server has checked: it is checked here, too.</summary>
    public bool IsChecked { get; init; }

    /// <summary>
    /// Makes it for another table under another name. A foreign key is checked by a statement of its own, which keeps no writer of the other table
    /// out.
    /// </summary>
    public IEnumerable<string> Make(PgTable table, string name)
    {
        var quoted = PgName.Quote(name);
        if (IsIndex)
        {
            yield return $"CREATE {(IsUnique ? "UNIQUE " : "")}INDEX {quoted} ON {table.Sql} {Definition}";
            yield break;
        }

        yield return $"ALTER TABLE {table.Sql} ADD CONSTRAINT {quoted} {Definition}{(IsChecked ? " NOT VALID" : "")}";
        if (IsChecked) yield return $"ALTER TABLE {table.Sql} VALIDATE CONSTRAINT {quoted}";
    }

    /// <summary>Gives it its own name.</summary>
    public string Rename(PgTable table, string name) => IsIndex
        ? $"ALTER INDEX {table.Beside(name).Sql} RENAME TO {PgName.Quote(Name)}"
        : $"ALTER TABLE {table.Sql} RENAME CONSTRAINT {PgName.Quote(name)} TO {PgName.Quote(Name)}";
}
