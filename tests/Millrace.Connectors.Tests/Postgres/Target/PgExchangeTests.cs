using Millrace.Connectors.Tests.Postgres.Servers;

namespace Millrace.Connectors.Tests.Postgres.Target;

/// <summary>A table whose rows are replaced: by exchange, after which all that it was is there again, or by DELETE and INSERT where it can't be exchanged.</summary>
public sealed class PgExchangeTests(PgServers servers)
{
    /// <summary>What the catalogue tells of a table, with object ids left out; equal before and after.</summary>
    private const string Definition =
        """
        SELECT 'column', a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull::text, a.attidentity::text, a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum), a.attacl::text
            FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = 'sales.t'::regclass AND a.attnum > 0 AND NOT a.attisdropped
        UNION ALL SELECT 'table', c.relowner::regrole::text, c.relacl::text, c.reloptions::text, c.relrowsecurity::text, c.relforcerowsecurity::text, c.relreplident::text, obj_description(c.oid, 'pg_class'), c.relpersistence::text
            FROM pg_class c WHERE c.oid = 'sales.t'::regclass
        UNION ALL SELECT 'index', i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid), i.indisreplident::text, obj_description(i.indexrelid, 'pg_class'), '', '', '', '' FROM pg_index i WHERE i.indrelid = 'sales.t'::regclass
        UNION ALL SELECT 'constraint', k.conname::text, pg_get_constraintdef(k.oid), k.convalidated::text, obj_description(k.oid, 'pg_constraint'), '', '', '', '' FROM pg_constraint k WHERE k.conrelid = 'sales.t'::regclass AND k.contype <> 'n'
        UNION ALL SELECT 'trigger', g.tgname::text, pg_get_triggerdef(g.oid), g.tgenabled::text, '', '', '', '', '' FROM pg_trigger g WHERE g.tgrelid = 'sales.t'::regclass AND NOT g.tgisinternal
        UNION ALL SELECT 'policy', p.polname::text, pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid), p.polroles::text, p.polcmd::text, p.polpermissive::text, '', '' FROM pg_policy p WHERE p.polrelid = 'sales.t'::regclass
        UNION ALL SELECT 'view', v.viewname::text, v.definition, v.viewowner::text, (SELECT c.reloptions::text || coalesce(c.relacl::text, '') FROM pg_class c WHERE c.oid = ('sales.' || v.viewname)::regclass), '', '', '', '' FROM pg_views v WHERE v.schemaname = 'sales'
        UNION ALL SELECT 'sequence', q.sequencename::text, q.increment_by::text, pg_get_serial_sequence('sales.t', 'serial'), '', '', '', '', '' FROM pg_sequences q WHERE q.schemaname = 'sales'
        """;

    private const string Table =
        """
        CREATE SCHEMA sales; CREATE TABLE sales.parent (p int PRIMARY KEY); INSERT INTO sales.parent VALUES (1), (2);
        CREATE FUNCTION sales.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.note = ''touched''; RETURN NEW; END';
        CREATE TABLE sales.t (
            id bigint NOT NULL, name varchar(40) DEFAULT 'none' CONSTRAINT named CHECK (name <> ''), part numeric(12,3), p int DEFAULT 1 REFERENCES sales.parent,
            serial serial, counted bigint GENERATED ALWAYS AS IDENTITY, doubled numeric GENERATED ALWAYS AS (part * 2) STORED, note text COLLATE "C",
            CONSTRAINT the_key PRIMARY KEY (id), CONSTRAINT never_twice UNIQUE (name, id) DEFERRABLE) WITH (fillfactor = 70);
        CREATE INDEX "Odd {0} index" ON sales.t (lower(name)) WHERE part > 0; CREATE UNIQUE INDEX by_note ON sales.t (note, id) INCLUDE (part);
        COMMENT ON TABLE sales.t IS 'it''s {0}'; COMMENT ON COLUMN sales.t.part IS 'a part'; COMMENT ON INDEX sales.by_note IS 'an index'; COMMENT ON CONSTRAINT the_key ON sales.t IS 'a key';
        CREATE TRIGGER touched BEFORE INSERT ON sales.t FOR EACH ROW EXECUTE FUNCTION sales.touch();
        CREATE TRIGGER never BEFORE UPDATE ON sales.t FOR EACH ROW WHEN (NEW.id > 5) EXECUTE FUNCTION sales.touch(); ALTER TABLE sales.t DISABLE TRIGGER never;
        CREATE POLICY mine ON sales.t AS RESTRICTIVE FOR SELECT TO trust_user USING (id > 0); ALTER TABLE sales.t ENABLE ROW LEVEL SECURITY;
        GRANT SELECT, INSERT ON sales.t TO trust_user WITH GRANT OPTION; GRANT UPDATE (name) ON sales.t TO PUBLIC;
        ALTER TABLE sales.t REPLICA IDENTITY USING INDEX the_key; ALTER TABLE sales.t OWNER TO md5_user;
        CREATE VIEW sales.v WITH (security_barrier = true) AS SELECT id, name, part FROM sales.t WHERE id < 100; CREATE VIEW sales.w AS SELECT count(*) AS n FROM sales.v JOIN sales.t USING (id);
        GRANT SELECT ON sales.v TO trust_user;
        INSERT INTO sales.t (id, name) VALUES (900, 'old'), (901, 'older');
        """;

