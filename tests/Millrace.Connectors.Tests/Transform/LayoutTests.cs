using System.Globalization;
using Millrace.Faults;
using Millrace.Telemetry;
using Millrace.Transform;

namespace Millrace.Connectors.Tests.Transform;

/// <summary>Folders by expression, bounds on files, order within them: in a stream of one unit, of some, and of many.</summary>
public sealed class LayoutTests : IDisposable
{
    private const string Rows = """
        SELECT i AS id, TIMESTAMP '2021-01-01' + to_hours(((i * 40503) % 8760)::BIGINT) AS seen, 'n' || (i * 7919) % 1000 AS name,
               CASE (i * 31) % 5 WHEN 0 THEN NULL WHEN 1 THEN 'a/b=c' WHEN 2 THEN ' %20''"é' WHEN 3 THEN '' ELSE 'x' END AS kind, (i * 613) % 97 AS score
        FROM range({0}) AS t(i)
        """;

    private readonly TransformBench _bench = new();

    [Theory]
    [InlineData("", 1)]
    [InlineData("", 20)]
    [InlineData("transform: [{map: \"select * from input where true\"}]", 1)]
    [InlineData("transform: [{map: \"select * from input where true\"}]", 20)]
    public async Task Expressions_become_folders_and_no_columns(string steps, int units)
    {
        Write(40_000);
        await _bench.RunAsync(Job($"{{partition_by: {{year: \"year(seen)\", m: \"month(seen) -- of the year\", big: \"score > $most\"}}}}", units, steps), "params.most=50");
        _bench.AssertRows("out/t", "SELECT *, (score > 50)::VARCHAR AS big, month(seen) AS m, year(seen) AS year FROM '@/t.parquet'");
        Assert.Equal("5", _bench.Texts($"SELECT count(*) FROM parquet_schema('{Files("out/t")[0]}') WHERE type IS NOT NULL")[0]);
        Assert.Equal(24, Files("out/t").Count);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Expressions_become_folders_behind_a_join_whose_other_side_is_kept_in_memory(int units)
    {
        Write(40_000);
        _bench.Write("few.parquet", "SELECT i::BIGINT AS id, 'few' || i AS few FROM range(100) AS t(i)");
        await _bench.RunAsync(Job("{partition_by: [\"year(seen)\"]}", units, "transform: [{join: {with: '@/few.parquet', on: [id]}}]"));
        _bench.AssertRows("out/t", "SELECT t.*, few, year(seen) AS year FROM '@/t.parquet' AS t LEFT JOIN '@/few.parquet' USING (id)");
    }

    [Theory]
    [InlineData(1, 700)]
    [InlineData(3, 700)]
    [InlineData(20, 700)]
    [InlineData(20, 100_000)]
    public async Task No_file_has_more_rows_than_it_may_and_there_are_no_crumbs(int units, int most)
    {
        Write(40_000);
        await _bench.RunAsync(Job($"{{partition_by: [\"month(seen)\", kind], max_rows_per_file: {most}}}", units));
        _bench.AssertRows("out/t", "SELECT * EXCLUDE (kind), kind, month(seen) AS month FROM '@/t.parquet'");
        var files = Files("out/t");
        Assert.All(files, file => Assert.InRange(RowsOf(file), 1, most));
        var perfect = int.Parse(_bench.Texts($"SELECT sum((n + {most - 1}) // {most}) FROM (SELECT count(*) AS n FROM '@/t.parquet' GROUP BY month(seen), kind)")[0], CultureInfo.InvariantCulture);
        if (units == 20) Assert.InRange(files.Count, perfect, perfect + (40_000 / most) + 1);
        else Assert.InRange(files.Count, perfect, (40_000 / most) + (2 * 60 * units));
    }

    [Theory]
    [InlineData("{cluster_by: [v]}")]
    [InlineData("{cluster_by: [v desc], partition_by: [half]}")]
    public async Task An_order_keeps_the_sign_of_zero(string write)
    {
        _bench.Write("t.parquet", "SELECT i AS id, i % 2 AS half, CASE i % 4 WHEN 0 THEN -0.0::DOUBLE WHEN 1 THEN 0.0 ELSE i - 500.5 END AS v FROM range(1000) AS t(i)");
        await _bench.RunAsync(Job(write, units: 1));
        Assert.Equal(["250"], _bench.Texts("SELECT count(*) FROM read_parquet('@/out/t/**/*.parquet') WHERE v::VARCHAR = '-0.0'"));
    }

    [Theory]
    [InlineData("{cluster_by: [name, score desc]}", 1)]
    [InlineData("{cluster_by: [name, score desc], max_rows_per_file: 3000}", 1)]
    [InlineData("{cluster_by: [name, score desc], max_rows_per_file: 300}", 20)]
    [InlineData("{cluster_by: [name, score desc], partition_by: [\"year(seen)\"], max_rows_per_file: 30000}", 1)]
    [InlineData("{cluster_by: [name, score desc], partition_by: [\"month(seen)\"], max_rows_per_file: 5000}", 20)]
    [InlineData("{cluster_by: [name, score desc], partition_by: [\"year(seen)\"], row_group_rows: 2048}", 20)]
    public async Task Rows_are_in_order_within_each_file(string write, int units)
    {
        Write(100_000);
        await _bench.RunAsync(Job(write, units));
        Assert.True(_bench.Texts("SELECT file FROM glob('@/out/t/**/*.parquet')").Count < 2000);
        Assert.Equal("100000", _bench.Texts("SELECT count(DISTINCT id) FROM read_parquet('@/out/t/**/*.parquet')")[0]);
        foreach (var file in Files("out/t"))
        {
            Assert.Equal("0", _bench.Texts($"""
                SELECT count(*) FROM (
                    SELECT name AS n, score AS s, lag(name) OVER (ORDER BY file_row_number) AS before, lag(score) OVER (ORDER BY file_row_number) AS score_before
                    FROM read_parquet('{file.Replace("'", "''", StringComparison.Ordinal)}', file_row_number = true))
                WHERE before > n OR (before = n AND score_before < s)
                """)[0]);
        }
    }

    [Fact]
    public async Task Rows_behind_a_step_by_key_are_in_its_order_in_each_folder()
    {
        Write(120_000);
        _bench.Bounds = new StageBounds { WholeRowsMax = -1, KeyUnitBytesMax = 1_000_000 };
        await _bench.RunAsync(Job("{partition_by: [\"month(seen)\"], max_rows_per_file: 4000}", 1, "transform: [{dedupe: {by: [id], order_by: [name]}}]").Replace("512MB", "2GB", StringComparison.Ordinal));
        _bench.AssertRows("out/t", "SELECT *, month(seen) AS month FROM '@/t.parquet'");
        var files = _bench.Texts("SELECT file FROM glob('@/out/t/month=3/*.parquet')");
        Assert.InRange(files.Count, 3, 5);
        foreach (var file in files)
        {
            // DuckDB writes a stretch of more than half a row group at once, before what is left of the one before: a few row groups begin anew.
            var falls = _bench.Texts($"SELECT count(*) FILTER (before > id) FROM (SELECT id, lag(id) OVER (ORDER BY file_row_number) AS before FROM read_parquet('{file}', file_row_number = true))");
            Assert.InRange(int.Parse(falls[0], CultureInfo.InvariantCulture), 0, 3);
        }
    }

    [Theory]
    [InlineData("csv", "read_csv('{0}/**/*.csv', hive_partitioning = true)")]
    [InlineData("ndjson", "read_json('{0}/**/*.ndjson', hive_partitioning = true)")]
    public async Task Other_formats_have_the_same_layout(string format, string reader)
    {
        Write(20_000);
        await _bench.RunAsync(Job("{partition_by: [\"month(seen)\"], cluster_by: [score, id desc], max_rows_per_file: 1000}", 10).Replace("engine:", $"format: {format}\nengine:", StringComparison.Ordinal));
        var from = string.Format(CultureInfo.InvariantCulture, reader, _bench.Folder["out/t"]);
        Assert.Equal("0", _bench.Texts($"SELECT count(*) FROM ((SELECT id, month(seen) FROM '@/t.parquet') EXCEPT ALL (SELECT id, month FROM {from}))")[0]);
        foreach (var file in Files("out/t", format))
        {
            var ids = _bench.Texts($"SELECT score FROM {reader.Replace("{0}/**/*." + format, file, StringComparison.Ordinal)}").ConvertAll(int.Parse);
            Assert.InRange(ids.Count, 1, 1000);
            Assert.Equal(ids.Order(), ids);
        }
    }

    [Fact]
    public async Task Many_partitions_of_many_units_are_put_together()
    {
        _bench.Write("t.parquet", "SELECT i AS id, (i * 7919) % 3000 AS p, 'v' || i AS v FROM range(30000) AS t(i)");
        await _bench.RunAsync(Job("{partition_by: {p: p, half: \"p // 2\"}}", 15).Replace("512MB", "256MB", StringComparison.Ordinal));
        _bench.AssertRows("out/t", "SELECT id, v, p // 2 AS half, p FROM '@/t.parquet'");
        Assert.InRange(Files("out/t").Count, 3000, 6000);
    }

    [Fact]
    public async Task Ten_thousand_partitions_take_little_memory()
    {
        _bench.Write("t.parquet", "SELECT i AS id, (i * 7919) % 10000 AS p, 'value ' || i AS v, i * 0.5 AS a FROM range(100000) AS t(i)");
        await _bench.RunAsync(Job("{partition_by: [p]}", 1).Replace("512MB", "256MB", StringComparison.Ordinal));
        Assert.Equal("100000 10000", _bench.Texts("SELECT count(*) || ' ' || count(DISTINCT p) FROM read_parquet('@/out/t/**/*.parquet') WHERE p = id * 7919 % 10000")[0]);
        Assert.Equal(10_000, Files("out/t").Count);
    }

    [Fact]
    public async Task A_table_without_rows_is_a_table()
    {
        _bench.Write("t.parquet", Rows.Replace("{0}", "0", StringComparison.Ordinal));
        await _bench.RunAsync(Job("{partition_by: [\"year(seen)\"], cluster_by: [id], max_rows_per_file: 10}", 1));
        Assert.True(Directory.Exists(_bench.Folder["out/t"]));
        Assert.Empty(Files("out/t"));
    }

    [Fact]
    public async Task Rows_keyed_by_the_folders_are_not_put_together_again()
    {
        Write(300_000);
        var summary = await _bench.RunAsync(Job("{partition_by: [score]}", 20, "transform: [{dedupe: {by: [score], order_by: [id]}}]"));
        Assert.Equal(97, Files("out/t").Count);
        Assert.Equal(RunStatus.Succeeded, summary.Status);
        Assert.DoesNotContain(Directory.EnumerateDirectories(_bench.Folder["state"], "2", SearchOption.AllDirectories), static path => path.Contains("stages", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{partition_by: {m: \"max(score)\"}}", "max")]
    [InlineData("{partition_by: {m: \"scores + 1\"}}", "scores")]
    [InlineData("{partition_by: {m: \"random()\"}}", "random")]
    [InlineData("{partition_by: {score: \"score % 2\"}}", "a column of the table")]
    [InlineData("{partition_by: {m: \"score / 2.5\"}}", "can't be a folder's name")]
    [InlineData("{partition_by: [nothing]}", "nothing")]
    [InlineData("{cluster_by: [nam]}", "nam")]
    [InlineData("{partition_by: [\"year(seen)\"], max_file_bytes: 1MB}", "max_file_bytes")]
    public async Task What_can_not_be_is_refused_before_any_row_is_read(string write, string word)
    {
        Write(5_000);
        var summary = await _bench.TryRunAsync(Job(write, 20));
        var fault = Assert.Single(summary.Faults);
        Assert.Equal(FaultKind.JobFile, fault.Kind);
        Assert.Contains(word, fault.Describe(), StringComparison.Ordinal);
        Assert.Contains("job.yaml:", fault.Where, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_bench.Folder["out/t"]));
    }

    public void Dispose() => _bench.Dispose();

    private static string Job(string write, int units, string steps = "") => $$"""
        source: '@/t.parquet'
        target: '@/out'
        limits: {memory: 512MB, workers: 2}
        engine: inproc
        params: {most: 50}
        streams:
          t:
            {{(units == 1 ? "" : $"partition: {{rows: {40_000 / units}}}")}}
            {{steps}}
            write: {{write}}
        """;

    private void Write(int rows) => _bench.Write("t.parquet", Rows.Replace("{0}", rows.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal), 1024);

    private List<string> Files(string table, string ending = "parquet") => _bench.Texts($"SELECT file FROM glob('@/{table}/**/*.{ending}')");

    private long RowsOf(string file) => long.Parse(_bench.Texts($"SELECT count(*) FROM read_parquet('{file.Replace("'", "''", StringComparison.Ordinal)}')")[0], CultureInfo.InvariantCulture);
}
