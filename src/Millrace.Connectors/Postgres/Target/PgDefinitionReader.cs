using System.Collections.Immutable;
using Millrace.Connectors.Postgres.Catalog;

namespace Millrace.Connectors.Postgres.Target;

/// <summary>Asks the catalogue for all that a table is besides its rows and columns. Only PostgreSQL's own words for it are used again.</summary>
internal sealed class PgDefinitionReader(PgControl control, PgLiveTable live)
{
    /// <summary>
    /// What forbids that another table takes this one's place. The last question finds whatever else refers to it: what is not known to be made
    /// again forbids it.
    /// </summary>
    private const string WhyNot =
        """
        SELECT CASE
            WHEN c.relkind <> 'r' THEN 'it is partitioned'
            WHEN c.relispartition THEN 'it is a partition of another table'
            WHEN EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = c.oid OR i.inhrelid = c.oid) THEN 'it inherits, or is inherited from'
            WHEN c.reloftype <> 0 THEN 'it is of a composite type'
            WHEN NOT pg_has_role(c.relowner, 'USAGE') THEN 'it belongs to ' || pg_get_userbyid(c.relowner)
            WHEN EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid) THEN 'it has rules'
            WHEN EXISTS (SELECT FROM pg_publication WHERE puballtables)
                OR EXISTS (SELECT FROM pg_publication_tables t WHERE t.schemaname = n.nspname AND t.tablename = c.relname) THEN 'it is published'
            ELSE coalesce(
                (SELECT 'a foreign key of ' || f.conrelid::regclass || ' points to it' FROM pg_constraint f WHERE f.contype = 'f' AND f.confrelid = c.oid LIMIT 1),
                (SELECT pg_describe_object(d.classid, d.objid, d.objsubid) || ' depends on it'
                 FROM pg_depend d LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid LEFT JOIN pg_class v ON v.oid = r.ev_class
                 WHERE d.deptype = 'n'
                   AND (d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
                        OR d.refclassid = 'pg_type'::regclass AND d.refobjid IN (SELECT y.oid FROM pg_type y WHERE y.oid = c.reltype OR y.typelem = c.reltype AND y.typcategory = 'A'))
                   AND NOT (v.relkind IS NOT NULL AND v.relkind = 'v' AND r.rulename = '_RETURN' AND pg_has_role(v.relowner, 'USAGE') AND d.refclassid = 'pg_class'::regclass)
                   AND NOT EXISTS (SELECT FROM pg_policy p WHERE d.classid = 'pg_policy'::regclass AND p.oid = d.objid AND p.polrelid = c.oid)
                   AND NOT EXISTS (SELECT FROM pg_trigger t WHERE d.classid = 'pg_trigger'::regclass AND t.oid = d.objid AND t.tgrelid = c.oid)
                   AND NOT EXISTS (SELECT FROM pg_constraint k WHERE d.classid = 'pg_constraint'::regclass AND k.oid = d.objid AND k.conrelid = c.oid)
                   AND NOT EXISTS (SELECT FROM pg_attrdef a WHERE d.classid = 'pg_attrdef'::regclass AND a.oid = d.objid AND a.adrelid = c.oid)
                   AND NOT EXISTS (SELECT FROM pg_index x WHERE d.classid = 'pg_class'::regclass AND x.indexrelid = d.objid AND x.indrelid = c.oid)
                   AND NOT EXISTS (SELECT FROM pg_statistic_ext s WHERE d.classid = 'pg_statistic_ext'::regclass AND s.oid = d.objid AND s.stxrelid = c.oid)
                 LIMIT 1))
            END
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid
        """;

    private const string Fingerprint =
        """
        SELECT md5(concat_ws('|', c.relpersistence, c.reloptions, c.reltablespace,
                (SELECT string_agg(concat_ws(':', a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attidentity, a.attgenerated, a.attstorage, a.attcollation,
                     pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum)), ',' ORDER BY a.attnum)
                 FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
                (SELECT string_agg(k.conname || pg_get_constraintdef(k.oid), ',' ORDER BY k.conname) FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c'))),
            c.relpersistence = 'u', (SELECT quote_ident(s.spcname) FROM pg_tablespace s WHERE s.oid = c.reltablespace)
        FROM pg_class c WHERE c.oid = $1::oid
        """;