    public static TheoryData<int> Versions => PgServers.Versions;

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task All_that_the_table_was_is_there_again(int version)
    {
        await using var bench = await PgTargetBench.CreateAsync(servers, version);
        await bench.SourceAsync("CREATE TABLE t (id bigint NOT NULL, name text, part numeric(12,3)); INSERT INTO t SELECT i, 'n' || i, i FROM generate_series(1, 3000) AS i");
        await bench.TargetAsync(Table);
        var before = (await bench.TargetRowsAsync(Definition)).Order(StringComparer.Ordinal).ToList();
        Assert.True(before.Count > 20, string.Join('\n', before));
        var oid = await bench.TargetTextAsync("SELECT 'sales.t'::regclass::oid::text");

        for (var round = 0; round < 2; round++) await bench.MoveAsync("streams.public.t.to=sales.t", "streams.public.t.partition.rows=500");

        Assert.Equal(before, (await bench.TargetRowsAsync(Definition)).Select(static row => row).Order(StringComparer.Ordinal).ToList());
        Assert.Contains("sales.t is exchanged for the new table", bench.Remarks);
        Assert.NotEqual(oid, await bench.TargetTextAsync("SELECT 'sales.t'::regclass::oid::text"));
        Assert.Equal("3000 4501500 9003000.000 3000", await bench.TargetTextAsync("SELECT count(*) || ' ' || sum(id) || ' ' || sum(doubled) || ' ' || count(p) FROM sales.t"));
        Assert.Equal("99 99", await bench.TargetTextAsync("SELECT (SELECT count(*) FROM sales.v) || ' ' || (SELECT n FROM sales.w)"));
        // No trigger has seen the load; it sees what comes now.
        Assert.Equal("0 touched", await bench.TargetTextAsync("WITH i AS (INSERT INTO sales.t (id, part) VALUES (5000, 1) RETURNING note) SELECT (SELECT count(note) FROM sales.t) || ' ' || note FROM i"));
        Assert.Equal("3001", await bench.TargetTextAsync("SELECT counted::text FROM sales.t WHERE id = 5000"));
        await bench.AssertNothingLeftAsync();
    }

    [Theory]
    [InlineData("CREATE TABLE child (c int REFERENCES t (id)); INSERT INTO child VALUES (7)")]
    [InlineData("CREATE MATERIALIZED VIEW m AS SELECT * FROM t")]
    [InlineData("CREATE FUNCTION f() RETURNS SETOF t LANGUAGE sql AS 'SELECT * FROM t'")]
    [InlineData("CREATE TABLE heir () INHERITS (t)")]
    [InlineData("CREATE RULE quiet AS ON DELETE TO t WHERE OLD.id < 0 DO INSTEAD NOTHING")]
    public async Task What_forbids_an_exchange_has_its_rows_replaced_in_the_same_table(string forbids)
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TABLE t (id bigint, name text); INSERT INTO t SELECT i, 'n' || i FROM generate_series(1, 3000) AS i");
        await bench.TargetAsync($"CREATE TABLE t (id bigint PRIMARY KEY, name text, doubled bigint GENERATED ALWAYS AS (id * 2) STORED); INSERT INTO t VALUES (7, 'old'), (100000, 'older'); {forbids}");
        var oid = await bench.TargetTextAsync("SELECT 't'::regclass::oid::text");

        await bench.MoveAsync();

        Assert.Contains(bench.Remarks, static remark => remark.StartsWith("the rows of public.t are replaced by DELETE and INSERT, because ", StringComparison.Ordinal));
        Assert.Equal(oid, await bench.TargetTextAsync("SELECT 't'::regclass::oid::text"));
        Assert.Equal("3000 4501500 n3000 9003000", await bench.TargetTextAsync("SELECT count(*) || ' ' || sum(id) || ' ' || (SELECT name FROM t WHERE id = 3000) || ' ' || sum(doubled) FROM ONLY t"));
        await bench.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task A_partitioned_table_and_one_that_is_published_keep_their_identity()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TABLE t (id bigint, name text); INSERT INTO t SELECT i, 'n' || i FROM generate_series(1, 3000) AS i");
        await bench.TargetAsync(
            "CREATE TABLE t (id bigint, name text) PARTITION BY RANGE (id); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (1000); CREATE TABLE t2 PARTITION OF t DEFAULT; INSERT INTO t VALUES (5000, 'old'); "
            + "CREATE TABLE published (id bigint PRIMARY KEY, name text); CREATE PUBLICATION p FOR TABLE published");

        await bench.MoveAsync();
        await bench.MoveAsync("streams.public.t.to=published");

        Assert.Equal("3000 999 3000", await bench.TargetTextAsync("SELECT (SELECT count(*) FROM t) || ' ' || (SELECT count(*) FROM t1) || ' ' || (SELECT count(*) FROM published)"));
        Assert.Equal("1", await bench.TargetTextAsync("SELECT count(*)::text FROM pg_publication_tables WHERE tablename = 'published'"));
    }

    [Fact]
    public async Task Rows_that_break_a_constraint_leave_the_old_table()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TABLE t (id bigint, name text); INSERT INTO t VALUES (1, 'a'), (1, 'b')");
        await bench.TargetAsync("CREATE TABLE t (id bigint PRIMARY KEY, name text); INSERT INTO t VALUES (9, 'old')");

        var fault = Assert.Single((await bench.TryMoveAsync()).Faults);

        Assert.Contains("could not create unique index", fault.Message, StringComparison.Ordinal);
        Assert.Equal(["(9,old)"], await bench.TargetRowsAsync("SELECT * FROM t"));
    }
}
