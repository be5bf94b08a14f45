using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
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
            WHEN EXISTS (SELECT FROM pg_am m WHERE m.oid = c.relam AND m.amname <> 'heap') THEN 'its access method is not heap'
            WHEN EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e') THEN 'it belongs to an extension'
            WHEN EXISTS (SELECT FROM pg_seclabel l WHERE l.classoid = 'pg_class'::regclass AND l.objoid = c.oid) THEN 'it has security labels'
            WHEN EXISTS (SELECT FROM pg_subscription_rel u WHERE u.srrelid = c.oid) THEN 'a subscription writes into it'
            WHEN NOT pg_has_role(c.relowner, 'USAGE') THEN 'it belongs to ' || pg_get_userbyid(c.relowner)
            WHEN EXISTS (SELECT FROM pg_rewrite r WHERE r.ev_class = c.oid) THEN 'it has rules'
            WHEN EXISTS (SELECT FROM pg_publication WHERE puballtables)
                OR EXISTS (SELECT FROM pg_publication_tables t WHERE t.schemaname = n.nspname AND t.tablename = c.relname) THEN 'it is published'
            WHEN EXISTS (SELECT FROM pg_trigger g WHERE g.tgrelid = c.oid AND g.tgisinternal AND g.tgenabled <> 'O') THEN 'triggers of its foreign keys are disabled'
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
                 LIMIT 1),
                (SELECT 'rights on it were granted by ' || pg_get_userbyid(a.grantor) FROM (
                    SELECT r.relacl AS acl FROM pg_class r LEFT JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = r.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype = 'i'
                        WHERE r.oid = c.oid OR r.relkind = 'S' AND d.refobjid = c.oid
                    UNION ALL SELECT t.attacl FROM pg_attribute t WHERE t.attrelid = c.oid AND NOT t.attisdropped) AS given, LATERAL aclexplode(acl) AS a WHERE a.grantor <> c.relowner LIMIT 1),
                (SELECT 'the statistics object ' || s.stxname || ' belongs to ' || pg_get_userbyid(s.stxowner) FROM pg_statistic_ext s WHERE s.stxrelid = c.oid AND NOT pg_has_role(s.stxowner, 'USAGE') LIMIT 1),
                (SELECT pg_describe_object(d.classid, d.objid, d.objsubid) || ' depends on an extension' FROM pg_depend d WHERE d.deptype = 'x'
                    AND (d.classid = 'pg_class'::regclass AND d.objid IN (SELECT x.indexrelid FROM pg_index x WHERE x.indrelid = c.oid)
                        OR d.classid = 'pg_trigger'::regclass AND d.objid IN (SELECT g.oid FROM pg_trigger g WHERE g.tgrelid = c.oid)) LIMIT 1),
                (SELECT 'the constraint ' || k.conname || ' is about whole rows' FROM pg_constraint k
                    WHERE k.conrelid = c.oid AND k.contype = 'c' AND strpos(pg_get_constraintdef(k.oid), quote_ident(c.relname) || '.*') > 0 LIMIT 1),
                (SELECT 'the index ' || i.relname || ' is about whole rows' FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
                    WHERE x.indrelid = c.oid AND strpos(concat(pg_get_expr(x.indexprs, c.oid), pg_get_expr(x.indpred, c.oid)), quote_ident(c.relname) || '.*') > 0 LIMIT 1),
                (SELECT 'it loses the column ' || t.attname || ', which is used elsewhere' FROM pg_attribute t
                    WHERE t.attrelid = c.oid AND t.attname::text = ANY ($2::text[]) AND (t.attacl IS NOT NULL OR EXISTS (
                        SELECT FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid = t.attnum AND d.classid <> 'pg_attrdef'::regclass
                            AND NOT EXISTS (SELECT FROM pg_constraint k WHERE d.classid = 'pg_constraint'::regclass AND k.oid = d.objid AND k.contype = 'n' AND obj_description(k.oid, 'pg_constraint') IS NULL))) LIMIT 1))
            END
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = $1::oid
        """;

    private const string Fingerprint =
        """
        SELECT md5(concat_ws('|', c.relpersistence, c.reloptions, c.reltablespace, (SELECT t.reloptions FROM pg_class t WHERE t.oid = c.reltoastrelid),
                (SELECT string_agg(concat_ws(':', a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attidentity, a.attgenerated, a.attstorage, a.attcollation, a.attndims,
                     pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum)), ',' ORDER BY a.attnum)
                 FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
                 WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped),
                (SELECT string_agg(k.conname || pg_get_constraintdef(k.oid), ',' ORDER BY k.conname) FROM pg_constraint k WHERE k.conrelid = c.oid AND k.contype = 'c'))),
            c.relpersistence = 'u', (SELECT quote_ident(s.spcname) FROM pg_tablespace s, pg_database b WHERE b.datname = current_database() AND s.oid = coalesce(nullif(c.reltablespace, 0), b.dattablespace))
        FROM pg_class c WHERE c.oid = $1::oid
        """;

    private const string Before =
        """
        SELECT head, tail FROM pg_class c, LATERAL (
            SELECT 1 AS part, 'ALTER TABLE ' AS head, format(' OWNER TO %I', pg_get_userbyid(c.relowner)) AS tail WHERE pg_get_userbyid(c.relowner) <> current_user
            UNION ALL SELECT 2, 'ALTER TABLE ', format(' SET (%s)', array_to_string(c.reloptions, ', ')) WHERE c.reloptions IS NOT NULL
            UNION ALL SELECT 2, 'ALTER TABLE ', format(' SET (%s)', (SELECT string_agg('toast.' || o, ', ') FROM unnest(s.reloptions) AS o)) FROM pg_class s WHERE s.oid = c.reltoastrelid AND s.reloptions IS NOT NULL
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
            UNION ALL SELECT 13, s.stxname, format('COMMENT ON STATISTICS %I.%I IS %L', m.nspname, s.stxname, obj_description(s.oid, 'pg_statistic_ext'))
                FROM pg_statistic_ext s JOIN pg_namespace m ON m.oid = s.stxnamespace WHERE s.stxrelid = c.oid AND obj_description(s.oid, 'pg_statistic_ext') IS NOT NULL
            UNION ALL SELECT 14, '', format('COMMENT ON TYPE %s IS %L', t, obj_description(c.reltype, 'pg_type')) WHERE obj_description(c.reltype, 'pg_type') IS NOT NULL
            UNION ALL SELECT 15, r.relname, concat(format('REVOKE ALL ON %s %I.%I FROM %I', k.word, n.nspname, r.relname, pg_get_userbyid(r.relowner)),
                    (SELECT string_agg(format('; GRANT %s ON %s %I.%I TO %I', a.privilege_type, k.word, n.nspname, r.relname, pg_get_userbyid(r.relowner)), '') FROM aclexplode(r.relacl) a WHERE a.grantee = r.relowner))
                FROM pg_class r, LATERAL (SELECT CASE r.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS word) AS k
                WHERE (r.oid = c.oid OR r.relkind = 'S' AND r.oid IN (SELECT d.objid FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.deptype = 'i'))
                    AND (SELECT count(*) FROM aclexplode(r.relacl) a WHERE a.grantee = r.relowner)
                        < (SELECT count(*) FROM aclexplode(acldefault(CASE r.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", r.relowner))) AND r.relacl IS NOT NULL
            ) AS x
        WHERE c.oid = $1::oid ORDER BY part, thing
        """;

    private const string Identities =
        """
        SELECT a.attname, q.relname, o.seqincrement < 0, x.head, x.tail FROM pg_depend d JOIN pg_class q ON d.classid = 'pg_class'::regclass AND q.oid = d.objid AND q.relkind = 'S'
        JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
        JOIN pg_class c ON c.oid = d.refobjid JOIN pg_sequence o ON o.seqrelid = q.oid LEFT JOIN LATERAL (
            SELECT 1 AS part, format('GRANT %s ON SEQUENCE ', r.privilege_type) AS head, format(' TO %s%s',
                CASE WHEN r.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(r.grantee)) END, CASE WHEN r.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS tail
                FROM aclexplode(q.relacl) r WHERE r.grantee <> q.relowner
            UNION ALL SELECT 2, 'COMMENT ON SEQUENCE ', format(' IS %L', obj_description(q.oid, 'pg_class')) WHERE obj_description(q.oid, 'pg_class') IS NOT NULL
            UNION ALL SELECT 3, 'ALTER SEQUENCE ', format(' AS %s', format_type(o.seqtypid, NULL))
            UNION ALL SELECT 4, 'ALTER SEQUENCE ', CASE q.relpersistence WHEN 'u' THEN ' SET UNLOGGED' ELSE ' SET LOGGED' END
                WHERE q.relpersistence <> c.relpersistence AND current_setting('server_version_num')::int >= 150000
            ) AS x ON true
        WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = $1::oid AND d.deptype = 'i' ORDER BY a.attnum, x.part
        """;

    /// <summary>LIKE forgets how many dimensions an array is declared with; a column that another one is computed from can't be altered, and stays so.</summary>
    private const string Settings =
        """
        SELECT a.attname, x.setting, x.is_of_type FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid, LATERAL (
            SELECT concat('TYPE ', format_type(a.atttypid, a.atttypmod), repeat('[]', a.attndims - 1),
                (SELECT format(' COLLATE %I.%I', n.nspname, l.collname) FROM pg_collation l JOIN pg_namespace n ON n.oid = l.collnamespace WHERE l.oid = a.attcollation)) AS setting, true AS is_of_type
                WHERE a.attndims > 0 AND y.typelem <> 0 AND a.attgenerated = '' AND NOT EXISTS (
                    SELECT FROM pg_depend d LEFT JOIN pg_attrdef f ON d.classid = 'pg_attrdef'::regclass AND f.oid = d.objid
                    JOIN pg_attribute g ON g.attrelid = a.attrelid AND g.attgenerated <> '' AND g.attnum = coalesce(f.adnum, d.objsubid)
                    WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum AND (f.adrelid = a.attrelid OR d.classid = d.refclassid AND d.objid = a.attrelid))
            UNION ALL
            SELECT format('SET STATISTICS %s', a.attstattarget), false WHERE a.attstattarget >= 0
            UNION ALL SELECT format('SET (%s)', array_to_string(a.attoptions, ', ')), false WHERE a.attoptions IS NOT NULL
            UNION ALL SELECT format('SET STORAGE %s', CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END), true WHERE a.attstorage <> y.typstorage
            ) AS x
        WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum, x.setting
        """;

    /// <summary>From PostgreSQL 14 on.</summary>
    private const string Compressions =
        """
        SELECT a.attname, format('SET COMPRESSION %s', CASE a.attcompression WHEN 'l' THEN 'lz4' ELSE 'pglz' END), true
        FROM pg_attribute a WHERE a.attrelid = $1::oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attcompression <> '' ORDER BY a.attnum
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
    public async Task<string?> WhyNotAsync(PgTargetShape shape, CancellationToken cancel)
    {
        var dropped = string.Join(',', shape.Dropped.Select(static name => $"\"{name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\""));
        return (await control.QueryAsync(WhyNot, [Oid, $"{{{dropped}}}"], cancel))[0][0];
    }

    /// <summary>Everything.</summary>
    public async Task<PgDefinition> ReadAsync(CancellationToken cancel)
    {
        var first = (await RowsAsync(Fingerprint, cancel))[0];
        var settings = (await RowsAsync(Settings, cancel)).Concat(control.ServerVersion >= 140000 ? await RowsAsync(Compressions, cancel) : []);
        ImmutableArray<PgColumnSetting> set = [.. settings.Select(static row => new PgColumnSetting(row[0]!, row[1]!, row[2] == "t"))];
        return new PgDefinition
        {
            // With what is set for columns: staged rows lie in a table that has it.
            Fingerprint = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('|', set.Select(static one => one.ToString()).Prepend(first[0]!))))),
            IsUnlogged = first[1] == "t",
            Tablespace = first[2]!,
            Settings = set,
            Before = [.. (await RowsAsync(Before, cancel)).Select(static row => (row[0]!, row[1]!))],
            Parts = [.. await IndexesAsync(cancel), .. await ForeignKeysAsync(cancel), .. await StatisticsAsync(cancel)],
            Between = await TextsAsync(Between, cancel),
            After = await TextsAsync(After, cancel),
            Identities = [.. (await RowsAsync(Identities, cancel)).GroupBy(static row => row[0]!).Select(IdentityOf)],
            ViewLocks = await TextsAsync(ViewLocks, cancel),
        };
    }

    private static PgIdentity IdentityOf(IGrouping<string, string?[]> rows)
    {
        var first = rows.First();
        return new PgIdentity(rows.Key, first[1]!, first[2] == "t", [.. rows.Where(static row => row[3] is not null).Select(static row => (row[3]!, row[4]!))]);
    }

    private Task<IReadOnlyList<string?[]>> RowsAsync(string query, CancellationToken cancel) => control.QueryAsync(query, [Oid], cancel);

    private async Task<ImmutableArray<string>> TextsAsync(string query, CancellationToken cancel) => [.. (await RowsAsync(query, cancel)).Select(static row => row[0]!)];

    /// <summary>Indexes; those of a primary key, a unique or an exclusion constraint through the constraint.</summary>
    private async Task<IEnumerable<PgTablePart>> IndexesAsync(CancellationToken cancel)
    {
        var rows = await RowsAsync(
            """
            SELECT i.relname, pg_get_indexdef(i.oid), x.indisunique, k.conname, pg_get_constraintdef(k.oid),
                   (SELECT s.spcname FROM pg_tablespace s WHERE s.oid = i.reltablespace),
                   concat_ws(', ', CASE WHEN k.oid IS NOT NULL THEN 'SET (' || array_to_string(i.reloptions, ', ') || ')' END, (
                       SELECT string_agg(format('ALTER COLUMN %s SET STATISTICS %s', a.attnum, a.attstattarget), ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = i.oid AND a.attstattarget >= 0)),
                   length(format('CREATE %sINDEX %I ON %I.%I ', CASE WHEN x.indisunique THEN 'UNIQUE ' ELSE '' END, i.relname, n.nspname, t.relname))
            FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class t ON t.oid = x.indrelid JOIN pg_namespace n ON n.oid = t.relnamespace
            LEFT JOIN pg_constraint k ON k.conindid = x.indexrelid AND k.conrelid = x.indrelid AND k.contype IN ('p', 'u', 'x')
            WHERE x.indrelid = $1::oid AND x.indisvalid ORDER BY x.indisprimary DESC, i.relname
            """,
            cancel);
        return rows.Select(static row => (row[3] is { } constraint
            ? new PgTablePart(PgPartKind.Constraint, constraint, row[4]!)
            : new PgTablePart(PgPartKind.Index, row[0]!, Tail(row[1]!, (int)PgCatalog.Number(row[7]))) { IsUnique = row[2] == "t" }) with
        {
            Tablespace = row[5] ?? "", Setting = row[6]!,
        });
    }

    private async Task<IEnumerable<PgTablePart>> ForeignKeysAsync(CancellationToken cancel)
    {
        var rows = await RowsAsync(
            "SELECT conname, pg_get_constraintdef(oid), convalidated FROM pg_constraint WHERE conrelid = $1::oid AND contype = 'f' ORDER BY conname", cancel);
        return rows.Select(static row => new PgTablePart(PgPartKind.Constraint, row[0]!, row[1]!) { IsChecked = row[2] == "t" });
    }

    /// <summary>LIKE would give them other names and another owner.</summary>
    private async Task<IEnumerable<PgTablePart>> StatisticsAsync(CancellationToken cancel)
    {
        // PostgreSQL 12 has no such number; where none is set it is NULL or -1.
        var target = control.ServerVersion >= 130000 ? "CASE WHEN s.stxstattarget >= 0 THEN format('SET STATISTICS %s', s.stxstattarget) END" : "NULL";
        var rows = await RowsAsync(
            $"""
            SELECT s.stxname, m.nspname, substr(d, head + 1, length(d) - head - length(format(' FROM %I.%I', n.nspname, c.relname))), {target},
                   CASE WHEN pg_get_userbyid(s.stxowner) <> current_user THEN format('OWNER TO %I', pg_get_userbyid(s.stxowner)) END
            FROM pg_statistic_ext s JOIN pg_namespace m ON m.oid = s.stxnamespace JOIN pg_class c ON c.oid = s.stxrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
                 LATERAL (SELECT pg_get_statisticsobjdef(s.oid) AS d, length(format('CREATE STATISTICS %I.%I', m.nspname, s.stxname)) AS head) AS x
            WHERE s.stxrelid = $1::oid ORDER BY m.nspname, s.stxname
            """,
            cancel);
        return rows.Select(static row => new PgTablePart(PgPartKind.Statistics, row[0]!, row[2]!) { Schema = row[1]!, Setting = row[3] ?? "", Owner = row[4] ?? "" });
    }

    /// <summary>What follows so many characters as PostgreSQL counts them: one beyond the basic plane is one there and two here.</summary>
    private static string Tail(string text, int characters)
    {
        var at = 0;
        for (; characters > 0; characters--) at += char.IsHighSurrogate(text[at]) ? 2 : 1;
        return text[at..];
    }
}
