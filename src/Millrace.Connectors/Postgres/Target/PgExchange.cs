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
        _next = await PgNextTable.Like(live, shape, definition).TakeAsync(control, types, staging, place, shape, cancel);
        await RevokeAsync("TABLE", _next.Sql, cancel);
        foreach (var (head, tail) in definition.Before) await control.ExecuteAsync(head + _next.Sql + tail, cancel);
        await CorrectChecksAsync(cancel);
        foreach (var identity in definition.Identities)
        {
            var sequence = await SequenceOfAsync(_next, identity, cancel);
            await RevokeAsync("SEQUENCE", sequence, cancel);
            foreach (var (head, tail) in identity.Statements) await control.ExecuteAsync(head + sequence + tail, cancel);
        }

        await RemoveOldPartsAsync(cancel);
        foreach (var part in definition.Parts)
        {
            // An attempt before this one may have made it.
            var name = NameOf(part);
            if (!await IsMadeAsync(name, cancel)) await control.ExecuteAsync(part.Make(_next, name), cancel);
            if (part.Check(_next, name) is { } check) await control.ExecuteAsync(check, cancel);
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
        if ((await PgDefinition.ReadAsync(control, live, shape, cancel)).Text != definition.Text) throw PgPublishing.Changed(live.Table);
        await control.ExecuteAsync(
            $"ALTER TABLE {live.Table.Sql} RENAME TO {PgName.Quote(place.Old.Name)}; ALTER TABLE {_next.Sql} RENAME TO {PgName.Quote(live.Table.Name)}", cancel);
        foreach (var statement in definition.Between) await control.ExecuteAsync(statement, cancel);
        var sequences = await TakeIdentitiesAsync(cancel);
        await control.ExecuteAsync($"DROP TABLE {place.Old.Sql}", cancel);
        foreach (var statement in sequences) await control.ExecuteAsync(statement, cancel);
        foreach (var part in definition.Parts) await control.ExecuteAsync(part.Rename(live.Table, NameOf(part)), cancel);
        foreach (var statement in definition.After) await control.ExecuteAsync(statement, cancel);
    }

    private string NameOf(PgTablePart part) => place.NameOf(part.Text);

    /// <summary>Removes what an attempt before this one has made, on this table or on the other one, from a definition that has changed since.</summary>
    private async Task RemoveOldPartsAsync(CancellationToken cancel)
    {
        var old = await control.QueryAsync(
            """
            SELECT x.sql FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, LATERAL (
                SELECT k.conname AS name, format('ALTER TABLE %I.%I DROP CONSTRAINT %I', n.nspname, c.relname, k.conname) AS sql FROM pg_constraint k WHERE k.conrelid = c.oid
                UNION ALL SELECT i.relname, format('DROP INDEX %I.%I', n.nspname, i.relname) FROM pg_index y JOIN pg_class i ON i.oid = y.indexrelid
                    WHERE y.indrelid = c.oid AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid AND k.conrelid = c.oid)
                UNION ALL SELECT s.stxname, format('DROP STATISTICS %I.%I', m.nspname, s.stxname) FROM pg_statistic_ext s JOIN pg_namespace m ON m.oid = s.stxnamespace WHERE s.stxrelid = c.oid
                ) AS x
            WHERE c.oid IN (to_regclass($1), to_regclass($2), to_regclass($3)) AND starts_with(x.name, $4) AND NOT (c.oid = to_regclass($3) AND x.name::text = ANY ($5::text[]))
            """,
            [place.Rows.Sql, place.Next.Sql, _next.Sql, place.Names, $"{{{string.Join(',', definition.Parts.Select(NameOf))}}}"],
            cancel);
        foreach (var row in old) await control.ExecuteAsync(row[0]!, cancel);
    }

    /// <summary>Takes from somebody else what new objects of this user are given by default.</summary>
    private async Task RevokeAsync(string kind, string name, CancellationToken cancel)
    {
        var grantees = await control.QueryAsync(
            """
            SELECT DISTINCT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END
            FROM pg_class c, LATERAL (SELECT c.relacl AS acl UNION ALL SELECT t.attacl FROM pg_attribute t WHERE t.attrelid = c.oid) AS given, LATERAL aclexplode(acl) a
            WHERE c.oid = $1::regclass AND a.grantee <> c.relowner
            """,
            [name],
            cancel);
        foreach (var grantee in grantees) await control.ExecuteAsync($"REVOKE ALL ON {kind} {name} FROM {grantee[0]}", cancel);
    }

    /// <summary>LIKE forgets of some CHECKs and NOT NULLs that they are not valid, not enforced or not inherited.</summary>
    private async Task CorrectChecksAsync(CancellationToken cancel)
    {
        var checks = await control.QueryAsync(
            """
            SELECT format('DROP CONSTRAINT %I, ADD CONSTRAINT %I %s', k.conname, k.conname, pg_get_constraintdef(k.oid))
            FROM pg_constraint k JOIN pg_constraint n ON n.conrelid = $2::regclass AND n.conname = k.conname AND n.contype = k.contype
            WHERE k.conrelid = $1::oid AND k.contype IN ('c', 'n') AND pg_get_constraintdef(k.oid) <> pg_get_constraintdef(n.oid)
            """,
            [PgCatalog.Text(live.Oid), _next.Sql],
            cancel);
        foreach (var check in checks) await control.ExecuteAsync($"ALTER TABLE {_next.Sql} {check[0]}", cancel);
    }

    /// <summary>
    /// Identity columns go on where the old table's do, or after the last number that the rows have taken; gives the statements that name their
    /// sequences as they were.
    /// </summary>
    private async Task<List<string>> TakeIdentitiesAsync(CancellationToken cancel)
    {
        var statements = new List<string>();
        foreach (var identity in definition.Identities)
        {
            var name = await SequenceOfAsync(live.Table, identity, cancel);
            var last = identity.IsDescending ? "last_value, is_called DESC" : "last_value DESC, is_called DESC";
            await control.ExecuteAsync(
                $"""
                SELECT setval({PgName.Literal(name)}, v.last_value, v.is_called) FROM (
                    SELECT last_value, is_called FROM {live.Table.Beside(identity.Sequence).Sql} UNION ALL SELECT last_value, is_called FROM {name} WHERE is_called ORDER BY {last} LIMIT 1) AS v
                """,
                cancel);
            statements.Add($"ALTER SEQUENCE {name} RENAME TO {PgName.Quote(identity.Sequence)}");
        }

        return statements;
    }

    private async Task<string> SequenceOfAsync(PgTable table, PgIdentity identity, CancellationToken cancel) =>
        (await control.QueryAsync("SELECT pg_get_serial_sequence($1, $2)", [table.Sql, identity.Column], cancel))[0][0]!;

    private async Task<bool> IsMadeAsync(string name, CancellationToken cancel) => (await control.QueryAsync(
        """
        SELECT EXISTS (SELECT FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = $1::regclass AND i.relname = $2)
            OR EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = $1::regclass AND k.conname = $2)
            OR EXISTS (SELECT FROM pg_statistic_ext s WHERE s.stxrelid = $1::regclass AND s.stxname = $2)
        """,
        [_next.Sql, name],
        cancel))[0][0] == "t";
}
