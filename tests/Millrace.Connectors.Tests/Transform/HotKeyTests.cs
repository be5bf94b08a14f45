using System.Globalization;
using System.Text.RegularExpressions;
using Millrace.Faults;
using Millrace.Telemetry;
using Millrace.Transform;

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

    // Many keys of a row each, and key 7 with so many rows that no memory holds their array; so narrow that a sort puts many into a block.
    private const string Narrow = "SELECT CASE WHEN i % 20 > 0 THEN 7 ELSE i END AS k, (i * 7919) % 2000003 AS id, 'text ' || i % 100 AS t FROM range(2000000) AS r(i)";

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
        Assert.Contains("NDJSON", fault.Advice, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_bench.Folder["out/t"]));
    }

    [Theory]
    [InlineData("", "id")]
    [InlineData(", order_by: [t, id desc]", "t, id DESC")]
    public async Task A_key_that_is_too_large_is_written_to_NDJSON_element_by_element(string by, string order)
    {
        _bench.Write("t.parquet", Narrow);
        var summary = await _bench.RunAsync(Job($"nest: {{by: [k], as: items{by}}}", "format: ndjson"));
        var divided = Assert.Single(_bench.Events.OfType<UnitDivided>(), IsByElement);
        Assert.True(divided.Reason.IsOneKey, divided.Reason.Message);
        AssertLines(summary, order);
    }

    [Fact]
    public async Task One_file_of_NDJSON_takes_such_a_key_too()
    {
        _bench.Write("t.parquet", Narrow);
        var summary = await _bench.RunAsync(Job("nest: {by: [k], as: items}").Replace("target: '@/out'", "target: '@/out/t/t.ndjson'", StringComparison.Ordinal));
        Assert.True(Assert.Single(_bench.Events.OfType<UnitDivided>(), IsByElement).Reason.IsOneKey);
        AssertLines(summary, "id");
        var alone = summary.Hashes["t"];
        foreach (var folder in (string[])["out", "state"]) Directory.Delete(_bench.Folder[folder], recursive: true);
        var memory = await _bench.RunAsync(Job("nest: {by: [k], as: items}").Replace("target: '@/out'", "target: '@/out/t/t.ndjson'", StringComparison.Ordinal), "limits.memory=4GB");
        Assert.Equal((alone, 1), (memory.Hashes["t"], _bench.Events.OfType<UnitDivided>().Count(IsByElement)));
    }

    [Fact]
    public async Task A_run_that_ends_before_that_is_done_goes_on_with_it()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        _bench.Write("t.parquet", Narrow);
        _bench.Hears = happened =>
        {
            if (happened is UnitDivided divided && IsByElement(divided)) stop.Cancel();
        };
        Assert.Equal(RunStatus.Cancelled, (await _bench.TryRunAsync(Job("nest: {by: [k], as: items}", "format: ndjson"), stop.Token)).Status);

        // What no memory holds is not tried again.
        _bench.Hears = static _ => { };
        _bench.Events.Clear();
        var summary = await _bench.ResumeAsync(Job("nest: {by: [k], as: items}", "format: ndjson"));
        Assert.Equal(FaultKind.Died, Assert.Single(_bench.Events.OfType<UnitDivided>(), IsByElement).Reason.Kind);
        Assert.Equal(0, summary.Retries);
        AssertLines(summary, "id");
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
    public async Task Split_keeps_the_sign_of_zero()
    {
        _bench.Write("t.parquet", "SELECT i % 3 AS k, CASE i % 4 WHEN 0 THEN -0.0::DOUBLE WHEN 1 THEN 0.0 ELSE i - 500.5 END AS v FROM range(1000) AS r(i)");
        await _bench.RunAsync(Job("nest: {by: [k], as: items, oversize: split, order_by: [v]}"));
        Assert.Equal(["250"], _bench.Texts("SELECT count(*) FROM (SELECT unnest(items, recursive := true) FROM read_parquet('@/out/t/*.parquet')) WHERE v::VARCHAR = '-0.0'"));
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

    [Fact]
    public async Task One_bucket_of_many_keys_that_is_too_large_is_bucketed_again_by_another_hash()
    {
        // Which keys lie in one bucket is seen in the files: each unit of the first run is a bucket.
        _bench.Bounds = new StageBounds { WholeRowsMax = -1, KeyUnitBytesMax = 60_000 };
        _bench.Write("t.parquet", "SELECT i AS k, i AS id FROM range(200000) AS r(i)");
        await _bench.RunAsync(Job("nest: {by: [k], as: items}"));
        Assert.DoesNotContain(", part ", Plan(), StringComparison.Ordinal);
        _bench.Execute("CREATE TABLE crowd AS SELECT k FROM read_parquet('@/out/t/*.parquet', filename = true) WHERE filename = (SELECT min(file) FROM glob('@/out/t/*.parquet'))");
        Directory.Delete(_bench.Folder["state"], recursive: true);

        _bench.Write("t.parquet", "SELECT k, i AS id, repeat('text ', 20) AS t FROM crowd, range(20) AS r(i) UNION ALL SELECT i, 0, 'short' FROM range(200000) AS r(i)");
        await _bench.RunAsync(Job("nest: {by: [k], as: items}"));
        _bench.AssertRows("out/t", "SELECT k, list({'id': id, 't': t} ORDER BY id, t) AS items FROM '@/t.parquet' GROUP BY k");
        var parts = Plan().Split('\n').Select(static line => Regex.Match(line, "bucket ([0-9]+), part [0-9]+ of ([0-9]+)")).Where(static found => found.Success).ToArray();
        Assert.InRange(parts.Select(static found => found.Groups[1].Value).Distinct().Count(), 1, 4);
        Assert.True(parts.Length >= 8, Plan());
        Assert.All(_bench.Texts("SELECT count(*) FROM read_parquet('@/out/t/*.parquet', filename = true) WHERE len(items) = 21 GROUP BY filename"), static keys => Assert.InRange(int.Parse(keys, CultureInfo.InvariantCulture), 2, 2000));
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

    private static bool IsByElement(UnitDivided divided) => divided.Parts is [var only] && only.EndsWith(", element by element", StringComparison.Ordinal);

    /// <summary>Every key's line is there, as DuckDB itself would put it together.</summary>
    private void AssertLines(RunSummary summary, string order)
    {
        var expected = _bench.Texts($"SELECT '{{\"k\":' || k || ',\"items\":[' || string_agg('{{\"id\":' || id || ',\"t\":\"' || t || '\"}}', ',' ORDER BY {order}) || ']}}' FROM '@/t.parquet' GROUP BY k");
        var written = Directory.GetFiles(_bench.Folder["out/t"], "*.ndjson").SelectMany(File.ReadLines).ToHashSet(StringComparer.Ordinal);
        Assert.Equal(expected.Count, summary.RowsWritten);
        Assert.Equal(expected.Count, written.Count);
        Assert.All(expected, line => Assert.True(written.Contains(line), line[..Math.Min(line.Length, 100)]));
    }

    /// <summary>The units of the last stage.</summary>
    private string Plan() => File.ReadAllText(Path.Combine(Assert.Single(Directory.GetDirectories(_bench.Folder["state/runs"])), "streams", "t", "g1", "plan.ndjson"));

    private static string Job(string step, string more = "") => $$"""
        {{more}}
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