    private const string Before =
        """
        SELECT head, tail FROM pg_class c, LATERAL (
            SELECT 1 AS part, 'ALTER TABLE ' AS head, format(' OWNER TO %I', pg_get_userbyid(c.relowner)) AS tail WHERE pg_get_userbyid(c.relowner) <> current_user
            UNION ALL SELECT 2, 'ALTER TABLE ', format(' SET (%s)', array_to_string(c.reloptions, ', ')) WHERE c.reloptions IS NOT NULL
            UNION ALL SELECT 3, format('GRANT %s ON TABLE ', a.privilege_type), format(' TO %s%s',
                CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
                FROM aclexplode(c.relacl) a WHERE a.grantee <> c.relowner
            UNION ALL SELECT 4, format('GRANT %s (%I) ON TABLE ', a.privilege_type, t.attname), format(' TO %s%s',
                CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
                FROM pg_attribute t, LATERAL aclexplode(t.attacl) a WHERE t.attrelid = c.oid AND NOT t.attisdropped
            ) AS x
        WHERE c.oid = $1::oid ORDER BY part
        """;

    /// <summary>Sequences of defaults change hands; views read what has the name now.</summary>
    private const string Between =
        """
        SELECT s FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, LATERAL (
            SELECT 1 AS part, q.oid AS thing, format('ALTER SEQUENCE %I.%I OWNED BY %I.%I.%I', m.nspname, q.relname, n.nspname, c.relname, a.attname) AS s
                FROM pg_depend d JOIN pg_class q ON d.classid = 'pg_class'::regclass AND q.oid = d.objid AND q.relkind = 'S' JOIN pg_namespace m ON m.oid = q.relnamespace
                JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.deptype = 'a'
            UNION ALL SELECT 2, v.oid, format('CREATE OR REPLACE VIEW %I.%I%s AS ', m.nspname, v.relname, coalesce(' WITH (' || array_to_string(v.reloptions, ', ') || ')', '')) || pg_get_viewdef(v.oid)
                FROM pg_class v JOIN pg_namespace m ON m.oid = v.relnamespace
                WHERE v.relkind = 'v' AND v.oid IN (SELECT r.ev_class FROM pg_depend d JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
                                                    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid)
            ) AS x
        WHERE c.oid = $1::oid ORDER BY part, thing
        """;

    /// <summary>What needs the table's own name, or must not act on rows that are loaded.</summary>
    private const string After =
        """
        SELECT s FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, LATERAL (SELECT format('%I.%I', n.nspname, c.relname) AS t) AS name, LATERAL (
            SELECT 1 AS part, g.tgname::text AS thing, pg_get_triggerdef(g.oid) AS s FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal
            UNION ALL SELECT 2, g.tgname, format('ALTER TABLE %s %s TRIGGER %I', t, CASE g.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, g.tgname)
                FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND g.tgenabled <> 'O'
            UNION ALL SELECT 3, g.tgname, format('COMMENT ON TRIGGER %I ON %s IS %L', g.tgname, t, obj_description(g.oid, 'pg_trigger'))
                FROM pg_trigger g WHERE g.tgrelid = c.oid AND NOT g.tgisinternal AND obj_description(g.oid, 'pg_trigger') IS NOT NULL
            UNION ALL SELECT 4, p.polname, format('CREATE POLICY %I ON %s AS %s FOR %s TO %s%s%s', p.polname, t, CASE WHEN p.polpermissive THEN 'PERMISSIVE' ELSE 'RESTRICTIVE' END,
                CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END,
                (SELECT string_agg(CASE WHEN r = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r)) END, ', ') FROM unnest(p.polroles) r),
                coalesce(' USING (' || pg_get_expr(p.polqual, p.polrelid) || ')', ''), coalesce(' WITH CHECK (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')', ''))
                FROM pg_policy p WHERE p.polrelid = c.oid
            UNION ALL SELECT 5, p.polname, format('COMMENT ON POLICY %I ON %s IS %L', p.polname, t, obj_description(p.oid, 'pg_policy'))
                FROM pg_policy p WHERE p.polrelid = c.oid AND obj_description(p.oid, 'pg_policy') IS NOT NULL
            UNION ALL SELECT 6, '', format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', t) WHERE c.relrowsecurity
            UNION ALL SELECT 7, '', format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', t) WHERE c.relforcerowsecurity
            UNION ALL SELECT 8, '', format('ALTER TABLE %s REPLICA IDENTITY %s', t, CASE c.relreplident WHEN 'f' THEN 'FULL' WHEN 'n' THEN 'NOTHING' ELSE 'USING INDEX ' ||
                (SELECT quote_ident(i.relname) FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = c.oid AND x.indisreplident) END) WHERE c.relreplident <> 'd'
            UNION ALL SELECT 9, '', format('COMMENT ON TABLE %s IS %L', t, obj_description(c.oid, 'pg_class'))
            UNION ALL SELECT 10, k.conname, format('COMMENT ON CONSTRAINT %I ON %s IS %L', k.conname, t, obj_description(k.oid, 'pg_constraint'))
                FROM pg_constraint k WHERE k.conrelid = c.oid AND obj_description(k.oid, 'pg_constraint') IS NOT NULL
            UNION ALL SELECT 11, i.relname, format('COMMENT ON INDEX %I.%I IS %L', n.nspname, i.relname, obj_description(i.oid, 'pg_class'))
                FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = c.oid AND obj_description(i.oid, 'pg_class') IS NOT NULL
            UNION ALL SELECT 12, i.relname, format('ALTER TABLE %s CLUSTER ON %I', t, i.relname)
                FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid WHERE x.indrelid = c.oid AND x.indisclustered
            ) AS x
        WHERE c.oid = $1::oid ORDER BY part, thing
        """;

