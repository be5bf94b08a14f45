using System.Globalization;
using Millrace.Telemetry;
using Millrace.Transform;

namespace Millrace.Connectors.Tests.Transform;

/// <summary>
/// Random steps over random tables give what plain SQL gives, at once and through buckets. <c>MILLRACE_STEPS_SEED</c> and <c>MILLRACE_STEPS_RUNS</c>
/// choose other seeds than the tests' own.
/// </summary>
public sealed class StepPropertyTests(ITestOutputHelper output) : IDisposable
{
    // Rows go through buckets however few they are, and units are small.
    private static readonly StageBounds s_tiny = new() { WholeRowsMax = -1, SideBytesMax = -1, KeyUnitBytesMax = 8 * 1024 };

    private readonly TransformBench _bench = new();

    // The last ones have found something once: rows that DuckDB need not read (119, 128), NULL in the key of a full join (141).
    public static TheoryData<int> Seeds => Number("SEED") is { } first ? [.. Enumerable.Range(first, Number("RUNS") ?? 1)] : [.. Enumerable.Range(1, 20), 119, 128, 141];

    [Theory]
    [MemberData(nameof(Seeds))]
    public async Task Steps_give_what_SQL_gives(int seed)
    {
        var random = new Random(seed);
        var pipeline = new RandomPipeline(random);
        foreach (var table in pipeline.Tables) _bench.Write($"{table.Name}.parquet", table.Select);
        var expected = Expected(pipeline);
        StageBounds[] bounds =
        [
            new(),
            s_tiny with { SideBytesMax = random.Next(3) == 0 ? 1_000_000 : -1, KeyUnitBytesMax = random.Next(4_000, 40_000) },
        ];
        foreach (var bound in bounds)
        {
            _bench.Bounds = bound;
            var job = pipeline.Job(workers: random.Next(1, 4), unitRows: random.Next(2) == 0 ? 2048 : null);
            var failure = await DifferenceAsync(pipeline, job, expected);
            Assert.True(failure is null, $"seed {seed}, {bound}: {failure}\n{job}\n{string.Join('\n', pipeline.Tables.Select(static table => $"{table.Name}: {table.Select}"))}\n{pipeline.Sql}");
        }
    }

