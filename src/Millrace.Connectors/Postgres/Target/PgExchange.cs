using Millrace.Connectors.Postgres.Catalog;

namespace Millrace.Connectors.Postgres.Target;

/// <summary>
/// Puts a complete new table in the place of the live one, in one step: readers find the old rows or the new ones. Everything that takes time
/// is done before, on the table that nobody sees; locks are held while names change.
/// </summary>
internal sealed class PgExchange(
    PgControl control, PgTypeCatalog types, PgStaging staging, PgStagingPlace place, PgLiveTable live, PgTargetShape shape, PgDefinition definition)
{
    private PgTable _next = place.Rows;

    /// <summary>Completes the table that nobody sees: rows with their final types, owner, rights, indexes, constraints.</summary>
    public async Task PrepareAsync(CancellationToken cancel)
    {
        _next = await PgNextTable.Like(live, shape, definition, control.ServerVersion).TakeAsync(control, types, staging, place, shape, cancel);
        foreach (var grantee in await control.QueryAsync(
            """
            SELECT DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
            FROM pg_class c, LATERAL aclexplode(c.relacl) a WHERE c.oid = $1::regclass AND a.grantee <> c.relowner
            """,
            [_next.Sql],
            cancel))
            await control.ExecuteAsync($"REVOKE ALL ON TABLE {_next.Sql} FROM {grantee[0]}", cancel);
        foreach (var (head, tail) in definition.Before) await control.ExecuteAsync(head + _next.Sql + tail, cancel);
        for (var i = 0; i < definition.Parts.Length; i++)
        {
            // An attempt before this one may have made it.
            var name = place.NameOf(i);
            if (await IsMadeAsync(name, cancel)) continue;
            foreach (var statement in definition.Parts[i].Make(_next, name)) await control.ExecuteAsync(statement, cancel);
        }

        await control.ExecuteAsync($"ANALYZE {_next.Sql}", cancel);
    }

    /// <summary>
    /// Inside the transaction: the exchange. Views are locked before the table, in the order in which their readers lock: such a reader waits
    /// and then reads the new table, or we wait for it.
    /// </summary>
    public async Task PublishAsync(CancellationToken cancel)
    {
        foreach (var statement in definition.ViewLocks) await control.ExecuteAsync(statement, cancel);
        await control.ExecuteAsync($"LOCK TABLE {live.Table.Sql} IN ACCESS EXCLUSIVE MODE", cancel);
        if (await PgDefinition.FingerprintAsync(control, live, cancel) != definition.Fingerprint) throw PgPublishing.Changed(live.Table);
        await control.ExecuteAsync(
            $"ALTER TABLE {live.Table.Sql} RENAME TO {PgName.Quote(place.Old.Name)}; ALTER TABLE {_next.Sql} RENAME TO {PgName.Quote(live.Table.Name)}", cancel);
        foreach (var statement in definition.Between) await control.ExecuteAsync(statement, cancel);
        var sequences = await TakeIdentitiesAsync(cancel);
        await control.ExecuteAsync($"DROP TABLE {place.Old.Sql}", cancel);
        foreach (var statement in sequences) await control.ExecuteAsync(statement, cancel);
        for (var i = 0; i < definition.Parts.Length; i++) await control.ExecuteAsync(definition.Parts[i].Rename(live.Table, place.NameOf(i)), cancel);
        foreach (var statement in definition.After) await control.ExecuteAsync(statement, cancel);
    }

    /// <summary>Identity columns go on after the last number of either table; gives the statements that name their sequences as they were.</summary>
    private async Task<List<string>> TakeIdentitiesAsync(CancellationToken cancel)
    {
        var statements = new List<string>();
        foreach (var (column, sequence) in definition.Identities)
        {
            var name = (await control.QueryAsync("SELECT pg_get_serial_sequence($1, $2)", [live.Table.Sql, column], cancel))[0][0];
            await control.ExecuteAsync(
                $"SELECT setval({PgName.Literal(name!)}, greatest(o.last_value, n.last_value), o.is_called OR n.is_called) FROM {live.Table.Beside(sequence).Sql} AS o, {name} AS n", cancel);
            statements.Add($"ALTER SEQUENCE {name} RENAME TO {PgName.Quote(sequence)}");
        }

        return statements;
    }

    private async Task<bool> IsMadeAsync(string name, CancellationToken cancel) => (await control.QueryAsync(
        """
        SELECT EXISTS (SELECT FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = $1::regclass AND i.relname = $2)
            OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = $1::regclass AND k.conname = $2 AND k.convalidated)
        """,
        [_next.Sql, name],
        cancel))[0][0] == "t";
}
