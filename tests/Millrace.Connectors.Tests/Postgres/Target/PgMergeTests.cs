using System.Globalization;
using System.Text;
using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.Faults;
using Millrace.Telemetry;

namespace Millrace.Connectors.Tests.Postgres.Target;

/// <summary>Rows that find those that are there: merges and incremental loads, against what a model says the table must hold.</summary>
public sealed class PgMergeTests(PgServers servers)
{
    private const string Merge = "streams.public.t.mode=merge";

    private const string Incremental = "streams.public.t.mode=incremental";

    private const string Key = "streams.public.t.key=[id]";

    [Theory]
    [InlineData("PRIMARY KEY (id)")]
    [InlineData("UNIQUE (more, id)")]
    public async Task The_last_of_a_key_counts_and_other_columns_stay(string constraint)
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TABLE t (id int, at int, v text, gone boolean); INSERT INTO t VALUES (1, 5, 'late', false), (1, 3, 'early', true), (2, 1, 'x', true), (3, 1, 'new', NULL), (4, 1, 'same', false)");
        await bench.TargetAsync($"CREATE TABLE t (id int, at int, v text, gone boolean, more text, {constraint}); INSERT INTO t VALUES (1, 0, 'old', false, 'm1'), (2, 0, 'old', false, 'm2'), (4, 1, 'same', false, 'm4'), (9, 0, 'nine', false, 'm9')");
        var before = await bench.TargetTextAsync("SELECT xmin::text FROM t WHERE id = 4");

        for (var round = 0; round < 2; round++) await bench.MoveAsync(Merge, Key, "streams.public.t.cursor=at", "streams.public.t.deletes=gone");

        Assert.Equal(["(1,5,late,f,m1)", "(3,1,new,,)", "(4,1,same,f,m4)", "(9,0,nine,f,m9)"], await bench.TargetRowsAsync("SELECT * FROM t ORDER BY id"));
        // A row that is as it was is not written.
        Assert.Equal(before, await bench.TargetTextAsync("SELECT xmin::text FROM t WHERE id = 4"));
        await bench.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task Rows_without_a_key_are_refused()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TABLE t (id int, v text); INSERT INTO t VALUES (1, 'a'), (NULL, 'b')");

        var fault = Assert.Single((await bench.TryMoveAsync(Merge, Key)).Faults);