    [Fact]
    public async Task Few_rows_cross_every_boundary()
    {
        _bench.Bounds = s_tiny;
        _bench.Write("t.parquet", "SELECT CASE WHEN i % 3 = 0 THEN 1 ELSE i % 500 END AS k, i AS id FROM range(9000) AS t(i)");
        _bench.Write("r.parquet", "SELECT i AS k, 'r' || i AS name FROM range(9000) AS t(i)");
        await _bench.RunAsync("""
            source: '@/t.parquet'
            target: '@/out'
            limits: {memory: 512MB, workers: 2}
            engine: inproc
            streams:
              t:
                partition: {rows: 2048}
                transform:
                  - join: {with: '@/r.parquet', on: [k]}
                  - nest: {by: [k], as: items}
            """);
        _bench.AssertRows("out/t", "SELECT k, list({'id': id, 'name': name} ORDER BY id) AS items FROM '@/t.parquet' LEFT JOIN '@/r.parquet' USING (k) GROUP BY k");
        var stages = _bench.Events.OfType<StageBegun>().ToArray();
        Assert.Equal([(1, 4), (2, 4), (3, 4)], stages.Select(static stage => (stage.Stage, stage.Of)));
        Assert.True(stages[0].Units >= 4, "the left side is read in several units");
        var labels = _bench.Events.OfType<UnitFinished>().Select(static unit => unit.Label).ToArray();
        Assert.Contains(labels, static label => label.StartsWith("buckets ", StringComparison.Ordinal));
        Assert.Contains(labels, static label => label.Contains(", part 2 of ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("group: {by: [k], total: \"sum(x)\", mean: \"avg(x)\"}", true)]
    [InlineData("nest: {by: [k], as: items, order_by: [y]}", true)]
    [InlineData("dedupe: {by: [k], order_by: [y desc]}", true)]
    [InlineData("join: {with: '@/r.parquet', on: [y]}\n      - group: {by: [k], total: \"sum(x)\", mean: \"avg(z)\"}", false)]
    public async Task The_last_digit_does_not_depend_on_how_rows_are_cut(string step, bool ofSource)
    {
        _bench.Write("t.parquet", "SELECT hash(i) % 40 AS k, i % 7 AS y, (hash(i, 1) % 1000003) / 7.0 * pow(10.0, (hash(i, 2) % 12)::INTEGER) AS x, i AS id FROM range(20000) AS t(i)");
        _bench.Write("r.parquet", "SELECT i % 7 AS y, i / 7.0 AS z FROM range(9) AS t(i)");
        for (var way = 0; way < 4; way++)
        {
            // The order of what a join gives depends on the units; the same units give the same.
            if (!ofSource) _bench.Bounds = s_tiny with { KeyUnitBytesMax = 10_000 };
            else if (way > 0) _bench.Bounds = s_tiny with { KeyUnitBytesMax = way * way * 3_000, SideBytesMax = way % 2 == 0 ? -1 : 100_000 };
            await _bench.RunAsync($$"""
                source: '@/t.parquet'
                target: '@/out'
                limits: {memory: 512MB, workers: {{(ofSource ? 1 + (way % 3) : 2)}}}
                engine: inproc
                streams:
                  t:
                    partition: {rows: {{(ofSource ? 2048 * (1 + way) : 4096)}}}
                    transform:
                      - {{step}}
                """);
            if (way == 0) _bench.Execute("CREATE TABLE first AS SELECT * FROM read_parquet('@/out/t/**/*.parquet')");
            _bench.AssertRows("out/t", "SELECT * FROM first");
        }
    }

    public void Dispose() => _bench.Dispose();

    /// <summary>What must come out; null: the job must fail. Whether it may.</summary>
    private (bool MustFail, bool MayFail) Expected(RandomPipeline pipeline)
    {
        var mustFail = pipeline.MustFail.Any(query => _bench.Texts(query)[0] == "true");
        if (!mustFail) _bench.Execute($"CREATE TABLE expected AS {pipeline.Sql}");
        return (mustFail, pipeline.MayFail.Any(query => _bench.Texts(query)[0] == "true"));
    }

    /// <summary>Runs a job and says what is wrong about its result; null: nothing.</summary>
    private async Task<string?> DifferenceAsync(RandomPipeline pipeline, string job, (bool MustFail, bool MayFail) expected)
    {
        var summary = await _bench.TryRunAsync(job);
        output.WriteLine($"{summary.Units} units, {summary.Seconds} s, {_bench.Events.OfType<UnitFinished>().Count()} finished");
        if (summary.Status != RunStatus.Succeeded)
        {
            var faults = string.Join('\n', summary.Faults.Select(static fault => fault.Describe()));
            return (expected.MustFail || expected.MayFail) && !faults.Contains("internal", StringComparison.OrdinalIgnoreCase) && IsOfKeys(faults) ? null : faults;
        }

        if (expected.MustFail) return "it should have failed";
        _bench.Execute("CREATE OR REPLACE TABLE actual AS SELECT * FROM read_parquet('@/out/t/**/*.parquet')");
        var columns = _bench.Texts("DESCRIBE FROM actual").Select(static text => (Name: text[..text.IndexOf(' ', StringComparison.Ordinal)], Type: text[(text.IndexOf(' ', StringComparison.Ordinal) + 1)..])).ToArray();
        var names = _bench.Texts("DESCRIBE FROM expected").Select(static text => text[..text.IndexOf(' ', StringComparison.Ordinal)]).ToArray();
        if (!columns.Select(static column => column.Name).SequenceEqual(names)) return $"the columns are {string.Join(", ", columns)}, expected {string.Join(", ", names)}";
        var exact = columns.Where(column => !pipeline.Near.Any(near => near.Name == column.Name)).ToArray();
        var wanted = $"SELECT {string.Join(", ", exact.Select(static column => $"CAST(\"{column.Name}\" AS {column.Type}) AS \"{column.Name}\""))} FROM expected";
        var found = $"SELECT {string.Join(", ", exact.Select(static column => $"\"{column.Name}\""))} FROM actual";
        var lost = _bench.Texts($"SELECT to_json(COLUMNS(*))::VARCHAR FROM (SELECT x FROM (({wanted}) EXCEPT ALL ({found})) AS x LIMIT 3)");
        var added = _bench.Texts($"SELECT to_json(COLUMNS(*))::VARCHAR FROM (SELECT x FROM (({found}) EXCEPT ALL ({wanted})) AS x LIMIT 3)");
        if (lost.Count + added.Count > 0) return $"not there: {string.Join("; ", lost)}\nnot expected: {string.Join("; ", added)}";
        return pipeline.Near.Count == 0 ? null : FarApart(pipeline);
    }

    /// <summary>Sums that differ by more than the order of their terms explains.</summary>
    private string? FarApart(RandomPipeline pipeline)
    {
        var same = string.Join(" AND ", pipeline.Keys.Select(static key => $"a.{key.Sql} IS NOT DISTINCT FROM e.{key.Sql}"));
        var near = string.Join(" AND ", pipeline.Near.Select(static one => $"coalesce(a.{one.Sql} IS NOT DISTINCT FROM e.{one.Sql} OR abs(a.{one.Sql} - e.{one.Sql}) <= 1e-12 * abs(e.{one.Sql}), false)"));
        var far = _bench.Texts($"SELECT count(*) FROM actual AS a JOIN expected AS e ON {same} WHERE NOT ({near})")[0];
        return far == "0" ? null : $"{far} sums differ";
    }

    // A key with more rows than it may have; whatever else fails is a mistake.
    private static bool IsOfKeys(string faults) => faults.Contains("rows with the key", StringComparison.Ordinal) || faults.Contains("unique", StringComparison.Ordinal);

    private static int? Number(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable($"MILLRACE_STEPS_{name}"), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
