using Millrace.Telemetry;
using Millrace.Transform;

namespace Millrace.Connectors.Tests.Transform;

/// <summary>
/// Units of <c>nest</c> that are written to NDJSON element by element, against those that are written row by row: the same lines, byte for byte, the same
/// numbers and the same content hash.
/// </summary>
public sealed class ElementStreamTests : IDisposable
{
    private const string Source = "SELECT CASE WHEN i % 11 = 0 THEN NULL WHEN i % 3 = 0 THEN 5 ELSE i % 400 END::BIGINT AS k, i::BIGINT AS id, hash(i) AS h, (hash(i, 1) % 40)::INTEGER AS few FROM range(4000) AS r(i)";

    // Every type that NDJSON holds, with what is unusual in it.
    private static readonly string[] s_values =
    [
        "(h % 256)::UTINYINT AS u8",
        "CASE WHEN few = 1 THEN NULL WHEN few = 2 THEN -170141183460469231731687303715884105728 ELSE h * 1000000007::HUGEINT END AS huge",
        "CAST((h % 19999)::BIGINT - 9999 AS DECIMAL(9,2)) * 0.01 AS ratio",
        "((h % 1999999)::BIGINT - 999999)::DECIMAL(38,10) AS amount",
        "CASE few WHEN 0 THEN NULL WHEN 1 THEN -0.0::DOUBLE WHEN 2 THEN 1e300 WHEN 3 THEN 5e-324 WHEN 4 THEN 3.0 ELSE (h % 1000003) / 7.0 END AS f8",
        "CASE few WHEN 0 THEN 1e-10::FLOAT ELSE ((h % 999) / 7.0)::FLOAT END AS f4",
        "CASE few WHEN 0 THEN '' WHEN 1 THEN 'ü€😀' WHEN 2 THEN 'a\"b,''c\\d/e' || chr(9) || chr(10) || chr(13) || chr(1) || chr(127) || chr(8232) WHEN 3 THEN ',]}[{' WHEN 4 THEN NULL ELSE repeat('v', few) END AS \"Größe\"",
        "CASE few WHEN 0 THEN 'infinity'::DATE WHEN 1 THEN DATE '0044-03-15 (BC)' ELSE DATE '1960-01-01' + (h % 40000)::INTEGER END AS day",
        "CASE few WHEN 0 THEN '-infinity'::TIMESTAMP ELSE make_timestamp((h % 4000000000000000)::BIGINT) END AS at",
        "make_timestamptz((h % 4000000000000000)::BIGINT) AS at_utc",
        "make_time((h % 24)::BIGINT, (h % 60)::BIGINT, (h % 59999999) / 1e6) AS clock",
        "to_days(few) + to_microseconds((h % 100000000)::BIGINT) AS span",
        "few % 3 = 0 AS yes",
        "md5(few::VARCHAR)::UUID AS uid",
        "CASE few % 3 WHEN 0 THEN [] WHEN 1 THEN [NULL::INTEGER] ELSE [few, NULL, 3] END AS \"select\"",
        "CASE few % 4 WHEN 0 THEN NULL WHEN 1 THEN {'a': NULL::INTEGER, 'b': NULL::VARCHAR} ELSE {'a': few, 'b': 'x\"' || few} END AS pair",
        "CASE few % 3 WHEN 0 THEN NULL WHEN 1 THEN [{'a': few, 'b': 0.5::DOUBLE}, NULL] ELSE [{'a': NULL, 'b': NULL}] END AS pairs",
        "MAP {'k' || few: few, 'ü\"': NULL} AS kinds",
    ];

    // NDJSON takes JSON as a column only.
    private const string Document = "CASE few WHEN 0 THEN '12345678901234567890.5'::JSON WHEN 1 THEN NULL ELSE ('{\"a\": [1, ' || few || '],' || chr(10) || ' \"b\": null}')::JSON END AS doc";

    private readonly TransformBench _bench = new();

    [Theory]
    [InlineData("k", "", "items")]
    [InlineData("k", "few desc nulls first", "items")]
    [InlineData("k", "pair, \"Größe\" desc, amount", "it\"ems'")]
    [InlineData("few, yes", "", "items")]
    [InlineData("doc, k", "", "items")]
    [InlineData("\"Größe\", day, at, clock", "id desc", "items")]
    [InlineData("pair, \"select\"", "", "items")]
    [InlineData("ratio, uid, at_utc", "", "items")]
    [InlineData("f4, kinds", "", "items")]
    public async Task The_lines_and_the_hash_are_those_of_whole_rows(string by, string order, string name)
    {
        _bench.Write("t.parquet", Source);
        var job = Job(by, order, name);
        var (whole, wholeLines) = await RunAsync(job, byElement: false);
        var (cut, cutLines) = await RunAsync(job, byElement: true);
        Assert.Equal(wholeLines, cutLines);
        Assert.Equal(whole.RowsWritten, cutLines.Length);
        Assert.Equal((whole.RowsRead, whole.RowsWritten, whole.Hashes["t"]), (cut.RowsRead, cut.RowsWritten, cut.Hashes["t"]));
    }

