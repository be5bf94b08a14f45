using System.Collections.Immutable;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Connectors.Tests.Postgres.Source;

/// <summary>Every kind of relation, odd names, rights, locks and moments.</summary>
public sealed class PgRelationTests
{
    private readonly PgServers _servers;

    public PgRelationTests(PgServers servers) => _servers = servers;

    [Theory]
    [InlineData(12)]
    [InlineData(18)]
    public async Task Every_kind_of_relation_is_read_once_and_whole(int version)
    {
        var server = await _servers.GetAsync(version);
        await server.ExecuteAsync(
            $"""
            DROP SCHEMA IF EXISTS kinds CASCADE; CREATE SCHEMA kinds; SET search_path = kinds;
            CREATE TABLE plain (id int PRIMARY KEY, v text); INSERT INTO plain SELECT i, 'v' || i FROM generate_series(1, 500) AS i;
            CREATE TABLE parent (id int, v text); CREATE TABLE child (extra int) INHERITS (parent); CREATE TABLE grandchild () INHERITS (child);
            INSERT INTO parent VALUES (1, 'p'); INSERT INTO child VALUES (2, 'c', 0); INSERT INTO grandchild VALUES (3, 'g', 0);
            CREATE TABLE parted (id int, v text) PARTITION BY RANGE (id);
            CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (100);
            CREATE TABLE parted_high PARTITION OF parted FOR VALUES FROM (100) TO (1000) PARTITION BY LIST (v);
            CREATE TABLE parted_high_a PARTITION OF parted_high FOR VALUES IN ('a'); CREATE TABLE parted_high_rest PARTITION OF parted_high DEFAULT;
            CREATE TABLE other_columns (gone int, v text, id int); ALTER TABLE other_columns DROP COLUMN gone;
            INSERT INTO parted SELECT i, CASE i % 2 WHEN 0 THEN 'a' ELSE 'b' END FROM generate_series(0, 999) AS i;
            ALTER TABLE parted DETACH PARTITION parted_low; INSERT INTO other_columns SELECT v, id FROM parted_low; DROP TABLE parted_low;
            ALTER TABLE parted ATTACH PARTITION other_columns FOR VALUES FROM (0) TO (100);
            CREATE TABLE empty_parted (id int, v text) PARTITION BY HASH (id);
            CREATE VIEW seen AS SELECT id, v FROM plain WHERE id <= 100; CREATE MATERIALIZED VIEW kept AS SELECT id, v FROM plain WHERE id > 100;
            CREATE EXTENSION IF NOT EXISTS postgres_fdw SCHEMA public; DROP SERVER IF EXISTS loopback CASCADE;
            CREATE SERVER loopback FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1', port '{server.Port}', dbname 'postgres');
            CREATE USER MAPPING FOR postgres SERVER loopback OPTIONS (user 'postgres', password '{PgServer.Password.Replace("'", "''")}');
            CREATE FOREIGN TABLE far (id int, v text) SERVER loopback OPTIONS (schema_name 'kinds', table_name 'plain');
            ANALYZE
            """);
        foreach (var (name, kind) in ((string, string)[])[("plain", "table"), ("parent", "table"), ("parted", "partitioned table"), ("empty_parted", "partitioned table"), ("seen", "view"), ("kept", "materialised view"), ("far", "foreign table")])
        {
            await using var run = PgRun.Open(server.Url());
            var found = new List<string>();
            await foreach (var discovered in run.Source.DiscoverAsync($"kinds.{name}", CancellationToken.None)) found.Add($"{discovered.Name} {discovered.Kind}");
            Assert.Equal([$"kinds.{name} {kind}"], found);
            foreach (var partition in (PartitionSpec[])[new(), new() { Key = ["id"], Rows = 7 }, new() { By = PartitionBy.Hash, Key = ["id"] }])
            {
                await using var each = PgRun.Open(server.Url());
                var table = await each.MoveAsync(PgRun.Stream($"kinds.{name}") with { Partition = partition });
                var expected = await PgCheck.TextsAsync(server, $"SELECT id::text, v FROM kinds.{name} AS x ORDER BY x.id");
                Assert.Equal(expected, each.Rows($"SELECT id::text, v FROM {table} AS x ORDER BY x.id"));
            }
        }
    }

