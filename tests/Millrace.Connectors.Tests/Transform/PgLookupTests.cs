using System.Diagnostics;
using System.Globalization;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Faults;
using Millrace.Telemetry;
using Npgsql;

namespace Millrace.Connectors.Tests.Transform;

/// <summary><c>lookup</c> in PostgreSQL, and the table that is looked up in as a target.</summary>
public sealed class PgLookupTests(PgServers servers) : IAsyncDisposable
{
    private const string Asking = "query LIKE '%WITH ORDINALITY AS u(k1%' AND state = 'active' AND pid <> pg_backend_pid() AND datname = current_database()";

    private readonly TransformBench _bench = new();
    private NpgsqlDataSource? _client;

    public static TheoryData<int> Ends => [12, 18];

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task Every_kind_of_value_comes_for_its_key(int version)
    {
        await StoreAsync(version, """
            CREATE TABLE m AS SELECT i::int4 AS k, 'n' || i AS name, (i * 1.25)::numeric(12,2) AS price, '2024-01-01 00:00'::timestamptz + i * interval '1 h' AS at, CASE WHEN i % 3 > 0 THEN ARRAY[i, NULL, i + 1] END AS list,
                jsonb_build_array(jsonb_build_object('a', i, 'b', 'x"\' || i)) AS j, ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid AS u, decode(lpad(i::text, 8, '0'), 'hex') AS bytes, 1.5::numeric AS loose
            FROM generate_series(0, 5999, 2) i;
            ALTER TABLE m ADD PRIMARY KEY (k)
            """);
        _bench.Write("t.parquet", "SELECT CASE WHEN i % 11 = 0 THEN NULL ELSE i % 8000 END AS id FROM range(20000) t(i)");
        var summary = await _bench.RunAsync(Job("lookup: {in: '${file:@/pg}', table: m, key: {id: k}}"));
        _bench.AssertRows("out/t", """
            SELECT t.*, name, price, m."at", list, j, u, bytes, loose FROM '@/t.parquet' t LEFT JOIN (SELECT i AS k, 'n' || i AS name, (i * 1.25)::DECIMAL(12,2) AS price, '2024-01-01 00:00:00+00'::TIMESTAMPTZ + INTERVAL 1 HOUR * i AS "at",
            CASE WHEN i % 3 > 0 THEN [i::INTEGER, NULL, i::INTEGER + 1] END AS list, '[{"a": ' || i || ', "b": "x\"\\' || i || '"}]' AS j, ('00000000-0000-0000-0000-' || lpad(i::VARCHAR, 12, '0'))::UUID AS u, unhex(lpad(i::VARCHAR, 8, '0')) AS bytes, '1.5' AS loose
            FROM range(0, 6000, 2) r(i)) m ON t.id = m.k
            """);
        Assert.InRange(summary.Lookups!.Queries, 1, 40);
    }

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task Text_keys_and_names_mean_nothing_but_themselves(int version)
    {
        await StoreAsync(version, """
            CREATE TABLE "Odd "" t; drop" ("k""{}" text, "K 2" varchar(7), d date, v text, PRIMARY KEY ("k""{}", "K 2", d));
            INSERT INTO "Odd "" t; drop" SELECT x, 'a', '2024-02-29', x || '!' FROM unnest(ARRAY['plain', '', ' ', 'NULL', 'null', '{}', 'a,b', 'a"b', 'a\b', 'a\"b', '''; DROP TABLE m; --', 'ü😀', E'tab\tnew\nline', '$1', '%s', '"', '\', '\\"']) AS x
            """);
        _bench.Write("t.parquet", """
            SELECT unnest(['plain', '', ' ', 'NULL', 'null', '{}', 'a,b', 'a"b', 'a\b', 'a\"b', '''; DROP TABLE m; --', 'ü😀', 'tab' || chr(9) || 'new' || chr(10) || 'line', '$1', '%s', '"', '\', '\\"', 'zero' || chr(0) || 'byte', 'none', NULL]) AS x,
                'a' AS y, DATE '2024-02-29' AS d UNION ALL SELECT 'plain', 'a longer one', DATE '2024-02-29' UNION ALL SELECT 'plain', 'a', NULL
            """);
        await _bench.RunAsync(Job("""lookup: {in: '${file:@/pg}', table: 'public."Odd "" t; drop"', key: {x: 'k"{}', y: 'K 2', d: d}, as: found, batch: 3}"""));
        _bench.AssertRows("out/t", "SELECT *, CASE WHEN x NOT IN ('none', 'zero' || chr(0) || 'byte') AND y = 'a' AND d IS NOT NULL THEN x || '!' END AS found FROM '@/t.parquet'");
    }

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task Keys_of_other_types_and_lists_of_them(int version)
    {
        await StoreAsync(version, """
            CREATE DOMAIN ident AS uuid; CREATE TABLE m (k ident PRIMARY KEY, v int[]);
            INSERT INTO m SELECT ('00000000-0000-0000-0000-' || lpad(i::text, 12, '0'))::uuid, ARRAY[i] FROM generate_series(0, 998, 2) i
            """);
        _bench.Write("t.parquet", "SELECT i, [('00000000-0000-0000-0000-' || lpad(i::VARCHAR, 12, '0'))::UUID, NULL, ('00000000-0000-0000-0000-' || lpad((i * 2)::VARCHAR, 12, '0'))::UUID] AS ids FROM range(1000) t(i)");
        await _bench.RunAsync(Job("lookup: {in: '${file:@/pg}', table: m, key: {ids: k}, as: found}"));
        _bench.AssertRows("out/t", "SELECT *, [CASE WHEN i % 2 = 0 THEN [i::INTEGER] END, NULL, CASE WHEN i < 500 THEN [(i * 2)::INTEGER] END] AS found FROM '@/t.parquet'");
        await StoreAsync(version, "CREATE TABLE f (k float8 PRIMARY KEY, b bpchar(5), t timestamptz, v text); INSERT INTO f VALUES (0.1, 'a', '2024-01-01 12:00+02', 'x'), ('nan', 'b', 'infinity', 'y')");
        _bench.Write("t.parquet", "SELECT 0.1::DOUBLE AS k, 'a' AS b, '2024-01-01 10:00:00+00'::TIMESTAMPTZ AS t UNION ALL SELECT 'nan'::DOUBLE, 'b', 'infinity'::TIMESTAMPTZ");
        await _bench.RunAsync(Job("lookup: {in: '${file:@/pg}', table: f, key: [k, b, t], missing: error}\n      - map: select b, v from input").Replace("to: t", "to: u", StringComparison.Ordinal));
        _bench.AssertRows("out/u", "SELECT b, CASE b WHEN 'a' THEN 'x' ELSE 'y' END AS v FROM '@/t.parquet'");
    }

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task What_is_wrong_is_said_and_named(int version)
    {
        await StoreAsync(version, "CREATE TABLE m AS SELECT i / 2 AS k, 'a' || i AS v, i::numeric AS n, ARRAY[i] AS l FROM generate_series(0, 20) i; CREATE VIEW w AS SELECT * FROM m WHERE k < 3");
        _bench.Write("t.parquet", "SELECT i AS id, 'x' AS name FROM range(8) t(i)");
        Assert.Contains("several rows with the key", (await FailAsync("table: m, key: {id: k}")).Message, StringComparison.Ordinal);
        Assert.Contains("type numeric, which can't be looked up", (await FailAsync("table: m, key: {id: n}")).Message, StringComparison.Ordinal);
        Assert.Contains("can't be looked up", (await FailAsync("table: m, key: {id: l}")).Message, StringComparison.Ordinal);
        Assert.Contains("can be equal", (await FailAsync("table: m, key: {name: k}")).Message, StringComparison.Ordinal);
        Assert.Contains("no table m2", (await FailAsync("table: m2, key: {id: k}")).Message, StringComparison.Ordinal);
        var fault = await FailAsync("table: w, key: {id: q}");
        Assert.Contains("no column of public.w", fault.Message, StringComparison.Ordinal);
        Assert.Contains("transform[0]", fault.Where, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_cancelled_run_does_not_wait_for_the_server()
    {
        await StoreAsync(18, "CREATE TABLE m AS SELECT i AS k, i AS v FROM generate_series(0, 20) i; CREATE VIEW slow AS SELECT k, v + length(pg_sleep(600)::text) AS v FROM m");
        _bench.Write("t.parquet", "SELECT i AS id FROM range(8) t(i)");
        using var cancel = new CancellationTokenSource();
        var running = _bench.TryRunAsync(Job("lookup: {in: '${file:@/pg}', table: slow, key: {id: k}}"), cancel.Token);
        while (await TextAsync($"SELECT count(*)::text FROM pg_stat_activity WHERE {Asking}") == "0")
            Assert.False(running.IsCompleted, "the run waits for the lookup");
        var asked = Stopwatch.GetTimestamp();
        await cancel.CancelAsync();
        var summary = await running;
        Assert.Equal(RunStatus.Cancelled, summary.Status);
        Assert.InRange(Stopwatch.GetElapsedTime(asked).TotalSeconds, 0, 5);
        while (await TextAsync($"SELECT count(*)::text FROM pg_stat_activity WHERE {Asking}") != "0")
            Assert.InRange(Stopwatch.GetElapsedTime(asked).TotalSeconds, 0, 30);
    }

    [Fact]
    public async Task A_lost_connection_is_tried_again()
    {
        await StoreAsync(18, "CREATE TABLE m AS SELECT i AS k, i AS v FROM generate_series(0, 20) i");
        _bench.Write("t.parquet", "SELECT i AS id FROM range(8) t(i)");
        await using var holder = await _client!.OpenConnectionAsync();
        await using var transaction = await holder.BeginTransactionAsync();
        await using (var hold = new NpgsqlCommand("LOCK TABLE m IN ACCESS EXCLUSIVE MODE", holder, transaction)) await hold.ExecuteNonQueryAsync();
        var running = _bench.RunAsync(Job("lookup: {in: '${file:@/pg}', table: m, key: {id: k}}"));
        while (await TextAsync($"SELECT count(pg_terminate_backend(pid))::text FROM pg_stat_activity WHERE {Asking}") == "0") Assert.False(running.IsCompleted, "the lookup waits for the lock");
        await transaction.RollbackAsync();
        var summary = await running;
        Assert.Equal(1, summary.Retries);
        _bench.AssertRows("out/t", "SELECT id, id::INTEGER AS v FROM '@/t.parquet'");
    }

    [Theory]
    [MemberData(nameof(Ends))]
    public async Task A_mapping_is_written_nested_and_looked_up_by_a_second_job(int version)
    {
        await StoreAsync(version, "CREATE TABLE mapping (property_id int8 PRIMARY KEY, transactions jsonb, owners text[])");
        _bench.Write("t.parquet", "SELECT i % 500 AS property_id, DATE '2024-01-01' + (i // 500)::INTEGER AS sold_at, i * 1.5::DOUBLE AS price, 'note ' || chr(34) || i AS note FROM range(3000) t(i)");
        var mapping = Job("nest: {by: [property_id], as: transactions}\n      - map: \"select *, ['o' || property_id, null] as owners from input\"", "${file:@/pg}").Replace("to: t", "to: public.mapping", StringComparison.Ordinal);
        await _bench.RunAsync(mapping);
        await _bench.RunAsync(mapping);
        Assert.Equal("500 jsonb text[]", await TextAsync("SELECT count(*) || ' ' || min(pg_typeof(transactions)::text) || ' ' || min(pg_typeof(owners)::text) FROM mapping"));
        Assert.Equal("1", await TextAsync("SELECT count(*)::text FROM pg_index WHERE indrelid = 'mapping'::regclass AND indisprimary"));
        _bench.Write("mapping.parquet", "SELECT property_id, list({'sold_at': sold_at, 'price': price, 'note': note} ORDER BY sold_at) AS h FROM '@/t.parquet' GROUP BY ALL".Replace("@", _bench.Folder.Path, StringComparison.Ordinal));

        _bench.Write("t.parquet", "SELECT i AS id, [i, i + 1, 499] AS ids FROM range(600) t(i)");
        await _bench.RunAsync(Job("""
            lookup: {in: '${file:@/pg}', table: mapping, key: {ids: property_id}, columns: [transactions], as: h}
                  - map: |
                      select id, list_transform(h, lambda one: from_json(one, '[{"sold_at": "DATE", "price": "DOUBLE", "note": "VARCHAR"}]')) as h,
                             h[1]->0->>'note' as first_note, from_json(h[3], '[{"price": "DOUBLE"}]')[1].price as price
                      from input
            """));
        _bench.AssertRows("out/t", """
            SELECT t.id, [a.h, b.h, c.h] AS h, a.h[1].note AS first_note, c.h[1].price AS price
            FROM '@/t.parquet' t LEFT JOIN '@/mapping.parquet' a ON a.property_id = id LEFT JOIN '@/mapping.parquet' b ON b.property_id = id + 1 LEFT JOIN '@/mapping.parquet' c ON c.property_id = 499
            """);
    }

    [Fact]
    public async Task A_new_table_of_a_merge_has_its_key_and_no_secret_is_written_anywhere()
    {
        var url = await StoreAsync(18, "SELECT 1");
        _bench.Write("t.parquet", "SELECT i % 50 AS id, i AS n, 'x' AS s FROM range(300) t(i)");
        await _bench.RunAsync(Job("nest: {by: [id], as: items}", "${file:@/pg}").Replace("to: t", "to: public.fresh\n    mode: merge\n    key: [id]", StringComparison.Ordinal));
        Assert.Equal("jsonb[]", await TextAsync("SELECT pg_typeof(items)::text FROM fresh LIMIT 1"));
        _bench.Write("t.parquet", "SELECT i AS id FROM range(100) t(i)");
        await _bench.RunAsync(Job("lookup: {in: '${file:@/pg}', table: fresh, key: [id]}\n      - map: \"select id, list_sum(list_transform(items, lambda one: (one->>'n')::bigint)) as total from input\""));
        _bench.AssertRows("out/t", "SELECT id, CASE WHEN id < 50 THEN (6 * id + 750)::HUGEINT END::DECIMAL(38,0) AS total FROM '@/t.parquet'");
        Assert.Equal("1", await TextAsync("SELECT count(*)::text FROM pg_index WHERE indrelid = 'fresh'::regclass AND indisunique"));
        var password = new Uri(url).UserInfo.Split(':')[1];
        foreach (var file in Directory.GetFiles(_bench.Folder["state"], "*", SearchOption.AllDirectories))
        {
            var text = await File.ReadAllTextAsync(file);
            Assert.DoesNotContain(password, text, StringComparison.Ordinal);
            Assert.DoesNotContain(PgServer.Password, text, StringComparison.Ordinal);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (_client is not null) await _client.DisposeAsync();
        _bench.Dispose();
    }

    private static string Job(string steps, string target = "@/out") => $$"""
        source: "@/t.parquet"
        target: "{{target}}"
        limits: {workers: 2}
        streams:
          t.parquet:
            to: t
            transform:
              - {{steps}}
        """;

    /// <summary>A database with these tables, whose address is in the folder's file <c>pg</c>.</summary>
    private async Task<string> StoreAsync(int version, string sql)
    {
        var server = await servers.GetAsync(version);
        var database = await server.CreateDatabaseAsync();
        if (_client is not null) await _client.DisposeAsync();
        _client = NpgsqlDataSource.Create(server.ConnectionString(database));
        await using var command = _client.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
        await File.WriteAllTextAsync(_bench.Folder["pg"], server.Url(database: database));
        return server.Url(database: database);
    }

    private async Task<string> TextAsync(string sql)
    {
        await using var command = _client!.CreateCommand(sql);
        return Convert.ToString(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture)!;
    }

    private async Task<Fault> FailAsync(string keys)
    {
        var summary = await _bench.TryRunAsync(Job($"lookup: {{in: '${{file:@/pg}}', {keys}}}"));
        Assert.Equal(RunStatus.Failed, summary.Status);
        return summary.Faults[0];
    }
}
