using System.Globalization;
using Millrace.Transform;

namespace Millrace.Connectors.Tests.Transform;

/// <summary>Rows that a join has spread by key are written into their folders in the order of the source, whatever stands between, and are the same rows.</summary>
public sealed class SourceOrderTests : IDisposable
{
    private const int Rows = 120_000;
    private readonly TransformBench _bench = new()
    {
        // All sides are bucketed, and a bucket is a unit of its own: many files have to be put together.
        Bounds = new StageBounds { WholeRowsMax = -1, SideBytesMax = -1, KeyUnitBytesMax = 200_000 },
    };

    [Theory]
    [InlineData("", "SELECT t.*, v FROM t JOIN r USING (key)", true)]
    [InlineData("map: select * replace (v + 1 as v) from input", "SELECT t.*, v + 1 AS v FROM t JOIN r USING (key)", true)]
    [InlineData("map: select id, day, upper(key) as k from input where input.id % 3 > 0", "SELECT id, day, upper(key) AS k FROM t WHERE id % 3 > 0", true)]
    [InlineData("map: select *, to_json(input)::varchar as j from input", "SELECT t.*, v, to_json({id: id, key: key, day: day, v: v})::VARCHAR AS j FROM t JOIN r USING (key)", false)]
    [InlineData("map: select columns(*)::varchar from input", "SELECT id::VARCHAR AS id, key::VARCHAR AS key, day::VARCHAR AS day, v::VARCHAR AS v FROM t JOIN r USING (key)", false)]
    [InlineData("map: select i.id, i.day, len(i::varchar) as n from input i", "SELECT id, day, len({id: id, key: key, day: day, v: v}::VARCHAR) AS n FROM t JOIN r USING (key)", false)]
    [InlineData("join: {with: '@/u.parquet', on: [key]}", "SELECT t.*, v, w FROM t JOIN r USING (key) JOIN u USING (key)", true)]
    [InlineData("dedupe: {by: [id], order_by: [v]}", "SELECT t.*, v FROM t JOIN r USING (key)", false)]
    [InlineData("group: {by: [day], n: count(*)}", "SELECT day, count(*) AS n FROM t GROUP BY day", false)]
    public async Task Rows_are_written_in_the_order_of_the_source(string step, string expected, bool inOrder)
    {
        Write($"SELECT i AS id, hash(i)::VARCHAR AS key, DATE '2021-01-01' + (i * 7919 % 365)::INT AS day FROM range({Rows}) AS r(i)");
        await _bench.RunAsync(Job("{with: '@/r.parquet', on: [key]}", step));
        _bench.AssertRows("out/t", $"WITH t AS (FROM '@/t.parquet'), r AS (FROM '@/r.parquet'), u AS (FROM '@/u.parquet') SELECT *, month(day::DATE) AS month FROM ({expected})");
        if (inOrder) AssertOrder("id");
    }

    [Fact]
    public async Task Lists_that_become_rows_stay_where_they_are()
    {
        Write($"SELECT i AS id, hash(i)::VARCHAR AS key, DATE '2021-01-01' + (i * 7919 % 365)::INT AS day, [i, -i] AS list FROM range({Rows / 2}) AS r(i)");
        await _bench.RunAsync(Job("{with: '@/r.parquet', on: [key]}", "unnest: {column: list}"));
        _bench.AssertRows("out/t", "SELECT id, key, day, unnest(list) AS list, v, month(day) AS month FROM '@/t.parquet' JOIN '@/r.parquet' USING (key)");
        AssertOrder("id");
    }

    [Theory]
    [InlineData("inner", 80_000)]
    [InlineData("semi", 80_000)]
    [InlineData("anti", 40_000)]
    [InlineData("full", 150_000)]
    public async Task Every_kind_of_join_keeps_it(string how, int rows)
    {
        Write($"SELECT i AS id, hash(i)::VARCHAR AS key, DATE '2021-01-01' + (i * 7919 % 365)::INT AS day FROM range({Rows}) AS r(i)", 40_000, 150_000);
        await _bench.RunAsync(Job($"{{with: '@/r.parquet', on: [key], how: {how}}}", ""));
        Assert.Equal(rows.ToString(CultureInfo.InvariantCulture), _bench.Texts("SELECT count(*) FROM read_parquet('@/out/t/**/*.parquet')")[0]);
        Assert.Equal(["day", "id", "key", "month", .. how is "semi" or "anti" ? Array.Empty<string>() : ["v"]],
            _bench.Texts("SELECT column_name FROM (DESCRIBE FROM read_parquet('@/out/t/**/*.parquet', hive_partitioning = true)) ORDER BY 1"));

        // Of each vector, those without a match come last.
        AssertOrder(how == "full" ? "coalesce(id, 1_000_000)" : "id", fallsMax: how == "full" ? 100 : 3);
    }

