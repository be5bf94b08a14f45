using System.Collections.Immutable;
using System.Globalization;
using Millrace.Connectors.Postgres.Target;

namespace Millrace.Connectors.Postgres.Catalog;

/// <summary>
/// What the planner asks PostgreSQL's system catalogue. Nothing here reads a user's table, and only <see cref="SizesAsync"/> waits for
/// locks, so that looking is possible while somebody rewrites a table.
/// </summary>
internal sealed class PgCatalog
{
    /// <summary>Never meant by a wildcard.</summary>
    private const string UserSchemas = "n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%'";

    private const string Relations =
        """
        SELECT c.oid, n.nspname, c.relname, c.relkind, c.relispartition,
               has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT'),
               row_security_active(c.oid), coalesce(a.amname = 'heap', false), c.reltuples, c.relpages,
               (c.relpages + coalesce(t.relpages, 0))::int8 * current_setting('block_size')::int8,
               (SELECT sum(CASE WHEN y.typlen > 0 THEN y.typlen ELSE 32 END) + 28 FROM pg_attribute x JOIN pg_type y ON y.oid = x.atttypid
                WHERE x.attrelid = c.oid AND x.attnum > 0 AND NOT x.attisdropped)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_am a ON a.oid = c.relam LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
        """;

    private readonly PgControl _control;
    private PgSearchPath? _searchPath;

    internal PgCatalog(PgControl control) => _control = control;

    /// <summary>The schemas that the user's own names are looked up in: the search path as the role and database set it.</summary>
    internal async Task<PgSearchPath> SearchPathAsync(CancellationToken cancel)
    {
        if (_searchPath is not null) return _searchPath;
        // The session's own search_path is fixed to pg_catalog; what it was when the session began is the user's.
        const string Reset = "SELECT set_config('search_path', (SELECT reset_val FROM pg_settings WHERE name = 'search_path'), false)";
        await _control.QueryAsync(Reset, [], cancel);
        var rows = await _control.QueryAsync("SELECT s FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) WITH ORDINALITY AS u(s, i) ORDER BY i", [], cancel);
        await _control.ExecuteAsync("SET search_path = pg_catalog", cancel);
        return _searchPath = new PgSearchPath([.. rows.Select(static row => row[0]!)]);
    }

    /// <summary>The relation of this name, as PostgreSQL would find it; null when there is none.</summary>
    internal async Task<PgRelation?> FindAsync(PgName name, CancellationToken cancel)
    {
        IReadOnlyList<string> schemas = name.Schema is { } schema ? [schema] : (await SearchPathAsync(cancel)).Schemas;
        foreach (var candidate in schemas)
        {
            var rows = await _control.QueryAsync($"{Relations} AND n.nspname = $1 AND c.relname = $2", [candidate, name.Table], cancel);
            if (rows.Count > 0) return ReadRelation(rows[0]);
        }

        return null;
    }

    /// <summary>The relation of this quoted name with its schema, with its size now; null when there is none.</summary>
    internal async Task<PgRelation?> FindAsync(string sql, CancellationToken cancel)
    {
        var rows = await _control.QueryAsync($"{Relations} AND c.oid = to_regclass($1)", [sql], cancel);
        return rows.Count == 0 ? null : (await SizesAsync([ReadRelation(rows[0])], cancel))[0];
    }

    /// <summary>All relations that a pattern means, by name; partitions are parts of their parent and not meant.</summary>
    internal async Task<IReadOnlyList<PgRelation>> MatchAsync(PgName pattern, CancellationToken cancel)
    {
        var path = (await SearchPathAsync(cancel)).Schemas;
        var rows = await _control.QueryAsync($"{Relations} AND NOT c.relispartition AND NOT starts_with(c.relname, '{PgStagingPlace.Prefix}') AND {UserSchemas} ORDER BY n.nspname, c.relname", [], cancel);
        return [.. rows.Select(ReadRelation).Where(relation => pattern.Matches(relation.Schema, relation.Name, path))];
    }

    /// <summary>The oids that inherit from this one, itself first; partitions and inheritance alike, each once.</summary>
    internal async Task<IReadOnlyList<PgRelation>> FamilyAsync(uint oid, CancellationToken cancel)
    {
        var rows = await _control.QueryAsync(
            $"""
            {Relations} AND c.oid IN (
                WITH RECURSIVE family(oid) AS (
                    SELECT $1::oid UNION SELECT i.inhrelid FROM pg_inherits i JOIN family f ON i.inhparent = f.oid)
                SELECT oid FROM family)
            ORDER BY c.oid <> $1::oid, n.nspname, c.relname, c.oid
            """,
            [Text(oid)],
            cancel);
        return [.. rows.Select(ReadRelation)];
    }

    /// <summary>About how many bytes each table has together with all that inherits from it, at the last ANALYZE. Takes no locks.</summary>
    internal async Task<IReadOnlyDictionary<(string Schema, string Table), long>> EstimatedBytesAsync(CancellationToken cancel)
    {
        var rows = await _control.QueryAsync(
            $"""
            WITH RECURSIVE family(root, oid) AS (
                SELECT c.oid, c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'm') AND {UserSchemas}
                UNION SELECT f.root, i.inhrelid FROM pg_inherits i JOIN family f ON i.inhparent = f.oid)
            SELECT n.nspname, r.relname, sum((c.relpages + coalesce(t.relpages, 0))::int8 * current_setting('block_size')::int8)
            FROM family f JOIN pg_class r ON r.oid = f.root JOIN pg_namespace n ON n.oid = r.relnamespace
            JOIN pg_class c ON c.oid = f.oid LEFT JOIN pg_class t ON t.oid = c.reltoastrelid
            GROUP BY n.nspname, r.relname
            """,
            [],
            cancel);
        return rows.ToDictionary(static row => (row[0]!, row[1]!), static row => Number(row[2]));
    }

