using System.Globalization;
using System.Text.Json;
using Millrace.Commit;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Telemetry;

namespace Millrace.Connectors.Tests.Transform;

/// <summary>Runs of one stream with rules, over rows of which DuckDB knows which break them.</summary>
internal sealed class ExpectBench : IDisposable
{
    private const string Rows = """
        SELECT i AS id, CASE WHEN i % 17 = 0 THEN NULL ELSE i % 101 END AS k, CASE WHEN i % 11 = 0 THEN NULL ELSE 'v' || i % 7 END AS v,
               i % 1000 / 8.0 AS score, DATE '2026-01-01' + (i % 400)::INTEGER AS day FROM range({0}) AS t(i)
        """;

    private readonly TransformBench _bench = new();

    /// <summary>The files.</summary>
    public TransformBench Files => _bench;

    /// <summary>The folder of the last run's quarantine.</summary>
    public string Rejects => Directory.GetDirectories(_bench.Folder["state/runs"]).Order(StringComparer.Ordinal).Last() + "/streams/t/rejects";

    /// <summary>Whether anything was published.</summary>
    public bool IsPublished => Directory.Exists(_bench.Folder["out/t"]) || File.Exists(_bench.Folder["out.csv"]);

    /// <summary>Writes the stream's rows.</summary>
    public void Write(int rows) => _bench.Write("t.parquet", Rows.Replace("{0}", rows.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));

    /// <summary>A job with steps and rules, each an item of YAML.</summary>
    public static string Job(string[] steps, string[] rules, string more = "", string target = "@/out") => $$"""
        source: '@/t.parquet'
        target: '{{target}}'
        limits: {memory: 512MB, workers: 2}
        engine: inproc
        streams:
          t:
            {{more}}
        {{List("transform", steps)}}
        {{List("expect", rules)}}
        """;

    /// <summary>The outcome of the only rule of a job that must succeed.</summary>
    public async Task<RuleOutcome> OnlyAsync(string[] steps, string rule) => Assert.Single((await _bench.RunAsync(Job(steps, [rule]))).Rules["t"]);

    /// <summary>The outcomes of a job that must succeed.</summary>
    public async Task<IReadOnlyList<RuleOutcome>> RunAsync(string[] steps, params string[] rules) => (await _bench.RunAsync(Job(steps, rules))).Rules["t"];

    /// <summary>How many rows of the source meet a condition.</summary>
    public long Count(string condition, string from = "'@/t.parquet'") => long.Parse(_bench.Texts($"SELECT count(*) FROM {from} WHERE {condition}")[0], CultureInfo.InvariantCulture);

    /// <summary>How many rows of a table have values that another has too.</summary>
    public long Twice(string columns, string allThere, string from = "'@/t.parquet'") => long.Parse(
        _bench.Texts($"SELECT coalesce(sum(n), 0)::BIGINT FROM (SELECT count(*) AS n FROM {from} WHERE {allThere} GROUP BY {columns} HAVING count(*) > 1)")[0],
        CultureInfo.InvariantCulture);

    /// <summary>The lines of the last run's quarantine.</summary>
    public List<JsonElement> Quarantined() => Directory.Exists(Rejects)
        ? [.. Directory.GetFiles(Rejects, "*.ndjson", SearchOption.AllDirectories).SelectMany(File.ReadLines).Select(static line => JsonDocument.Parse(line).RootElement)]
        : [];

    /// <summary>The labels of the stages before the last one, and the last one's.</summary>
    public async Task<List<string>> StagesAsync(string yaml)
    {
        var steps = (await _bench.PlanAsync(yaml)).Steps!;
        return [.. steps.Earlier.Select(static stage => stage.Label), steps.Last.Label];
    }

    public void Dispose() => _bench.Dispose();

    private static string List(string key, string[] items) => items.Length == 0 ? "" : $"    {key}:\n" + string.Concat(items.Select(static item => $"      - {item}\n"));
}
