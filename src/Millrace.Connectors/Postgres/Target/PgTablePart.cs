using Millrace.Connectors.Postgres.Catalog;

namespace Millrace.Connectors.Postgres.Target;

/// <summary>What is made for a table after its rows are there.</summary>
internal enum PgPartKind
{
    /// <summary>A constraint that is no CHECK and no NOT NULL.</summary>
    Constraint,

    /// <summary>An index that is no constraint's.</summary>
    Index,

    /// <summary>A statistics object.</summary>
    Statistics,
}

/// <summary>An index, a constraint or a statistics object of a table.</summary>
/// <param name="Kind">Which of them.</param>
/// <param name="Name">Its name.</param>
/// <param name="Definition">What PostgreSQL says it is, without its name and its table.</param>
internal sealed record PgTablePart(PgPartKind Kind, string Name, string Definition)
{
    /// <summary>For an index: whether it is unique.</summary>
    public bool IsUnique { get; init; }

    /// <summary>For a foreign key that the server has checked: it is checked here, too.</summary>
    public bool IsChecked { get; init; }

    /// <summary>The tablespace of an index or of a constraint's; empty: the database's.</summary>
    public string Tablespace { get; init; } = "";

    /// <summary>The schema of a statistics object.</summary>
    public string Schema { get; init; } = "";

    /// <summary>What ALTER INDEX or ALTER STATISTICS says after its name; empty: nothing.</summary>
    public string Setting { get; init; } = "";

    /// <summary>For a statistics object: what ALTER STATISTICS says of its owner; empty: nothing.</summary>
    public string Owner { get; init; } = "";

    /// <summary>All that it is, as one text.</summary>
    public string Text => Name + '\n' + Make(new PgTable("", ""), "");

    /// <summary>
    /// Makes it for another table under another name, in one statement or several at once: it is whole or not there.
    /// </summary>
    public string Make(PgTable table, string name)
    {
        var quoted = PgName.Quote(name);
        var made = Kind switch
        {
            PgPartKind.Index => $"CREATE {(IsUnique ? "UNIQUE " : "")}INDEX {quoted} ON {table.Sql} {Definition}",
            PgPartKind.Statistics => $"CREATE STATISTICS {In(name)}{Definition} FROM {table.Sql}",
            _ => $"ALTER TABLE {table.Sql} ADD CONSTRAINT {quoted} {Definition}{(IsChecked ? " NOT VALID" : "")}",
        };
        if (Kind == PgPartKind.Statistics) return made + Then("ALTER STATISTICS ", In(name), Setting) + Then("ALTER STATISTICS ", In(name), Owner);
        return $"SET LOCAL default_tablespace = {PgName.Literal(Tablespace)}; {made}{Then("ALTER INDEX ", table.Beside(name).Sql, Setting)}";
    }

    /// <summary>Checks a foreign key by a statement of its own, which keeps no writer of the other table out; null: there is nothing to check.</summary>
    public string? Check(PgTable table, string name) => IsChecked ? $"ALTER TABLE {table.Sql} VALIDATE CONSTRAINT {PgName.Quote(name)}" : null;

    /// <summary>Gives it its own name.</summary>
    public string Rename(PgTable table, string name) => Kind switch
    {
        PgPartKind.Index => $"ALTER INDEX {table.Beside(name).Sql} RENAME TO {PgName.Quote(Name)}",
        PgPartKind.Statistics => $"ALTER STATISTICS {In(name)} RENAME TO {PgName.Quote(Name)}",
        _ => $"ALTER TABLE {table.Sql} RENAME CONSTRAINT {PgName.Quote(name)} TO {PgName.Quote(Name)}",
    };

    private static string Then(string head, string name, string tail) => tail.Length == 0 ? "" : $"; {head}{name} {tail}";

    private string In(string name) => new PgTable(Schema, name).Sql;
}
