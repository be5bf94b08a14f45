using Millrace.Faults;
using Millrace.Telemetry;

namespace Millrace.Connectors.Tests.Transform;

/// <summary>One key with more rows than a unit's memory holds, and buckets that are larger than was planned.</summary>
public sealed class HotKeyTests : IDisposable
{
    // Many keys of a row each, and key 7 with as many rows of 4 KB as are put in.
    private const string Rows = """
        SELECT CASE WHEN i < {0} THEN 7 ELSE i END AS k, (i * 7919) % 230000 AS id, CASE WHEN i < {0} THEN repeat('text ' || i % 100 || ' ', 500) ELSE 'short' END AS t
        FROM range(230000) AS r(i)
        """;

    // 20 times what a unit plans with, and more than DuckDB's memory holds as one array.
    private static readonly string Hot = Rows.Replace("{0}", "10000", StringComparison.Ordinal);
    private static readonly string TooHot = Rows.Replace("{0}", "27000", StringComparison.Ordinal);

    private readonly TransformBench _bench = new();

    [Fact]
    public async Task A_key_that_is_too_large_for_nest_is_named_with_its_rows()
    {
        _bench.Write("t.parquet", TooHot);
        var summary = await _bench.TryRunAsync(Job("nest: {by: [k], as: items}"));
        var fault = Assert.Single(summary.Faults);
        Assert.Equal((RunStatus.Failed, FaultKind.Limit), (summary.Status, fault.Kind));
        Assert.Contains("the key {\"k\":7} has 27000 rows", fault.Message, StringComparison.Ordinal);
        Assert.Contains("oversize: split", fault.Advice, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_bench.Folder["out/t"]));
    }

    [Theory]
    [InlineData("")]
    [InlineData(", order_by: [t, id desc]")]
    public async Task Split_cuts_a_key_that_is_too_large_into_runs_of_its_order(string order)
    {
        _bench.Write("t.parquet", Hot);
        await _bench.RunAsync(Job($"nest: {{by: [k], as: items, oversize: split{order}}}"));
        AssertCut(order.Length == 0 ? "id" : "t, id DESC", keysCut: 1);
    }

    [Fact]
    public async Task Split_cuts_a_small_stream_alike()
    {
        _bench.Write("t.parquet", "SELECT CASE WHEN i % 5 = 0 THEN NULL ELSE i % 1000 END AS k, i AS id, repeat('text ', 500) AS t FROM range(6000) AS r(i)");
        await _bench.RunAsync(Job("nest: {by: [k], as: items, oversize: split}"));
        AssertCut("id", keysCut: 1);
    }

    [Fact]
    public async Task Split_leaves_keys_as_they_are_that_fit()
    {
        _bench.Write("t.parquet", "SELECT (i * 7919) % 3001 AS k, i AS id, 'v' || i % 100 AS millrace_run FROM range(300000) AS r(i)");
        await _bench.RunAsync(Job("nest: {by: [k], as: items, oversize: split}"));
        _bench.AssertRows("out/t", "SELECT k, list({'id': id, 'millrace_run': millrace_run} ORDER BY id) AS items FROM '@/t.parquet' GROUP BY k");
    }

    [Fact]
    public async Task A_group_that_keeps_every_value_of_a_large_key_names_it()
    {
        _bench.Write("t.parquet", TooHot);
        var fault = Assert.Single((await _bench.TryRunAsync(Job("group: {by: [k], all_of_it: \"string_agg(t, ',' order by t)\"}"))).Faults);
        Assert.Contains("the key {\"k\":7} has 27000 rows", fault.Message, StringComparison.Ordinal);
        Assert.Contains("aggregates", fault.Advice, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("group: {by: [k], n: \"count(*)\", last: \"max(t)\"}", "SELECT k, count(*) AS n, max(t) AS last FROM '@/t.parquet' GROUP BY k")]
    [InlineData("dedupe: {by: [k], order_by: [id]}", "SELECT DISTINCT ON (k) * FROM '@/t.parquet' ORDER BY k, id")]
    [InlineData("join: {with: '@/r.parquet', on: [k]}", "SELECT * FROM '@/t.parquet' LEFT JOIN '@/r.parquet' USING (k)")]
    public async Task Other_steps_take_a_large_key(string step, string expected)
    {
        _bench.Write("t.parquet", Hot);
        _bench.Write("r.parquet", "SELECT i AS k, 'r' || i AS name FROM range(400000) AS r(i)");
        await _bench.RunAsync(Job(step));
        _bench.AssertRows("out/t", expected);
        Assert.DoesNotContain(", part ", Plan(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("left")]
    [InlineData("full")]
    public async Task A_join_takes_a_large_key_of_its_right_side(string how)
    {
        _bench.Write("r.parquet", Hot);
        _bench.Write("t.parquet", "SELECT i AS k, 'r' || i AS name FROM range(400000) AS r(i)");
        await _bench.RunAsync(Job($"join: {{with: '@/r.parquet', on: [k], how: {how}}}"));
        _bench.AssertRows("out/t", $"SELECT * FROM '@/t.parquet' {how} JOIN '@/r.parquet' USING (k)");
    }

    [Fact]
    public async Task Rows_that_are_far_larger_than_was_planned_are_read_in_parts()
    {
        _bench.Write("t.parquet", "SELECT i % 70000 AS k, i AS id, repeat('text ', 150) AS t FROM range(210000) AS r(i)");
        await _bench.RunAsync(Job("nest: {by: [k], as: items}"));
        _bench.AssertRows("out/t", "SELECT k, list({'id': id, 't': t} ORDER BY id) AS items FROM '@/t.parquet' GROUP BY k");
        Assert.Contains(", part ", Plan(), StringComparison.Ordinal);
    }

    public void Dispose() => _bench.Dispose();

    /// <summary>Every row is there once, some keys have several rows of bounded arrays, and these follow each other in the order.</summary>
    private void AssertCut(string order, int keysCut)
    {
        const string Table = "read_parquet('@/out/t/**/*.parquet')";
        var unnested = $"SELECT k, unnest(items, recursive := true) FROM {Table}";
        Assert.Equal("0", _bench.Texts($"SELECT count(*) FROM ((SELECT * FROM '@/t.parquet') EXCEPT ALL ({unnested}))")[0]);
        Assert.Equal("0", _bench.Texts($"SELECT count(*) FROM (({unnested}) EXCEPT ALL (SELECT * FROM '@/t.parquet'))")[0]);
        Assert.Equal([$"{keysCut}"], _bench.Texts($"SELECT count(*) FROM (SELECT k FROM {Table} GROUP BY k HAVING count(*) BETWEEN 2 AND 1000)"));
        Assert.Equal(["true"], _bench.Texts($"SELECT max(len(items)) BETWEEN 50 AND 1000 FROM {Table}"));

        // The rows of a key in the order of their first elements, put together, are all its rows in order.
        var firsts = order.Replace("id", "items[1].id", StringComparison.Ordinal).Replace("t,", "items[1].t,", StringComparison.Ordinal);
        var joined = $"SELECT k, flatten(list(list_transform(items, lambda one: one.id) ORDER BY {firsts})) AS ids FROM {Table} GROUP BY k";
        Assert.Equal("0", _bench.Texts($"SELECT count(*) FROM (({joined}) EXCEPT ALL (SELECT k, list(id ORDER BY {order}) FROM '@/t.parquet' GROUP BY k))")[0]);
    }

    /// <summary>The units of the last stage.</summary>
    private string Plan() => File.ReadAllText(Path.Combine(Assert.Single(Directory.GetDirectories(_bench.Folder["state/runs"])), "streams", "t", "g1", "plan.ndjson"));

    private static string Job(string step) => $$"""
        source: '@/t.parquet'
        target: '@/out'
        limits: {memory: 200MB, workers: 2}
        engine: inproc
        streams:
          t:
            transform:
              - {{step}}
        """;
}
