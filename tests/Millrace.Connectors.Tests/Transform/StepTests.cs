using Millrace.Connectors.Files.Source;
using Millrace.Connectors.Files.Target;
using Millrace.Connectors.Postgres;
using Millrace.Faults;
using Millrace.Jobs.Secrets;
using Millrace.Transform;

namespace Millrace.Connectors.Tests.Transform;

/// <summary>Every step, small (at once) and through buckets, against DuckDB's own answer.</summary>
public sealed class StepTests : IDisposable
{
    private const string Rows = "SELECT CASE WHEN i % 17 = 0 THEN NULL ELSE (i * 7919) % 3001 END AS k, i AS id, 'v' || (i * 31) % 100 AS v, (i * 104729) % 1000 / 8.0 AS score FROM range({0}) AS t(i)";

    private readonly TransformBench _bench = new();

    [Theory]
    [InlineData(5_000)]
    [InlineData(300_000)]
    public async Task Map_makes_columns_and_leaves_rows_out(int rows)
    {
        Write(rows);
        var summary = await _bench.RunAsync(Job("map: \"select *, score * 2 as twice from input where id % 3 = 0\""));
        Assert.Equal(rows, summary.RowsRead);
        _bench.AssertRows("out/t", "SELECT *, score * 2 AS twice FROM '@/t.parquet' WHERE id % 3 = 0");
    }

    [Theory]
    [InlineData(5_000)]
    [InlineData(300_000)]
    public async Task Nest_makes_arrays_in_order(int rows)
    {
        Write(rows);
        var summary = await _bench.RunAsync(Job("nest: {by: [k], as: items}"));
        Assert.Equal(rows, summary.RowsRead);
        _bench.AssertRows("out/t", "SELECT k, list({'id': id, 'v': v, 'score': score} ORDER BY id) AS items FROM '@/t.parquet' GROUP BY k");
    }

    [Theory]
    [InlineData(5_000)]
    [InlineData(300_000)]
    public async Task Group_adds_up(int rows)
    {
        Write(rows);
        await _bench.RunAsync(Job("group: {by: [k, v], n: \"count(*)\", total: \"sum(id)\", most: \"max(score)\"}"));
        _bench.AssertRows("out/t", "SELECT k, v, count(*) AS n, sum(id)::DECIMAL(38,0) AS total, max(score) AS most FROM '@/t.parquet' GROUP BY k, v");
    }

    [Theory]
    [InlineData(5_000)]
    [InlineData(300_000)]
    public async Task Dedupe_keeps_one_row_of_each_key(int rows)
    {
        Write(rows);
        await _bench.RunAsync(Job("dedupe: {by: [k], order_by: [score desc, id]}"));
        _bench.AssertRows("out/t", "SELECT DISTINCT ON (k) * FROM '@/t.parquet' ORDER BY k, score DESC, id");
    }

    [Theory]
    [InlineData(5_000, "left")]
    [InlineData(300_000, "left")]
    [InlineData(300_000, "inner")]
    [InlineData(300_000, "full")]
    [InlineData(5_000, "full")]
    [InlineData(300_000, "anti")]
    [InlineData(300_000, "semi")]
    public async Task Joins_are_as_in_SQL(int rows, string how)
    {
        Write(rows);
        _bench.Write("r.parquet", $"SELECT CASE WHEN i % 13 = 0 THEN NULL ELSE (i * 3)::INTEGER END AS k, 'r' || i AS name FROM range({rows}) AS t(i)");
        await _bench.RunAsync(Job($"join: {{with: '@/r.parquet', on: [k], how: {how}}}"));
        _bench.AssertRows("out/t", how is "anti" or "semi"
            ? $"SELECT * FROM '@/t.parquet' AS l {how} JOIN '@/r.parquet' AS r ON l.k = r.k"
            : $"SELECT * FROM '@/t.parquet' AS l {how} JOIN '@/r.parquet' AS r USING (k)");
    }

    [Theory]
    [InlineData("left", "[name]")]
    [InlineData("inner", "[code, name]")]
    [InlineData("full", "[\"-extra\", \"-code\"]")]
    public async Task A_join_has_the_wanted_columns_and_the_left_one_of_each_pair(string how, string columns)
    {
        Write(5_000);
        _bench.Write("r.parquet", "SELECT (i * 3)::INTEGER AS code, 'r' || i AS name, i AS extra FROM range(5000) AS t(i)");
        var wanted = $"SELECT l.* REPLACE (coalesce(l.k, r.code) AS k), r.name FROM '@/t.parquet' AS l {how} JOIN '@/r.parquet' AS r ON l.k = r.code";
        await _bench.RunAsync(Job($"join: {{with: '@/r.parquet', on: {{k: code}}, how: {how}, columns: {columns}}}"));
        _bench.AssertRows("out/t", wanted);

        await _bench.RunAsync($$"""
            source: '@'
            target: '@/out'
            limits: {memory: 512MB, workers: 2}
            engine: inproc
            streams:
              r.parquet:
                to: r
              t.parquet:
                to: t
                transform:
                  - join: {with: r, on: {k: code}, how: {{how}}, columns: {{columns}}}
            """);
        _bench.AssertRows("out/t", wanted);
    }

