using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Telemetry;

namespace Millrace.Connectors.Tests.Transform;

/// <summary>Rules about single rows and about their number: what breaks them is what DuckDB says, whatever becomes of it.</summary>
public sealed class ExpectTests : IDisposable
{
    private readonly ExpectBench _bench = new();

    public void Dispose() => _bench.Dispose();

    /// <summary>Rules, and the rows that break them. Rows with NULL keep all but the first.</summary>
    public static TheoryData<string, string> Rules => new()
    {
        { "not_null: [k, v]", "k IS NULL OR v IS NULL" },
        { "accepted: {v: [v0, v1, v2]}", "v NOT IN ('v0', 'v1', 'v2')" },
        { "accepted: {k: [1, 2, 3]}", "k NOT IN (1, 2, 3)" },
        { "between: {score: [1, 100.5]}", "score < 1 OR score > 100.5" },
        { "between: {day: [2026-01-05, null]}", "day < '2026-01-05'" },
        { "matches: {v: '^v[0-4]$'}", "NOT regexp_matches(v, '^v[0-4]$')" },
        { "sql: k * 2 < id -- as it is", "NOT (k * 2 < id)" },
    };

    [Theory]
    [MemberData(nameof(Rules))]
    public async Task What_breaks_a_rule_is_counted_and_published_where_it_warns(string rule, string broken)
    {
        _bench.Write(5_000);
        var outcome = await _bench.OnlyAsync([], $"{Quoted(rule)}\n        action: warn");
        Assert.Equal((true, _bench.Count(broken), ExpectAction.Warn, 3), (outcome.IsBroken, outcome.Rows, outcome.Action, outcome.Samples.Length));
        _bench.Files.AssertRows("out/t", "SELECT * FROM '@/t.parquet'");
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public async Task Rows_that_break_a_rule_go_to_quarantine_with_the_reason(string rule, string broken)
    {
        _bench.Write(5_000);
        var yaml = ExpectBench.Job([], [$"{Quoted(rule)}\n        action: quarantine"]);
        var summary = await _bench.Files.RunAsync(yaml);
        var count = _bench.Count(broken);
        Assert.True(count > 0);
        Assert.Equal((5_000, count, 5_000 - count), (summary.RowsRead, summary.RowsRejected, summary.RowsWritten));
        Assert.Equal((true, count), (summary.Rules["t"][0].IsBroken, summary.Rules["t"][0].Rows));
        _bench.Files.AssertRows("out/t", $"SELECT * FROM '@/t.parquet' WHERE ({broken}) IS NOT TRUE");
        var lines = _bench.Quarantined();
        Assert.Equal(count, lines.Select(static line => line.GetProperty("row").GetProperty("id").GetInt64()).Distinct().Count());
        Assert.All(lines, line => Assert.StartsWith($"expected {rule[..rule.IndexOf(':', StringComparison.Ordinal)]}", line.GetProperty("rejects")[0].GetProperty("reason").GetString(), StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Rules))]
    public async Task Nothing_is_published_where_a_rule_fails(string rule, string broken)
    {
        _bench.Write(5_000);
        var summary = await _bench.Files.TryRunAsync(ExpectBench.Job([], [Quoted(rule)]));
        var fault = Assert.Single(summary.Faults);
        Assert.Equal((RunStatus.Failed, FaultKind.Data, 4), (summary.Status, fault.Kind, fault.ExitCode));
        Assert.Contains($"{_bench.Count(broken):N0} of 5,000 rows break ", fault.Message, StringComparison.Ordinal);
        Assert.Contains("streams.t.expect[0].", fault.Where, StringComparison.Ordinal);
        Assert.Contains("such as {", fault.Message, StringComparison.Ordinal);
        Assert.False(_bench.IsPublished);
    }

    [Theory]
    [InlineData("map: select * from input", 60_000)]
    [InlineData("dedupe: {by: [id]}", 5_000)]
    [InlineData("dedupe: {by: [id]}", 250_000)]
    public async Task Every_rule_counts_behind_steps_in_many_units(string step, int rows)
    {
        _bench.Write(rows);
        var rules = Rules.Select(static row => row.Data).ToArray();
        var outcomes = await _bench.RunAsync([step], [.. rules.Select(static rule => $"{Quoted(rule.Item1)}\n        action: warn"), "not_null: id"]);
        Assert.Equal([.. rules.Select(rule => _bench.Count(rule.Item2)), 0], outcomes.Select(static outcome => outcome.Rows));
        Assert.False(outcomes[^1].IsBroken);
        _bench.Files.AssertRows("out/t", "SELECT * FROM '@/t.parquet'");
    }

    [Fact]
    public async Task A_row_in_quarantine_breaks_no_rule_of_the_others()
    {
        _bench.Write(20_000);
        string[] rules = ["{not_null: v, action: quarantine}", "{sql: \"id % 11 > 0\", action: fail}", "{between: {score: [null, 50]}, action: quarantine}", "row_count: {max: 10000}"];
        var outcomes = (await _bench.Files.RunAsync(ExpectBench.Job(["map: select * from input"], rules), "limits.rejects=90%")).Rules["t"];
        Assert.Equal(
            [_bench.Count("v IS NULL"), 0, _bench.Count("score > 50"), _bench.Count("v IS NOT NULL AND score <= 50")], outcomes.Select(static outcome => outcome.Rows));
        Assert.Contains(_bench.Quarantined(), static line => line.GetProperty("rejects").GetArrayLength() == 2);
    }

    [Fact]
    public async Task Too_many_rows_in_quarantine_are_a_flood()
    {
        _bench.Write(5_000);
        var summary = await _bench.Files.TryRunAsync(ExpectBench.Job([], ["{not_null: v, action: quarantine}"]), "limits.rejects=10");
        Assert.Equal(FaultKind.Limit, Assert.Single(summary.Faults).Kind);
        Assert.False(_bench.IsPublished);
    }

    [Theory]
    [InlineData("row_count: 5000", null)]
    [InlineData("row_count: {min: 5000}", null)]
    [InlineData("row_count: {min: 5001}", "found 5,000 rows, expected row_count [5001, null]")]
    [InlineData("row_count: {max: 4999}", "found 5,000 rows, expected row_count [null, 4999]")]
    public async Task The_number_of_rows_is_that_of_the_table(string rule, string? said)
    {
        _bench.Write(5_000);
        var summary = await _bench.Files.TryRunAsync(ExpectBench.Job([], [rule]));
        if (said is null) Assert.Equal((5_000, false), (summary.Rules["t"][0].Rows, summary.Rules["t"][0].IsBroken));
        else Assert.Contains(said, Assert.Single(summary.Faults).Message, StringComparison.Ordinal);
        Assert.Equal(said is null, _bench.IsPublished);
    }

    [Fact]
    public async Task A_sample_shows_the_columns_of_the_rules_first_and_is_cut()
    {
        _bench.Files.Write("t.parquet", "SELECT repeat('x', 1000) AS long, 7 AS n");
        var outcome = await _bench.OnlyAsync([], "{between: {n: [0, 5]}, action: warn}");
        Assert.StartsWith("{\"n\":7,\"long\":\"xxx", Assert.Single(outcome.Samples), StringComparison.Ordinal);
        Assert.Equal(Limits.RuleSampleCharsMax, outcome.Samples[0].Length);
    }

    [Theory]
    [InlineData("between: {id: [abc, null]}", "'abc', which is no value of type BIGINT")]
    [InlineData("between: {id: [1.5, null]}", "'1.5', which is no value of type BIGINT")]
    [InlineData("accepted: {id: [1, many]}", "'many', which is no value of type BIGINT")]
    [InlineData("between: {day: [null, 2026-02-30]}", "'2026-02-30', which is no value of type DATE")]
    [InlineData("between: {day: [null, '2026-02-03 12:00:00']}", "which is no value of type DATE")]
    [InlineData("matches: {id: a}", "of type BIGINT, expected a text")]
    [InlineData("matches: {v: '(a'}", "which is no regular expression")]
    [InlineData("not_null: [idd]", "'idd', which is no column here")]
    [InlineData("unique: [v, idd]", "'idd', which is no column here")]
    [InlineData("sql: id + 1", "expected a condition")]
    [InlineData("sql: sum(id) > 1", "")]
    [InlineData("sql: random() > 1", "")]
    public async Task A_rule_that_can_not_be_checked_is_refused_before_anything_is_read(string rule, string said)
    {
        _bench.Write(10);
        var fault = Assert.Single((await _bench.Files.TryRunAsync(ExpectBench.Job([], [rule]))).Faults);
        Assert.Equal(FaultKind.JobFile, fault.Kind);
        Assert.Contains(said, fault.Message, StringComparison.Ordinal);
        Assert.Contains("streams.t.expect[0].", fault.Where, StringComparison.Ordinal);
    }

    private static string Quoted(string rule) => rule.StartsWith("sql: ", StringComparison.Ordinal) ? $"sql: \"{rule[5..]}\"" : rule;
}
