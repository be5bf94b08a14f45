using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Connectors.Tests.Transform;

/// <summary>The rule that no two rows of the table have the same values: in place, in units of steps by key, and in a stage of its own.</summary>
public sealed class UniqueTests : IDisposable
{
    private const int Many = 250_000;

    private readonly ExpectBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Theory]
    [InlineData(5_000)]
    [InlineData(Many)]
    public async Task Rows_with_the_same_values_are_counted_and_those_with_NULL_are_not_compared(int rows)
    {
        _bench.Write(rows);
        var outcomes = await _bench.RunAsync(
            [], "{unique: [k, v], action: warn}", "unique: id", "{unique: [score], action: warn}", "{not_null: k, action: warn}", "{unique: [id, v], action: fail}");
        Assert.Equal(
            [_bench.Twice("k, v", "k IS NOT NULL AND v IS NOT NULL"), 0, _bench.Twice("score", "true"), _bench.Count("k IS NULL"), 0], outcomes.Select(static outcome => outcome.Rows));
        Assert.All(outcomes[0].Samples, static sample => Assert.Contains("\"v\":\"v", sample, StringComparison.Ordinal));
        Assert.Equal(Limits.RuleSamplesMax, outcomes[0].Samples.Length);
        _bench.Files.AssertRows("out/t", "SELECT * FROM '@/t.parquet'");
    }

    [Theory]
    [InlineData(5_000)]
    [InlineData(Many)]
    public async Task Nothing_is_published_when_two_rows_are_the_same(int rows)
    {
        _bench.Files.Write("t.parquet", $"SELECT CASE WHEN i = {rows - 1} THEN 3 ELSE i END AS id, 'x' || i AS x FROM range({rows}) AS t(i)");
        var summary = await _bench.Files.TryRunAsync(ExpectBench.Job([], ["unique: [id]"]));
        var fault = Assert.Single(summary.Faults);
        Assert.Equal((FaultKind.Data, 4), (fault.Kind, fault.ExitCode));
        Assert.Contains($"2 of {rows:N0} rows break id: unique (expect[0].unique), such as {{\"id\":3", fault.Message, StringComparison.Ordinal);
        Assert.False(_bench.IsPublished);
    }

    [Theory]
    [InlineData(5_000)]
    [InlineData(Many)]
    public async Task Rows_in_quarantine_are_not_compared(int rows)
    {
        _bench.Files.Write("t.parquet", $"SELECT i // 2 AS id, i % 2 = 0 AS good FROM range({rows}) AS t(i)");
        var job = ExpectBench.Job(["map: select * from input"], ["{sql: good, action: quarantine}", "unique: [id]"]);
        var summary = await _bench.Files.RunAsync(job, "limits.rejects=60%");
        Assert.Equal([rows / 2, 0], summary.Rules["t"].Select(static outcome => outcome.Rows));
        Assert.Equal((rows, rows / 2, rows / 2), (summary.RowsRead, summary.RowsRejected, summary.RowsWritten));
        Assert.Equal(rows / 2, _bench.Quarantined().Count);
    }

    [Fact]
    public async Task Rows_keep_their_order_in_place()
    {
        var ids = Enumerable.Range(0, 5_000).Select(static i => $"{i * 7_919 % 5_003}").ToList();
        File.WriteAllLines(_bench.Files.Folder["t.csv"], ids.Select(static (id, i) => $"{id},{i / 3}").Prepend("id,k"));
        var job = ExpectBench.Job([], ["unique: [id]", "{unique: k, action: warn}"], target: "@/out.csv").Replace("t.parquet", "t.csv", StringComparison.Ordinal);
        var summary = await _bench.Files.RunAsync(job);
        Assert.Equal([0, 5_000], summary.Rules["t"].Select(static rule => rule.Rows));
        Assert.Equal(ids, _bench.Files.Texts("SELECT id FROM '@/out.csv'"));
    }

    [Fact]
    public async Task One_file_is_checked_before_it_is_written()
    {
        _bench.Write(Many);
        var summary = await _bench.Files.RunAsync(ExpectBench.Job([], ["unique: id", "{unique: [k, v], action: warn}", "{not_null: v, action: warn}"], target: "@/out.csv"));
        Assert.Equal([0, _bench.Twice("k, v", "k IS NOT NULL AND v IS NOT NULL"), _bench.Count("v IS NULL")], summary.Rules["t"].Select(static outcome => outcome.Rows));
        Assert.Equal(_bench.Files.Texts("SELECT sum(id) FROM '@/t.parquet'"), _bench.Files.Texts("SELECT sum(id) FROM '@/out.csv'"));
    }

    [Theory]
    [InlineData("group: {by: [k, v], n: \"count(*)\"}", "unique: [v, k, n]", 2)]
    [InlineData("dedupe: {by: [k]}", "unique: [k]", 2)]
    [InlineData("dedupe: {by: [k]}", "unique: [v]", 3)]
    [InlineData("map: select * from input", "unique: [id]", 2)]
    public async Task Rows_that_a_step_has_brought_together_are_not_brought_together_again(string step, string rule, int stages)
    {
        _bench.Write(Many);
        Assert.Equal(stages, (await _bench.StagesAsync(ExpectBench.Job([step], [$"{rule}\n        action: warn"]))).Count);
    }

    [Theory]
    [InlineData("select *, id + 1 as more from input where id > 3", 2)]
    [InlineData("select k as k, v from input", 2)]
    [InlineData("select i.k, i.v from input as i", 2)]
    [InlineData("select * exclude (k), -k as k from input", 3)]
    [InlineData("select * replace (-k as k) from input", 3)]
    [InlineData("select id as k, v from input", 3)]
    [InlineData("with input as (select -k as k from input) select * from input", 3)]
    public async Task A_map_that_leaves_the_key_alone_leaves_its_rows_together(string map, int stages)
    {
        _bench.Write(Many);
        var job = ExpectBench.Job(["dedupe: {by: [k], order_by: id}", $"map: {map}"], ["{unique: [k], action: warn}"]);
        Assert.Equal(stages, (await _bench.StagesAsync(job)).Count);
        Assert.Equal(0, Assert.Single((await _bench.Files.RunAsync(job)).Rules["t"]).Rows);
    }

    [Fact]
    public async Task Rows_that_a_step_makes_of_one_key_are_found_in_its_units()
    {
        _bench.Write(Many);
        string[] rules = ["{unique: [k, score], action: warn}", "{sql: id > 120000, action: quarantine}"];
        var summary = await _bench.Files.RunAsync(ExpectBench.Job(["nest: {by: [k], as: items}", "unnest: items"], rules), "limits.rejects=60%");
        Assert.Equal([_bench.Twice("k, score", "k IS NOT NULL AND id > 120000"), 120_001], summary.Rules["t"].Select(static rule => rule.Rows));
        Assert.NotEqual(_bench.Twice("k, score", "k IS NOT NULL"), summary.Rules["t"][0].Rows);
    }

    [Fact]
    public async Task An_incremental_load_can_not_know_the_whole_table()
    {
        _bench.Write(10);
        var summary = await _bench.Files.TryRunAsync(ExpectBench.Job([], ["unique: [id]"], more: "mode: incremental\n    cursor: id"));
        Assert.Contains("mode: incremental", Assert.Single(summary.Faults).Message, StringComparison.Ordinal);
    }
}