    [Theory]
    [InlineData("parquet", "read_parquet('{0}', hive_partitioning = true)")]
    [InlineData("csv", "read_csv('{0}', hive_partitioning = true, types = {{'key': 'VARCHAR'}})")]
    [InlineData("ndjson", "read_json('{0}', hive_partitioning = true, columns = {{'id': 'BIGINT', 'key': 'VARCHAR', 'day': 'DATE', 'v': 'BIGINT'}})")]
    public async Task Files_of_one_folder_are_written_one_after_the_other(string format, string reader)
    {
        Write($"SELECT i AS id, hash(i)::VARCHAR AS key, DATE '2021-01-01' + (i * 7919 % 365)::INT AS day FROM range({Rows}) AS r(i)");
        await _bench.RunAsync(Job("{with: '@/r.parquet', on: [key]}", "").Replace("{month: \"month(day::DATE)\"}", "{half: \"['a/b=c', ' %20é', NULL][day.month() // 5 + 1]\", key: \"id % 2\"}", StringComparison.Ordinal)
            .Replace("max_rows_per_file: 4000", "max_rows_per_file: 16500", StringComparison.Ordinal).Replace("engine:", $"format: {format}\nengine:", StringComparison.Ordinal)
            .Replace("key: \"id", "k: \"id", StringComparison.Ordinal));
        var files = _bench.Texts($"SELECT file FROM glob('@/out/t/**/*.{format}')");
        Assert.Equal(10, files.Count);
        var all = string.Format(CultureInfo.InvariantCulture, reader, _bench.Folder[$"out/t/**/*.{format}"]);
        _bench.Execute($"CREATE TABLE written AS SELECT id, key, day, v, half, k FROM {all}");
        _bench.Execute("CREATE TABLE expected AS SELECT t.*, v, ['a/b=c', ' %20é', NULL][day.month() // 5 + 1] AS half, id % 2 AS k FROM '@/t.parquet' AS t JOIN '@/r.parquet' USING (key)");
        Assert.Equal("0", _bench.Texts("SELECT count(*) FROM ((FROM written) EXCEPT ALL (FROM expected))")[0]);
        Assert.Equal(Rows.ToString(CultureInfo.InvariantCulture), _bench.Texts("SELECT count(*) FROM written")[0]);
        foreach (var file in files)
        {
            var ids = _bench.Texts($"SELECT id FROM {string.Format(CultureInfo.InvariantCulture, reader, file.Replace("'", "''", StringComparison.Ordinal))}").ConvertAll(long.Parse);
            Assert.InRange(ids.Count, 1, 16_500);
            Assert.Equal(ids.Order(), ids);
        }
    }

    [Fact]
    public async Task Rules_and_their_quarantine_see_the_columns_of_the_job_alone()
    {
        Write($"SELECT i AS id, hash(i)::VARCHAR AS key, DATE '2021-01-01' + (i * 7919 % 365)::INT AS day FROM range({Rows}) AS r(i)");
        await _bench.RunAsync(Job("{with: '@/r.parquet', on: [key]}", "") + "\n    expect:\n      - between: {v: [0, 119990]}\n        action: quarantine");
        _bench.AssertRows("out/t", "SELECT t.*, v, month(day) AS month FROM '@/t.parquet' AS t JOIN '@/r.parquet' USING (key) WHERE v <= 119990");
        AssertOrder("id");
        var rejects = Directory.GetFiles(_bench.Folder["state"], "*.ndjson", SearchOption.AllDirectories).Where(static path => path.Contains("/rejects/", StringComparison.Ordinal)).SelectMany(File.ReadLines).ToArray();
        Assert.Equal(9, rejects.Length);
        Assert.DoesNotContain(rejects, static line => line.Contains("millrace_place", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Folders_whose_keys_share_a_buckets_number_keep_their_own_rows()
    {
        Write($"SELECT i AS id, hash(i)::VARCHAR AS key, CASE WHEN hash(i) % 2 = 0 THEN 133007 ELSE 125666 END::BIGINT AS day FROM range({Rows}) AS r(i)");
        await _bench.RunAsync(Job("{with: '@/r.parquet', on: [key]}", "").Replace("{month: \"month(day::DATE)\"}", "[day]", StringComparison.Ordinal).Replace("4000", "17000", StringComparison.Ordinal));
        _bench.AssertRows("out/t", "SELECT id, key, v, day FROM '@/t.parquet' JOIN '@/r.parquet' USING (key)");
        Assert.All(_bench.Texts("SELECT count(*) FROM read_parquet('@/out/t/**/*.parquet', filename = true) GROUP BY filename"), static rows => Assert.InRange(int.Parse(rows, CultureInfo.InvariantCulture), 1, 17_000));
    }

    [Fact]
    public async Task Folders_of_whole_rows_do_not_see_where_rows_come_from()
    {
        Write($"SELECT i AS id, hash(i)::VARCHAR AS key, DATE '2021-01-01' + (i * 7919 % 365)::INT AS day FROM range({Rows}) AS r(i)");
        await _bench.RunAsync(Job("{with: '@/r.parquet', on: [key]}", "").Replace("{month: \"month(day::DATE)\"}", "{part: \"hash(input) % 4\"}", StringComparison.Ordinal));
        _bench.AssertRows("out/t", "SELECT *, (hash(t) % 4)::BIGINT AS part FROM (SELECT t.*, v FROM '@/t.parquet' AS t JOIN '@/r.parquet' USING (key)) AS t");
        Assert.InRange(_bench.Texts("SELECT file FROM glob('@/out/t/**/*.parquet')").Count, 32, 40);
    }

    [Fact]
    public async Task A_folder_can_not_be_made_of_what_the_job_has_not()
    {
        Write($"SELECT i AS id, hash(i)::VARCHAR AS key, DATE '2021-01-01' + (i * 7919 % 365)::INT AS day FROM range({Rows}) AS r(i)");
        var summary = await _bench.TryRunAsync(Job("{with: '@/r.parquet', on: [key]}", "").Replace("month(day::DATE)", "millrace_place % 2", StringComparison.Ordinal));
        Assert.Contains("millrace_place", Assert.Single(summary.Faults).Describe(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_column_of_that_name_that_a_later_step_brings_stays()
    {
        Write($"SELECT i AS id, hash(i)::VARCHAR AS key, DATE '2021-01-01' + (i * 7919 % 365)::INT AS day FROM range({Rows}) AS r(i)");
        _bench.Write("u.parquet", $"SELECT hash(i)::VARCHAR AS key, i AS millrace_place FROM range({Rows}) AS r(i)");
        await _bench.RunAsync(Job("{with: '@/r.parquet', on: [key]}", "join: {with: '@/u.parquet', on: [key]}"));
        _bench.AssertRows("out/t", "SELECT t.*, v, millrace_place, month(day) AS month FROM '@/t.parquet' AS t JOIN '@/r.parquet' USING (key) JOIN '@/u.parquet' USING (key)");
    }

    [Fact]
    public async Task A_column_of_that_name_stays()
    {
        Write($"SELECT i AS id, i // 2 AS millrace_place, hash(i)::VARCHAR AS key, DATE '2021-01-01' + (i * 7919 % 365)::INT AS day FROM range({Rows}) AS r(i)");
        await _bench.RunAsync(Job("{with: '@/r.parquet', on: [key]}", ""));
        _bench.AssertRows("out/t", "SELECT t.*, v, month(day) AS month FROM '@/t.parquet' AS t JOIN '@/r.parquet' USING (key)");
        AssertOrder("id");
    }

    public void Dispose() => _bench.Dispose();

    private static string Job(string join, string step) => $$"""
        source: '@/t.parquet'
        target: '@/out'
        limits: {memory: 512MB, workers: 2}
        engine: inproc
        streams:
          t:
            partition: {rows: 9000}
            transform:
              - join: {{join}}
              {{(step.Length == 0 ? "" : "- " + step)}}
            write: {partition_by: {month: "month(day::DATE)"}, max_rows_per_file: 4000}
        """;

    /// <summary>Writes a left side in the order of its ids, and right sides in others.</summary>
    private void Write(string left, int from = 0, int to = Rows)
    {
        _bench.Write("t.parquet", left);
        _bench.Write("r.parquet", $"SELECT hash(i)::VARCHAR AS key, i AS v FROM range({from}, {to}) AS r(i) ORDER BY hash(i)");
        _bench.Write("u.parquet", $"SELECT hash(i)::VARCHAR AS key, 'w' || i AS w FROM range({Rows}) AS r(i) ORDER BY hash(i + 7)");
    }

    /// <summary>Rows of each file ascend, but for where DuckDB writes a stretch of more than half a row group at once, before what is left of the one before.</summary>
    private void AssertOrder(string by, int fallsMax = 3)
    {
        foreach (var file in _bench.Texts("SELECT file FROM glob('@/out/t/**/*.parquet')"))
        {
            var falls = _bench.Texts($"SELECT count(*) FILTER (before > place) FROM (SELECT {by} AS place, lag({by}) OVER (ORDER BY file_row_number) AS before FROM read_parquet('{file}', file_row_number = true))");
            Assert.InRange(int.Parse(falls[0], CultureInfo.InvariantCulture), 0, fallsMax);
        }
    }
}