    [Fact]
    public async Task A_query_is_one_unit_unless_a_key_is_given()
    {
        var server = await _servers.GetAsync();
        var stream = PgRun.Stream("numbers") with { Query = "SELECT i AS id, 'n' || i AS name, i / 4.0 AS q FROM generate_series(1, 1000) AS i; -- done\n ;" };
        stream = stream with { Query = "SELECT i AS id, 'n' || i AS name, (i / 4.0)::numeric(10,2) AS q FROM generate_series(1, 1000) AS i -- done" };
        await using var run = PgRun.Open(server.Url());
        var plan = await run.PlanAsync(stream);
        Assert.Equal((PartitionBy.None, 1L), (plan.Strategy, plan.EstimatedUnits));
        Assert.Equal(["INTEGER", "VARCHAR", "DECIMAL(10,2)"], plan.Columns.Select(static c => c.Type));
        Assert.Equal("1000 500500 125125.00", run.Value($"SELECT count(*) || ' ' || sum(id) || ' ' || sum(q) FROM {await run.ReadAsync(plan)}"));

        await using var second = PgRun.Open(server.Url());
        var cut = await second.PlanAsync(stream with { Partition = new PartitionSpec { Key = ["id"] }, Where = "id > 10" });
        Assert.Equal(PartitionBy.Id, cut.Strategy);
        Assert.InRange((await PgRun.UnitsOf(cut)).Length, 2, 20);
        Assert.Equal("990 500445", second.Value($"SELECT count(*) || ' ' || sum(id) FROM {await second.ReadAsync(cut)}"));
    }

    [Fact]
    public async Task Names_are_found_as_postgresql_finds_them_and_survive_every_character()
    {
        var server = await _servers.GetAsync();
        await server.ExecuteAsync(
            """
            DROP SCHEMA IF EXISTS "Odd ""Name""; --" CASCADE; CREATE SCHEMA "Odd ""Name""; --";
            CREATE TABLE "Odd ""Name""; --"."t.x '$$" ("col ""1""; drop" int, "ü\" text, "select" int); INSERT INTO "Odd ""Name""; --"."t.x '$$" VALUES (1, 'a', 2);
            DROP TABLE IF EXISTS "Cased"; CREATE TABLE "Cased" (id int)
            """);
        await using var run = PgRun.Open(server.Url());
        var stream = PgRun.Stream("\"Odd \"\"Name\"\"; --\".\"t.x '$$\"") with { Partition = new PartitionSpec { By = PartitionBy.Id, Key = ["col \"1\"; drop"], Rows = 1 } };
        var table = await run.MoveAsync(stream);
        Assert.Equal("1 a 2", run.Value($"SELECT \"col \"\"1\"\"; drop\" || ' ' || \"ü\\\" || ' ' || \"select\" FROM {table}"));

        await using var second = PgRun.Open(server.Url());
        var fault = await Assert.ThrowsAsync<Fault>(() => second.PlanAsync(PgRun.Stream("Cased")));
        Assert.Equal(FaultKind.Refused, fault.Kind);
        Assert.Contains("public.\"Cased\"", fault.Advice);
        var expanded = await second.Source.ExpandAsync([PgRun.Stream("\"Odd \"\"Name\"\"; --\".*")], CancellationToken.None);
        Assert.Equal("\"Odd \"\"Name\"\"; --\".\"t.x '$$\"", Assert.Single(expanded).Name);
    }

    [Fact]
    public async Task Wildcards_mean_tables_once_and_a_named_stream_keeps_its_settings()
    {
        var server = await _servers.GetAsync();
        await server.ExecuteAsync(
            """
            DROP SCHEMA IF EXISTS wild CASCADE; CREATE SCHEMA wild; CREATE TABLE wild.a (i int); CREATE TABLE wild.b (i int); CREATE VIEW wild.v AS TABLE wild.a;
            CREATE TABLE wild.p (i int) PARTITION BY RANGE (i); CREATE TABLE wild.p1 PARTITION OF wild.p DEFAULT; CREATE TABLE wild.kid () INHERITS (wild.a)
            """);
        await using var run = PgRun.Open(server.Url());
        var named = PgRun.Stream("wild.b") with { Where = "i > 1" };
        var expanded = await run.Source.ExpandAsync([PgRun.Stream("wild.*"), named], CancellationToken.None);
        Assert.Equal(["wild.a", "wild.p", "wild.b"], expanded.Select(static s => s.Name));
        Assert.Equal("i > 1", expanded[2].Where);
        var fault = await Assert.ThrowsAsync<Fault>(async () => await run.Source.ExpandAsync([PgRun.Stream("wild.nothing*")], CancellationToken.None));
        Assert.Equal("job.yaml:7: streams.wild.nothing*", fault.Where);
    }