    private const string Identities =
        """
        SELECT a.attname, q.relname FROM pg_depend d JOIN pg_class q ON d.classid = 'pg_class'::regclass AND q.oid = d.objid AND q.relkind = 'S'
        JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1::oid AND d.deptype = 'i' ORDER BY a.attnum
        """;

    /// <summary>A view is locked by what changes nothing of it: LOCK would lock all that it reads, too.</summary>
    private const string ViewLocks =
        """
        SELECT DISTINCT format('ALTER VIEW %I.%I OWNER TO %I', n.nspname, v.relname, pg_get_userbyid(v.relowner))
        FROM pg_depend d JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
        JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v' JOIN pg_namespace n ON n.oid = v.relnamespace
        WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1::oid ORDER BY 1
        """;

    private string Oid => PgCatalog.Text(live.Oid);

    /// <summary>Why another table can't take its place; null: it can.</summary>
    public async Task<string?> WhyNotAsync(CancellationToken cancel) => (await RowsAsync(WhyNot, cancel))[0][0];

    /// <summary>What changes when anything changes that <c>LIKE</c> copies.</summary>
    public async Task<string> FingerprintAsync(CancellationToken cancel) => (await RowsAsync(Fingerprint, cancel))[0][0]!;

    /// <summary>Everything.</summary>
    public async Task<PgDefinition> ReadAsync(CancellationToken cancel)
    {
        var first = (await RowsAsync(Fingerprint, cancel))[0];
        return new PgDefinition
        {
            Fingerprint = first[0]!,
            IsUnlogged = first[1] == "t",
            Tablespace = first[2],
            Before = [.. (await RowsAsync(Before, cancel)).Select(static row => (row[0]!, row[1]!))],
            Parts = [.. await IndexesAsync(cancel), .. await ForeignKeysAsync(cancel)],
            Between = await TextsAsync(Between, cancel),
            After = await TextsAsync(After, cancel),
            Identities = [.. (await RowsAsync(Identities, cancel)).Select(static row => (row[0]!, row[1]!))],
            ViewLocks = await TextsAsync(ViewLocks, cancel),
        };
    }

    private Task<IReadOnlyList<string?[]>> RowsAsync(string query, CancellationToken cancel) => control.QueryAsync(query, [Oid], cancel);

    private async Task<ImmutableArray<string>> TextsAsync(string query, CancellationToken cancel) => [.. (await RowsAsync(query, cancel)).Select(static row => row[0]!)];

    /// <summary>Indexes; those of a primary key, a unique or an exclusion constraint through the constraint.</summary>
    private async Task<IEnumerable<PgTablePart>> IndexesAsync(CancellationToken cancel)
    {
        var rows = await RowsAsync(
            """
            SELECT i.relname, pg_get_indexdef(i.oid), x.indisunique, k.conname, pg_get_constraintdef(k.oid),
                   length(format('CREATE %sINDEX %I ON %I.%I ', CASE WHEN x.indisunique THEN 'UNIQUE ' ELSE '' END, i.relname, n.nspname, t.relname))
            FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
            LEFT JOIN pg_constraint k ON k.conindid = x.indexrelid AND k.conrelid = x.indrelid AND k.contype IN ('p', 'u', 'x')
            WHERE x.indrelid = $1::oid AND x.indisvalid ORDER BY x.indisprimary DESC, i.relname
            """,
            cancel);
        return rows.Select(static row => row[3] is { } constraint
            ? new PgTablePart(constraint, row[4]!)
            : new PgTablePart(row[0]!, Tail(row[1]!, (int)PgCatalog.Number(row[5]))) { IsIndex = true, IsUnique = row[2] == "t" });
    }

    private async Task<IEnumerable<PgTablePart>> ForeignKeysAsync(CancellationToken cancel)
    {
        var rows = await RowsAsync(
            "SELECT conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint WHERE conrelid = $1::oid AND contype = 'f' ORDER BY conname", cancel);
        return rows.Select(static row => new PgTablePart(row[0]!, row[1]!) { IsChecked = row[2] == "t" });
    }

    /// <summary>What follows so many characters as PostgreSQL counts them: one beyond the basic plane is one there and two here.</summary>
    private static string Tail(string text, int characters)
    {
        var at = 0;
        for (; characters > 0; characters--) at += char.IsHighSurrogate(text[at]) ? 2 : 1;
        return text[at..];
    }
}