    [Fact]
    public async Task A_side_that_turns_out_to_be_a_database_needs_a_table()
    {
        _bench.Write("t.parquet", "SELECT 1 AS k");
        _bench.Adjust = options => options with
        {
            Connectors = new KnownConnectors([new FilesSourceConnector(), new PostgresConnector()], [new FileTargetConnector()]),
            Secrets = new SecretResolver(new Redactor(), _bench.Folder.Path, static name => name == "SIDE" ? "postgres://me:secret@127.0.0.1:1/shop" : null),
        };
        var fault = Assert.Single((await _bench.TryRunAsync(Job("join: {with: '${SIDE}', on: [k]}"))).Faults);
        Assert.Equal(FaultKind.JobFile, fault.Kind);
        Assert.Contains("stream: public.customers", fault.Advice, StringComparison.Ordinal);
        Assert.Contains("job.yaml:", fault.Where, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", fault.Describe(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sides_of_different_sizes_meet_in_as_many_buckets()
    {
        _bench.Write("t.parquet", $"SELECT i AS k, {string.Join(", ", Enumerable.Range(0, 30).Select(static n => $"'text' AS t{n}"))} FROM range(210000) AS t(i)");
        _bench.Write("r.parquet", "SELECT i * 100 AS k, i AS r FROM range(210000) AS t(i)");
        await _bench.RunAsync(Job("join: {with: '@/r.parquet', on: [k], how: inner}").Replace("512MB", "200MB", StringComparison.Ordinal));
        _bench.AssertRows("out/t", "SELECT * FROM '@/t.parquet' JOIN '@/r.parquet' USING (k)");
    }

    [Theory]
    [InlineData(false, "join: {with: '@/r.parquet', on: [k], how: inner}")]
    [InlineData(false, "join: {with: '@/r.parquet', on: [k], how: semi}")]
    [InlineData(false, "map: select * from input where k is not null")]
    [InlineData(true, "nest: {by: [k], as: items}\n      - join: {with: '@/r.parquet', on: [k], how: inner}")]
    public async Task Rows_that_give_nothing_are_counted_all_the_same(bool throughBuckets, string step)
    {
        if (throughBuckets) _bench.Bounds = new StageBounds { WholeRowsMax = -1 };
        _bench.Write("t.parquet", "SELECT NULL::INTEGER AS k, i AS id FROM range(5000) AS t(i)");
        _bench.Write("r.parquet", "SELECT 1 AS k, 'r' AS name LIMIT 0");
        var summary = await _bench.RunAsync(Job(step));
        Assert.Equal((5000, 0), (summary.RowsRead, summary.RowsWritten));
    }

    [Theory]
    [InlineData(false, "first")]
    [InlineData(true, "first")]
    [InlineData(false, "error")]
    [InlineData(true, "error")]
    public async Task Rows_with_NULL_in_the_key_are_not_several_rows_of_one_key(bool throughBuckets, string many)
    {
        if (throughBuckets) _bench.Bounds = new StageBounds { WholeRowsMax = -1, SideBytesMax = -1 };
        Write(5_000);
        _bench.Write("r.parquet", "SELECT CASE WHEN i % 3 > 0 THEN i::INTEGER END AS k, 'r' || i AS name FROM range(5000) AS t(i)");
        foreach (var how in (string[])["full", "left"])
        {
            await _bench.RunAsync(Job($"join: {{with: '@/r.parquet', on: [k], how: {how}, many: {many}}}"));
            _bench.AssertRows("out/t", $"SELECT * FROM '@/t.parquet' AS l {how} JOIN '@/r.parquet' AS r USING (k)");
        }
    }

    [Theory]
    [InlineData("left")]
    [InlineData("full")]
    public async Task How_large_a_stream_is_is_not_told_by_what_it_joins(string how)
    {
        Write(300_000);
        _bench.Write("r.parquet", "SELECT i::INTEGER AS k, 'r' || i AS name FROM range(10) AS t(i)");
        Assert.Equal(300_000, (await _bench.PlanAsync(Job($"join: {{with: '@/r.parquet', on: [k], how: {how}}}"))).EstimatedRows);
    }

    [Fact]
    public async Task Steps_follow_each_other_through_stages()
    {
        Write(300_000);
        await _bench.RunAsync(Job("""
            map: "select k, id, v from input where k is not null"
                  - nest: {by: [k], as: items}
                  - map: "select k, len(items) as n, items from input"
                  - unnest: items
                  - group: {by: [n], rows: "count(*)"}
            """));
        _bench.AssertRows("out/t", "SELECT n, count(*) AS rows FROM (SELECT count(*) OVER (PARTITION BY k) AS n FROM '@/t.parquet' WHERE k IS NOT NULL) GROUP BY n");
    }

    public void Dispose() => _bench.Dispose();

    private static string Job(string step) => $$"""
        source: '@/t.parquet'
        target: '@/out'
        limits: {memory: 512MB, workers: 2}
        engine: inproc
        streams:
          t:
            transform:
              - {{step}}
        """;

    private void Write(int rows) => _bench.Write("t.parquet", Rows.Replace("{0}", rows.ToString(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal));
}