    [Fact]
    public async Task The_biggest_is_read_first_and_what_has_no_size_before_it()
    {
        var server = await _servers.GetAsync();
        await server.ExecuteAsync(
            """
            DROP SCHEMA IF EXISTS sized CASCADE; CREATE SCHEMA sized; CREATE TABLE sized.empty (i int); CREATE TABLE sized.small AS SELECT generate_series(1, 100) AS i;
            CREATE TABLE sized.big AS SELECT generate_series(1, 20000) AS i; CREATE VIEW sized.shown AS TABLE sized.big;
            CREATE TABLE sized.parted (i int) PARTITION BY HASH (i);
            CREATE TABLE sized.p0 PARTITION OF sized.parted FOR VALUES WITH (MODULUS 2, REMAINDER 0);
            CREATE TABLE sized.p1 PARTITION OF sized.parted FOR VALUES WITH (MODULUS 2, REMAINDER 1);
            INSERT INTO sized.parted SELECT generate_series(1, 30000);
            ANALYZE sized.empty; ANALYZE sized.small; ANALYZE sized.big; ANALYZE sized.parted; ANALYZE sized.p0; ANALYZE sized.p1
            """);
        await using var run = PgRun.Open(server.Url());
        var expanded = await run.Source.ExpandAsync([PgRun.Stream("sized.small"), PgRun.Stream("sized.*"), PgRun.Stream("sized.shown")], CancellationToken.None);
        Assert.Equal(["sized.shown", "sized.parted", "sized.big", "sized.small", "sized.empty"], expanded.Select(static s => s.Name));
    }

    [Fact]
    public async Task A_table_that_is_written_while_it_is_read_changes_nothing()
    {
        var server = await _servers.GetAsync();
        await server.ExecuteAsync("DROP TABLE IF EXISTS moving; CREATE TABLE moving AS SELECT i AS id, repeat('x', 500) AS pad FROM generate_series(1, 2000) AS i; ANALYZE moving");
        await using var run = PgRun.Open(server.Url());
        var plan = await run.PlanAsync(PgRun.Stream("moving") with { Partition = new PartitionSpec { By = PartitionBy.Pages, Rows = 300 } });
        var header = PgRun.HeaderOf(plan);
        var units = await PgRun.UnitsOf(plan);
        await run.ReadUnitAsync(header, units[0], "CREATE TABLE moved AS");
        await server.ExecuteAsync("UPDATE moving SET pad = 'changed', id = -id; INSERT INTO moving SELECT i, 'new' FROM generate_series(5000, 9000) AS i; DELETE FROM moving WHERE id % 2 = 0");
        await server.ExecuteAsync("VACUUM moving");
        foreach (var unit in units.Skip(1)) await run.ReadUnitAsync(header, unit, "INSERT INTO moved");
        Assert.Equal("2000 1 2000 500", run.Value("SELECT count(DISTINCT id) || ' ' || min(id) || ' ' || max(id) || ' ' || min(length(pad)) FROM moved"));
    }

    [Fact]
    public async Task When_the_moment_is_gone_units_say_so_and_are_not_tried_again()
    {
        var server = await _servers.GetAsync();
        await server.ExecuteAsync("DROP TABLE IF EXISTS momentary; CREATE TABLE momentary AS SELECT 1 AS i");
        await using var run = PgRun.Open(server.Url());
        var plan = await run.PlanAsync(PgRun.Stream("momentary"));
        await server.ExecuteAsync("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state = 'idle in transaction' AND application_name = 'millrace' AND query NOT LIKE '%COPY%'");
        await using var worker = PgRun.Open(server.Url());
        var fault = await Assert.ThrowsAsync<Fault>(() => worker.ReadAsync(plan));
        Assert.Contains("moment of this run is gone", fault.Message);
        Assert.False(fault.Retryable);

        // Units with snapshots of their own go on.
        await using var other = PgRun.Open(server.Url());
        var own = await other.PlanAsync(PgRun.Stream("momentary") with { Consistency = Consistency.Unit });
        Assert.Equal("1", other.Value($"SELECT i::text FROM {await other.ReadAsync(own)}"));
    }