    /// <summary>Parents, by inheritance, of relations that are no partitions: child to parent.</summary>
    internal async Task<ILookup<uint, uint>> ParentsAsync(CancellationToken cancel)
    {
        var rows = await _control.QueryAsync("SELECT inhrelid, inhparent FROM pg_inherits", [], cancel);
        return rows.ToLookup(static row => Oid(row[0]), static row => Oid(row[1]));
    }

    /// <summary>The relations with their sizes now. Waits for locks, so that it comes after the relations are locked.</summary>
    internal async Task<ImmutableArray<PgRelation>> SizesAsync(IReadOnlyList<PgRelation> relations, CancellationToken cancel)
    {
        var oids = $"{{{string.Join(',', relations.Where(static r => r.HasStorage).Select(static r => Text(r.Oid)))}}}";
        var rows = await _control.QueryAsync(
            "SELECT o, pg_relation_size(o) / current_setting('block_size')::int8, pg_table_size(o) FROM unnest($1::oid[]) AS u(o)", [oids], cancel);
        var sizes = rows.ToDictionary(static row => Oid(row[0]), static row => (Pages: Number(row[1]), Bytes: Number(row[2])));
        return [.. relations.Select(r => sizes.TryGetValue(r.Oid, out var size) ? r with { Pages = size.Pages, Bytes = size.Bytes } : r)];
    }

    /// <summary>The b-tree indexes over plain columns that cover every row: primary key first, then unique ones, then the narrowest.</summary>
    internal async Task<IReadOnlyList<PgIndex>> IndexesAsync(uint oid, CancellationToken cancel)
    {
        var rows = await _control.QueryAsync(
            """
            SELECT i.indexrelid, i.indisunique, i.indisprimary, a.attname, i.indimmediate
            FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am m ON m.oid = c.relam AND m.amname = 'btree'
            CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, place)
            JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
            WHERE i.indrelid = $1::oid AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
            ORDER BY i.indisprimary DESC, i.indisunique DESC, i.indnkeyatts, i.indexrelid, k.place
            """,
            [Text(oid)],
            cancel);
        return
        [
            .. rows.GroupBy(static row => row[0]).Select(static index => new PgIndex(
                [.. index.Select(static row => row[3]!)], index.First()[1] == "t", index.First()[2] == "t", index.First()[4] == "t")),
        ];
    }

    /// <summary>
    /// pg_stats for a column: the bounds between equally full ranges of its values, most common values left out, as texts; empty when
    /// there are none. With children the statistics of the whole tree count.
    /// </summary>
    internal async Task<IReadOnlyList<string>> HistogramAsync(PgRelation relation, string column, bool withChildren, CancellationToken cancel)
    {
        // anyarray has no cast to text[], but its text form is that of an array of texts.
        var rows = await _control.QueryAsync(
            """
            SELECT b FROM pg_stats s CROSS JOIN LATERAL unnest(s.histogram_bounds::text::text[]) WITH ORDINALITY AS u(b, i)
            WHERE s.schemaname = $1 AND s.tablename = $2 AND s.attname = $3 AND s.inherited = $4::bool ORDER BY i
            """,
            [relation.Schema, relation.Name, column, withChildren ? "t" : "f"],
            cancel);
        return [.. rows.Select(static row => row[0]!)];
    }

    internal static uint Oid(string? text) => uint.Parse(text!, CultureInfo.InvariantCulture);

    internal static long Number(string? text) => long.Parse(text!, CultureInfo.InvariantCulture);

    internal static string Text(uint oid) => oid.ToString(CultureInfo.InvariantCulture);

    internal static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static PgRelation ReadRelation(string?[] row)
    {
        var pages = Number(row[9]);
        var tuples = double.Parse(row[8]!, CultureInfo.InvariantCulture);
        return new PgRelation
        {
            Oid = Oid(row[0]),
            Schema = row[1]!,
            Name = row[2]!,
            Kind = (PgRelationKind)row[3]![0],
            IsPartition = row[4] == "t",
            MayRead = row[5] == "t",
            IsFiltered = row[6] == "t",
            IsHeap = row[7] == "t",
            // Before PostgreSQL 14, no rows on no pages is what a table has that was never analysed.
            AnalyzedRows = tuples <= 0 && pages == 0 ? -1 : tuples,
            AnalyzedPages = pages,
            Pages = pages,
            Bytes = Number(row[10]),
            AssumedRowBytes = row[11] is { } width ? (int)Number(width) : 28,
        };
    }
}

/// <summary>The schemas in which unqualified names of the user's SQL are looked up.</summary>
/// <param name="Schemas">Those that exist and that the user may use, in order.</param>
internal sealed record PgSearchPath(ImmutableArray<string> Schemas)
{
    /// <summary>For SET search_path; <c>""</c> is the empty path.</summary>
    public string Sql => Schemas.IsEmpty ? "\"\"" : string.Join(", ", Schemas.Select(PgName.Quote));
}
