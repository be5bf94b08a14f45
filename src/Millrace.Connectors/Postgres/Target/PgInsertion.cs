using Millrace.Connectors.Postgres.Catalog;
using Millrace.Faults;

namespace Millrace.Connectors.Postgres.Target;

/// <summary>Rows that go into a table that is there and stays the same table.</summary>
internal sealed class PgInsertion(PgControl control, PgTypeCatalog types, PgStaging staging, PgStagingPlace place, PgLiveTable live, PgTargetShape shape)
{
    /// <summary>Inside the transaction: beside the rows that are there.</summary>
    public async Task AppendAsync(CancellationToken cancel)
    {
        await ChangeAsync(cancel);
        await InsertAsync(cancel);
    }

    /// <summary>The insertion alone.</summary>
    public async Task InsertAsync(CancellationToken cancel) => await control.ExecuteAsync(
        $"INSERT INTO {live.Table.Sql} ({shape.Names}) OVERRIDING SYSTEM VALUE SELECT {await SelectAsync(cancel)} FROM {place.Rows.Sql} AS s", cancel);

    /// <summary>Inside the transaction: in the place of those that are there, which readers see until its end.</summary>
    public async Task ReplaceAsync(CancellationToken cancel)
    {
        var isReferred = await AssertNoCascadeAsync(cancel);
        await control.ExecuteAsync($"LOCK TABLE {live.Table.Sql} IN SHARE ROW EXCLUSIVE MODE", cancel);
        await ChangeAsync(cancel);
        var insert = $"INSERT INTO {live.Table.Sql} ({shape.Names}) OVERRIDING SYSTEM VALUE SELECT {await SelectAsync(cancel)} FROM";

        // In one statement a foreign key that points here finds its rows again before it is checked.
        await control.ExecuteAsync(
            isReferred
                ? $"WITH gone AS (DELETE FROM {live.Table.Sql} RETURNING 1), emptied AS (SELECT count(*) FROM gone) {insert} emptied CROSS JOIN {place.Rows.Sql} AS s"
                : $"DELETE FROM {live.Table.Sql}; {insert} {place.Rows.Sql} AS s",
            cancel);
    }

    /// <summary>Whether a foreign key points here. One that acts on what it finds deleted would change the other table's rows: that is refused.</summary>
    private async Task<bool> AssertNoCascadeAsync(CancellationToken cancel)
    {
        var keys = await control.QueryAsync(
            "SELECT conname, conrelid::regclass, confdeltype IN ('c', 'n', 'd') FROM pg_constraint WHERE contype = 'f' AND confrelid = $1::oid ORDER BY confdeltype IN ('c', 'n', 'd') DESC",
            [PgCatalog.Text(live.Oid)],
            cancel);
        if (keys is not [[var name, var table, "t"], ..]) return keys.Count > 0;
        throw new Fault(FaultKind.Refused, $"the foreign key {name} of {table} would delete or change rows there when those of {live.Table.Written} are replaced")
        {
            Side = FaultSide.Target, Where = place.Stream, Advice = "Use mode: merge with a key, or give the foreign key ON DELETE NO ACTION.",
        };
    }

    /// <summary>Makes the table that is there take the columns.</summary>
    public async Task ChangeAsync(CancellationToken cancel)
    {
        if (shape.Changes) await control.ExecuteAsync($"ALTER TABLE {live.Table.Sql} {string.Join(", ", Changes(shape))}", cancel);
    }

    /// <summary>What makes the table that is there take the columns.</summary>
    public static IEnumerable<string> Changes(PgTargetShape shape)
    {
        foreach (var name in shape.Dropped) yield return $"DROP COLUMN {PgName.Quote(name)}";
        foreach (var column in shape.Added) yield return $"ADD COLUMN {column.Definition}";
        foreach (var column in shape.Altered) yield return $"ALTER COLUMN {column.Sql} TYPE {column.Type}";
    }

    /// <summary>The staged rows as the table's columns.</summary>
    public async Task<string> SelectAsync(CancellationToken cancel) =>
        await staging.SelectListAsync(shape, await types.AttributesAsync(live.Oid, cancel), cancel);
}