        Assert.Equal("1 rows have NULL in 'id', the key: nothing was published", fault.Message);
        Assert.Equal(4, fault.ExitCode);
    }

    /// <summary>Against a model: whatever changes come in whatever order, the table is what a dictionary is.</summary>
    [Fact]
    public async Task Random_changes_give_what_a_dictionary_gives()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        var seed = Random.Shared.Next();
        var random = new Random(seed);
        var model = new SortedDictionary<(int, string), string>();
        await bench.SourceAsync("CREATE TABLE t (a int, \"b \"\"c\"\"\" text, at int, v json, gone boolean)");
        for (var round = 0; round < 4; round++)
        {
            var sql = new StringBuilder("TRUNCATE t");
            var changes = new List<((int, string) Key, int At, string Value, bool Gone)>();
            for (var i = random.Next(200); i >= 0; i--)
                changes.Add(((random.Next(20), "k" + random.Next(3).ToString(CultureInfo.InvariantCulture)), changes.Count, $"{{\"n\": {random.Next(3)}}}", random.Next(4) == 0));
            foreach (var change in changes.OrderBy(_ => random.Next()))
                sql.Append(CultureInfo.InvariantCulture, $"; INSERT INTO t VALUES ({change.Key.Item1}, '{change.Key.Item2}', {change.At}, '{change.Value}', {change.Gone})");
            await bench.SourceAsync(sql.ToString());
            foreach (var change in changes.GroupBy(static change => change.Key).Select(static group => group.MaxBy(static change => change.At)))
            {
                if (change.Gone) model.Remove(change.Key);
                else model[change.Key] = change.Value;
            }

            await bench.MoveAsync(Merge, "streams.public.t.key=[a, 'b \"c\"']", "streams.public.t.cursor=at", "streams.public.t.deletes=gone", "streams.public.t.partition.rows=20");

            var found = await bench.TargetRowsAsync("SELECT a, \"b \"\"c\"\"\" AS b, v FROM t ORDER BY a, b");
            var expected = model.Select(static pair => $"({pair.Key.Item1},{pair.Key.Item2},\"{pair.Value.Replace("\"", "\"\"", StringComparison.Ordinal)}\")").ToList();
            Assert.True(expected.SequenceEqual(found), $"seed {seed}, round {round}:\n{string.Join('\n', expected.Except(found))}\nfound\n{string.Join('\n', found.Except(expected))}");
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_incremental_load_reads_what_came_since_with_equal_values_and_late_rows(bool hasKey)
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        string[] sets = [Incremental, "streams.public.t.cursor=at", "streams.public.t.lag=10m", .. hasKey ? [Key] : Array.Empty<string>()];
        await bench.SourceAsync("CREATE TABLE t (id int, at timestamptz, v text); INSERT INTO t SELECT i, '2024-01-01 12:00'::timestamptz + i * interval '1 minute', 'a' FROM generate_series(1, 60) AS i");

        Assert.Equal(60, (await bench.MoveAsync(sets)).RowsRead);
        // Nothing new: the lag is read again and nothing is doubled.
        Assert.Equal(11, (await bench.MoveAsync(sets)).RowsRead);
        await AssertEqualAsync(bench);
        // One as late as the last, one that was committed late, one that came after.
        await bench.SourceAsync("INSERT INTO t VALUES (61, '2024-01-01 13:00Z', 'equal'), (62, '2024-01-01 12:55Z', 'late'), (63, '2024-01-01 13:05Z', 'new')");
        Assert.Equal(14, (await bench.MoveAsync(sets)).RowsRead);
        await AssertEqualAsync(bench);
        Assert.Equal("2024-01-01 13:05:00+00", await bench.TargetTextAsync("SELECT watermark FROM _millrace_commits WHERE watermark IS NOT NULL ORDER BY committed_at DESC LIMIT 1"));
        await bench.AssertNothingLeftAsync();
    }

    [Fact]
    public async Task An_incremental_load_by_a_number_follows_changes_by_key()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        string[] sets = [Incremental, Key, "streams.public.t.cursor=version", "streams.public.t.where='id > 0'"];
        await bench.SourceAsync("CREATE TABLE t (id int, version bigint, v text); INSERT INTO t SELECT i, i, 'a' FROM generate_series(0, 50) AS i");

        await bench.MoveAsync(sets);
        await bench.SourceAsync("UPDATE t SET version = 50 + id, v = 'b' WHERE id IN (0, 7, 9)");
        Assert.Equal(3, (await bench.MoveAsync(sets)).RowsRead);

        Assert.Equal("50 2 59", await bench.TargetTextAsync("SELECT count(*) || ' ' || count(*) FILTER (WHERE v = 'b') || ' ' || max(version) FROM t"));
    }

    [Fact]
    public async Task Rows_of_an_unknown_origin_need_a_key()
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TABLE t (id int, at int)");
        await bench.TargetAsync("CREATE TABLE t (id int, at int); INSERT INTO t VALUES (1, 1)");

        var summary = await bench.TryMoveAsync(Incremental, "streams.public.t.cursor=at");

        Assert.Equal(RunStatus.Failed, summary.Status);
        Assert.Equal("public.t has rows, and no watermark says up to where they were loaded", summary.Faults[0].Message);
    }

    [Theory]
    [InlineData("partition_by=[id]", "partition_by")]
    [InlineData("max_rows_per_file=5", "max_rows_per_file")]
    [InlineData("max_file_bytes=1MB", "max_file_bytes")]
    [InlineData("cluster_by=[id]", "cluster_by")]
    public async Task How_files_are_laid_out_is_refused(string set, string key)
    {
        await using var bench = await PgTargetBench.CreateAsync(servers);
        await bench.SourceAsync("CREATE TABLE t (id int, name text)");

        var fault = Assert.Single((await bench.TryMoveAsync($"streams.public.t.write.{set}")).Faults);

        Assert.Equal(FaultKind.JobFile, fault.Kind);
        Assert.StartsWith($"found {key}, but ", fault.Message, StringComparison.Ordinal);
        Assert.Contains(key, fault.Where, StringComparison.Ordinal);
    }

    private static async Task AssertEqualAsync(PgTargetBench bench) =>
        Assert.Equal(await bench.SourceRowsAsync("SELECT * FROM t ORDER BY id"), await bench.TargetRowsAsync("SELECT * FROM t ORDER BY id"));
}
