using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Telemetry;

namespace Millrace.Connectors.Tests.Transform;

/// <summary><c>lookup</c> in DuckDB files: the step itself, whatever the store is.</summary>
public sealed class LookupTests : IDisposable
{
    private readonly TransformBench _bench = new();

    [Fact]
    public async Task Columns_of_found_keys_come_and_the_others_are_NULL()
    {
        Store("CREATE TABLE m AS SELECT i::INTEGER AS k, 'n' || i AS name, [i, i + 1] AS list, {'a': i, 'b': ['x' || i]} AS s FROM range(0, 6000, 2) t(i); CREATE UNIQUE INDEX u ON m (k)");
        _bench.Write("t.parquet", "SELECT CASE WHEN i % 11 = 0 THEN NULL ELSE i % 8000 END AS id, i AS n FROM range(20000) t(i)");
        var summary = await _bench.RunAsync(Job("lookup: {in: '@/store.duckdb', table: m, key: {id: k}}"));
        _bench.AssertRows("out/t", "SELECT t.*, name, list, s FROM '@/t.parquet' t LEFT JOIN (SELECT i AS k, 'n' || i AS name, [i, i + 1] AS list, {'a': i, 'b': ['x' || i]} AS s FROM range(0, 6000, 2) r(i)) m ON t.id = m.k");
        var found = summary.Lookups!;
        Assert.Equal(20_000 - 1_819, found.Keys);
        Assert.InRange(found.Queries, 1, found.Keys / 100);
        Assert.InRange(found.Missing, 1, found.Keys);
        Assert.Contains("\"lookups\":{\"keys\":18181", File.ReadAllText(Directory.GetFiles(_bench.Folder["state/runs"], "commit.json", SearchOption.AllDirectories).Single()).Replace(" ", "", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("as: v, columns: [name]", "m.name AS v")]
    [InlineData("as: v", "CASE WHEN m.k IS NULL THEN NULL ELSE {'name': m.name, 'rank': m.rank} END AS v")]
    [InlineData("columns: [rank, k]", "m.rank, m.k")]
    [InlineData("missing: drop", "m.name, m.rank", "JOIN")]
    public async Task What_was_found_takes_the_form_that_is_asked_for(string keys, string columns, string join = "LEFT JOIN")
    {
        Store("CREATE TABLE m AS SELECT i AS k, CASE WHEN i % 7 > 0 THEN 'n' || i END AS name, i * 1.5 AS rank FROM range(0, 3000, 3) t(i)");
        _bench.Write("t.parquet", "SELECT i AS id FROM range(5000) t(i)");
        await _bench.RunAsync(Job($"lookup: {{in: 'duckdb:@/store.duckdb', table: main.m, key: {{id: k}}, {keys}}}"));
        _bench.AssertRows("out/t", $"SELECT t.id, {columns} FROM '@/t.parquet' t {join} (SELECT i AS k, CASE WHEN i % 7 > 0 THEN 'n' || i END AS name, i * 1.5 AS rank FROM range(0, 3000, 3) r(i)) m ON t.id = m.k");
    }

    [Theory]
    [InlineData("null", "list_transform(ids, lambda k: CASE WHEN k % 2 = 0 THEN ['a' || k, 'b'] END)")]
    [InlineData("drop", "list_transform(list_filter(ids, lambda k: k % 2 = 0), lambda k: ['a' || k, 'b'])")]
    public async Task Each_element_of_a_list_is_looked_up_in_its_place(string missing, string expected)
    {
        Store("CREATE TABLE m AS SELECT i::SMALLINT AS k, ['a' || i, 'b'] AS names FROM range(0, 300, 2) t(i)");
        _bench.Write("t.parquet", "SELECT i AS n, CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN [] ELSE [i % 300, NULL, (i * 7) % 300, i % 300] END AS ids FROM range(9000) t(i)");
        await _bench.RunAsync(Job($"lookup: {{in: '@/store.duckdb', table: m, key: {{ids: k}}, as: found, missing: {missing}}}"));
        _bench.AssertRows("out/t", $"SELECT n, ids, {expected} AS found FROM '@/t.parquet'");
    }

    [Fact]
    public async Task A_key_that_is_not_there_can_be_an_error()
    {
        Store("CREATE TABLE m AS SELECT i AS k, i AS v FROM range(100) t(i)");
        _bench.Write("t.parquet", "SELECT i AS id FROM range(101) t(i)");
        var fault = await FailAsync("lookup: {in: '@/store.duckdb', table: m, key: {id: k}, missing: error}");
        Assert.Equal(FaultKind.Data, fault.Kind);
        Assert.Contains("no row with the key 100", fault.Message, StringComparison.Ordinal);
        _bench.Write("t.parquet", "SELECT NULL::BIGINT AS id");
        fault = await FailAsync("lookup: {in: '@/store.duckdb', table: m, key: {id: k}, missing: error}");
        Assert.Contains("no row with the key NULL", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_with_two_rows_is_named()
    {
        Store("CREATE TABLE m AS SELECT i // 2 AS k, 'x' AS l, i AS v FROM range(99, 103) t(i)");
        _bench.Write("t.parquet", "SELECT i AS id, 'x' AS l FROM range(101) t(i)");
        var fault = await FailAsync("lookup: {in: '@/store.duckdb', table: m, key: {id: k, l: l}}");
        Assert.Equal(FaultKind.Data, fault.Kind);
        Assert.StartsWith("found several rows with the key 50, x", fault.Message, StringComparison.Ordinal);
        Assert.Equal(FaultSide.Transform, fault.Side);
        Assert.Equal("lookup in main.m by k, l", fault.Where);
    }

    [Fact]
    public async Task A_value_that_the_keys_type_has_not_is_not_there()
    {
        Store("CREATE TABLE m AS SELECT i::TINYINT AS k, i AS v FROM range(100) t(i)");
        _bench.Write("t.parquet", "SELECT unnest([1.0, 1.5, 1e12, 'nan'::DOUBLE, -0.0, NULL]) AS id");
        await _bench.RunAsync(Job("lookup: {in: '@/store.duckdb', table: m, key: {id: k}}"));
        _bench.AssertRows("out/t", "SELECT * FROM (VALUES (1.0::DOUBLE, 1::BIGINT), (1.5, NULL), (1e12, NULL), ('nan', NULL), (-0.0, 0), (NULL, NULL)) t(id, v)");
    }

    [Theory]
    [InlineData("table: x, key: {id: k}", "found no table x")]
    [InlineData("table: m, key: {id: q}", "'q', which is no column of m")]
    [InlineData("table: m, key: {nix: k}", "'nix', which is no column here")]
    [InlineData("table: m, key: {id: k}, columns: [q]", "'q', which is no column of m")]
    [InlineData("table: m, key: {id: name}", "expected types that can be equal")]
    [InlineData("table: m, key: {id: list}", "can't be looked up")]
    [InlineData("table: m, key: {id: k}, columns: [name], as: id2, cache: 100GB", "expected at most")]
    [InlineData("table: m, key: {id: k}, columns: [other]", "'other' on both sides")]
    public async Task Mistakes_are_refused_at_planning(string keys, string message)
    {
        Store("CREATE TABLE m AS SELECT 1 AS k, 'a' AS name, [1] AS list, 2 AS other");
        _bench.Write("t.parquet", "SELECT 1 AS id, 2 AS other");
        var fault = await FailAsync($"lookup: {{in: '@/store.duckdb', {keys}}}");
        Assert.Equal(FaultKind.JobFile, fault.Kind);
        Assert.Contains(message, fault.Message, StringComparison.Ordinal);
        Assert.StartsWith("job.yaml:", fault.Where, StringComparison.Ordinal);
        Assert.Contains("transform[0]", fault.Where, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_chunk_that_finds_too_much_says_so()
    {
        Store("CREATE TABLE m AS SELECT i AS k, repeat('x', 10000) AS v FROM range(2000) t(i)");
        _bench.Write("t.parquet", "SELECT i AS id FROM range(2000) t(i)");
        var fault = await FailAsync("lookup: {in: '@/store.duckdb', table: m, key: {id: k}}");
        Assert.Equal(FaultKind.Limit, fault.Kind);
        Assert.Contains("more than", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hot_key_is_decoded_once_and_later_steps_see_it()
    {
        Store("CREATE TABLE m AS SELECT i AS k, list_transform(range(5000), lambda x: {'a': x, 'b': 'text that is long enough ' || x}) AS v FROM range(3) t(i)");
        _bench.Write("t.parquet", "SELECT i AS n, i % 4 AS id FROM range(3000) t(i)");
        var summary = await _bench.RunAsync(Job("""
            lookup: {in: '@/store.duckdb', table: m, key: {id: k}, as: v}
                  - map: "select n, len(v) as n_v, v[5000].b as last from input"
                  - group: {by: [n_v, last], rows: "count(*)"}
            """));
        _bench.AssertRows("out/t", "SELECT * FROM (VALUES (5000::BIGINT, 'text that is long enough 4999', 2250::BIGINT), (NULL, NULL, 750)) t(n_v, last, rows)");
        Assert.InRange(summary.Lookups!.Queries, 1, 4);
    }

    [Fact]
    public async Task Two_lookups_and_a_join_with_a_stream_that_looks_up()
    {
        Store("CREATE TABLE m AS SELECT i AS k, 'n' || i AS name FROM range(500) t(i); CREATE SCHEMA \"odd s\"; CREATE TABLE \"odd s\".\"t \"\"; drop\" AS SELECT 'n' || i AS \"k\"\"'{}\", i * 2 AS \"v {0} \" FROM range(500) t(i)");
        _bench.Write("t.parquet", "SELECT i AS id FROM range(700) t(i)");
        _bench.Write("r.parquet", "SELECT i AS id, i * 3 AS w FROM range(700) t(i)");
        await _bench.RunAsync("""
            source: "@"
            target: "@/out"
            limits: {workers: 2}
            streams:
              t.parquet:
                to: t
                transform:
                  - lookup: {in: '@/store.duckdb', table: m, key: {id: k}}
                  - lookup: {in: '@/store.duckdb', table: "odd s.t \"; drop", key: {name: "k\"'{}"}}
                  - join: {with: r.parquet, on: [id]}
              r.parquet:
                to: r
                transform:
                  - lookup: {in: '@/store.duckdb', table: m, key: {id: k}, as: rname}
            """);
        _bench.AssertRows("out/t", """
            SELECT id, CASE WHEN id < 500 THEN 'n' || id END AS name, CASE WHEN id < 500 THEN id * 2 END AS "v {0} ", id * 3 AS w, CASE WHEN id < 500 THEN 'n' || id END AS rname FROM '@/t.parquet'
            """);
    }

    [Fact]
    public async Task A_file_that_is_no_database_or_not_there_is_refused()
    {
        _bench.Write("t.parquet", "SELECT 1 AS id");
        Assert.Contains("no file", (await FailAsync("lookup: {in: '@/nix.duckdb', table: m, key: {id: k}}")).Message, StringComparison.Ordinal);
        File.WriteAllText(_bench.Folder["bad.db"], "this is no database, though it is as long as a page of one " + new string('x', 5000));
        Assert.Contains("can't be opened", (await FailAsync("lookup: {in: '@/bad.db', table: m, key: {id: k}}")).Message, StringComparison.Ordinal);
    }

    public void Dispose() => _bench.Dispose();

    private static string Job(string steps) => $$"""
        source: "@/t.parquet"
        target: "@/out"
        limits: {workers: 2}
        streams:
          t.parquet:
            to: t
            transform:
              - {{steps}}
        """;

    private void Store(string sql)
    {
        using var database = DuckDbDatabase.Open(path: _bench.Folder["store.duckdb"]);
        using var connection = database.Connect();
        connection.Execute(sql);
    }

    private async Task<Fault> FailAsync(string step)
    {
        var summary = await _bench.TryRunAsync(Job(step));
        Assert.Equal(RunStatus.Failed, summary.Status);
        return summary.Faults[0];
    }
}