    [Fact]
    public async Task A_table_that_somebody_rewrites_is_refused_within_the_lock_timeout()
    {
        var server = await _servers.GetAsync();
        await server.ExecuteAsync("DROP TABLE IF EXISTS rewritten; CREATE TABLE rewritten AS SELECT 1 AS i");
        await using var writer = await server.OpenAsync();
        await using var transaction = await writer.BeginTransactionAsync();
        await using var command = writer.CreateCommand();
        command.CommandText = "LOCK TABLE rewritten IN ACCESS EXCLUSIVE MODE";
        await command.ExecuteNonQueryAsync();
        await using var run = PgRun.Open(server.Url());
        var fault = await Assert.ThrowsAsync<Fault>(() => run.PlanAsync(PgRun.Stream("rewritten")));
        Assert.Contains("rewritten can't be locked", fault.Message);
        Assert.Equal("55P03", fault.Code);
        Assert.True(fault.Retryable);
    }

    [Fact]
    public async Task Rights_are_checked_before_anything_is_read()
    {
        var server = await _servers.GetAsync();
        await server.ExecuteAsync(
            """
            DROP SCHEMA IF EXISTS rights CASCADE; CREATE SCHEMA rights; GRANT USAGE ON SCHEMA rights TO trust_user;
            CREATE TABLE rights.closed (id int); CREATE TABLE rights.half (id int, secret text, v text); GRANT SELECT (id, v) ON rights.half TO trust_user;
            INSERT INTO rights.half VALUES (1, 's', 'v');
            CREATE TABLE rights.filtered (id int); ALTER TABLE rights.filtered ENABLE ROW LEVEL SECURITY; GRANT SELECT ON rights.filtered TO trust_user;
            CREATE TABLE rights.parted (id int) PARTITION BY RANGE (id); CREATE TABLE rights.leaf PARTITION OF rights.parted DEFAULT; GRANT SELECT ON rights.parted TO trust_user;
            INSERT INTO rights.parted SELECT generate_series(1, 10)
            """);
        var url = server.Url(PgServer.TrustUser);
        Assert.Contains("rights.closed", (await RefusedAsync(url, PgRun.Stream("rights.closed"))).Message);
        Assert.Contains("row security", (await RefusedAsync(url, PgRun.Stream("rights.filtered"))).Message);
        var column = await RefusedAsync(url, PgRun.Stream("rights.half"));
        Assert.Contains("the column secret", column.Message);
        Assert.Contains("-secret", column.Advice);

        await using var run = PgRun.Open(url);
        var table = await run.MoveAsync(PgRun.Stream("rights.half") with { Columns = ["v", "id"] });
        Assert.Equal([["v", "1"]], run.Rows($"SELECT v, id::text FROM {table}"));
        await using var second = PgRun.Open(url);
        Assert.Equal("10", second.Value($"SELECT count(*)::text FROM {await second.MoveAsync(PgRun.Stream("rights.parted"))}"));
    }

    [Theory]
    [InlineData("id = 1) or (id = 2")]
    [InlineData("id = 1 order by id limit 1")]
    [InlineData("id = 1; select 1")]
    [InlineData("no_such_column = 1")]
    public async Task A_condition_that_is_not_one_condition_is_refused_with_its_line(string where)
    {
        var server = await _servers.GetAsync();
        await server.ExecuteAsync("CREATE TABLE IF NOT EXISTS conditions (id int)");
        await using var run = PgRun.Open(server.Url());
        var mark = new Mark("streams.conditions.where", "job.yaml", 12);
        var stream = PgRun.Stream("conditions") with { Where = where, Marks = ImmutableSortedDictionary<string, Mark>.Empty.Add("where", mark) };
        var fault = await Assert.ThrowsAsync<Fault>(() => run.PlanAsync(stream));
        Assert.Equal(mark.ToString(), fault.Where);

        // The moment outlives the refusal.
        var plan = await run.PlanHeldAsync(PgRun.Stream("conditions"));
        Assert.Equal("0", run.Value($"SELECT count(*)::text FROM {await run.ReadAsync(plan)}"));
    }

    private static async Task<Fault> RefusedAsync(string url, StreamJob stream)
    {
        await using var run = PgRun.Open(url);
        var fault = await Assert.ThrowsAsync<Fault>(() => run.MoveAsync(stream));
        Assert.Equal(FaultKind.Refused, fault.Kind);
        return fault;
    }
}