    [Theory]
    [InlineData("none", "counts")]
    [InlineData("none", "readback")]
    [InlineData("gzip", "readback")]
    [InlineData("zstd", "readback")]
    public async Task Packed_files_and_every_proof_are_as_ever(string codec, string proof)
    {
        _bench.Write("t.parquet", Source);
        var job = Job("k, few", "id", "items") + $"\n    proof: {proof}\n    write: {{codec: {codec}}}";
        var (whole, _) = await RunAsync(job, byElement: false);
        var (cut, _) = await RunAsync(job, byElement: true);
        Assert.Equal((whole.RowsRead, whole.RowsWritten), (cut.RowsRead, cut.RowsWritten));
        Assert.Equal(whole.Hashes, cut.Hashes);
    }

    [Theory]
    [InlineData("nest: {by: [span], as: items}", "proof: hash", false)]
    [InlineData("nest: {by: [k], as: items, oversize: split}", "proof: hash", false)]
    [InlineData("nest: {by: [k], as: items}", "write: {max_rows_per_file: 1000}", false)]
    [InlineData("nest: {by: [k], as: items}", "write: {partition_by: [k]}", false)]
    [InlineData("nest: {by: [k], as: items}", "expect: [{not_null: [items]}]", false)]
    [InlineData("map: select k, id::varchar::blob as bytes from input\n      - nest: {by: [k], as: items}", "proof: hash", false)]
    [InlineData("nest: {by: [k], as: items}", "write: {codec: gzip}", true)]
    public async Task Nothing_else_is_written_so(string nest, string more, bool byElement)
    {
        _bench.Write("t.parquet", Source);
        _bench.Bounds = new StageBounds { WholeRowsMax = -1, NestByElement = true };
        await _bench.RunAsync($$"""
            source: '@/t.parquet'
            target: '@/out'
            format: ndjson
            engine: inproc
            streams:
              t:
                {{more}}
                transform:
                  - map: select k, id, to_days(few) as span from input
                  - {{nest}}
            """);
        Assert.Equal(byElement, Plan().Contains(", element by element", StringComparison.Ordinal));
    }

    /// <summary>The units of the run's last stage.</summary>
    private string Plan() => File.ReadAllText(Path.Combine(Assert.Single(Directory.GetDirectories(_bench.Folder["state/runs"])), "streams", "t", "g1", "plan.ndjson"));

    /// <summary>Runs a job into a folder that is gone afterwards; gives its lines in order.</summary>
    private async Task<(RunSummary Summary, string[] Lines)> RunAsync(string job, bool byElement)
    {
        _bench.Bounds = new StageBounds { WholeRowsMax = -1, KeyUnitBytesMax = 200_000, NestByElement = byElement };
        var summary = await _bench.RunAsync(job);
        var files = Directory.GetFiles(_bench.Folder["out/t"], "*.ndjson*");
        Assert.True(files.Length > 1);
        Assert.Equal(byElement, Plan().Contains(", element by element", StringComparison.Ordinal));
        string[] lines = [.. files.SelectMany(static file => File.ReadAllText(file).Split('\n', StringSplitOptions.RemoveEmptyEntries)).Order(StringComparer.Ordinal)];
        foreach (var folder in (string[])["out", "state"]) Directory.Delete(_bench.Folder[folder], recursive: true);
        return (summary, lines);
    }

    private static string Job(string by, string order, string name) => $"""
        source: '@/t.parquet'
        target: '@/out'
        format: ndjson
        engine: inproc
        streams:
          t:
            transform:
              - map: |
                  select k, id, few, {string.Join(", ", by.Contains("doc", StringComparison.Ordinal) ? [.. s_values, Document] : s_values)} from input
              - nest: {Yaml(by, order, name)}
        """;

    private static string Yaml(string by, string order, string name) =>
        $"{{by: [{List(by)}], as: '{name.Replace("'", "''", StringComparison.Ordinal)}'{(order.Length == 0 ? "" : $", order_by: [{List(order)}]")}}}";

    private static string List(string items) => string.Join(", ", items.Split(", ").Select(static item => $"'{item.Replace("\"", "", StringComparison.Ordinal)}'"));

    public void Dispose() => _bench.Dispose();
}
