using Millrace.Connectors.S3;
using Millrace.Connectors.Tests.Files;
using Millrace.Connectors.Tests.S3.Servers;
using Millrace.Faults;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Transform;

namespace Millrace.Connectors.Tests.Transform;

/// <summary>Rows between stages on a real store: the same rows come out, and nothing is left.</summary>
public sealed class ShuffleTests : IDisposable
{
    private const int Rows = 60_000;

    private readonly TransformBench _bench = new() { Bounds = new StageBounds { WholeRowsMax = -1 } };

    public ShuffleTests() => _bench.Adjust = static options => options with { Connectors = options.Connectors with { Shuffles = [new S3Connector()] } };

    [Theory]
    [InlineData("join: {with: '@/r.parquet', on: [k], how: full}", "SELECT * FROM '@/t.parquet' FULL JOIN '@/r.parquet' USING (k)")]
    [InlineData("nest: {by: [k], as: items}", "SELECT k, list({'id': id, 'v': v} ORDER BY id) AS items FROM '@/t.parquet' GROUP BY k")]
    [InlineData("dedupe: {by: [k], order_by: [id]}", "SELECT DISTINCT ON (k) * FROM '@/t.parquet' ORDER BY k, id")]
    [InlineData("group: {by: [k], n: \"count(*)\"}\n      - join: {with: '@/r.parquet', on: [k], how: left}", "SELECT g.k, n, name FROM (SELECT k, count(*) AS n FROM '@/t.parquet' GROUP BY k) AS g LEFT JOIN '@/r.parquet' AS r USING (k)")]
    public async Task Steps_give_the_same_rows(string steps, string expected)
    {
        await using var server = await S3Server.StartAsync();
        Write();
        int? left = null;
        _bench.Hears = happened =>
        {
            if (happened is StreamCommitted) left = server.KeysNow().Count;
        };
        var summary = await _bench.RunAsync(Job(server.Shuffle(), steps));
        Assert.True(summary.RowsRead >= Rows);
        Assert.Equal(0, left);
        _bench.AssertRows("out/t", expected);
        await server.AssertEmptyAsync();
        Assert.Empty(Directory.EnumerateFiles(_bench.Folder["state"], "*.index", SearchOption.AllDirectories));
    }

    [Theory]
    [InlineData("join: {with: '@/r.parquet', on: [k], how: left}", "SELECT l.*, name FROM '@/t.parquet' AS l LEFT JOIN '@/r.parquet' USING (k)")]
    [InlineData("map: select * from input", "SELECT * FROM '@/t.parquet'")]
    public async Task Rows_that_are_put_together_by_folder_are_the_same(string steps, string expected)
    {
        await using var server = await S3Server.StartAsync();
        Write();
        await _bench.RunAsync(Job(server.Shuffle(), steps) + "\n    write: {partition_by: {part: 'id % 5'}, max_rows_per_file: 5000}\n");
        _bench.AssertRows("out/t", $"SELECT *, id % 5 AS part FROM ({expected})");
        await server.AssertEmptyAsync();
    }

    [Fact]
    public async Task While_stages_run_their_rows_are_on_the_store_and_only_indexes_here()
    {
        await using var server = await S3Server.StartAsync();
        Write();
        var (here, there) = (new List<string>(), new List<string>());
        _bench.Hears = happened =>
        {
            if (happened is not StageBegun { Stage: 2 }) return;
            here.AddRange(Directory.EnumerateFiles(_bench.Folder["state"], "*.buckets*", SearchOption.AllDirectories).Select(static path => Path.GetExtension(path)));
            there.AddRange(server.KeysNow());
        };
        await _bench.RunAsync(Job(server.Shuffle(), "join: {with: '@/r.parquet', on: [k], how: full}"), "limits.disk=64MB");
        Assert.True(there.Count > 1);
        Assert.Equal(there.Count, here.Count);
        Assert.All(here, static ending => Assert.Equal(".index", ending));
        var run = Path.GetFileName(Assert.Single(Directory.GetDirectories(_bench.Folder["state/runs"])));
        Assert.All(there, key => Assert.StartsWith($"some/prefix/{run}/streams/", key, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_lies_on_the_store_does_not_count_under_the_limit_of_the_disk(bool stored)
    {
        await using var server = await S3Server.StartAsync();
        var text = string.Join(" || ", Enumerable.Range(0, 32).Select(static n => $"md5('{n} ' || i)"));
        _bench.Write("t.parquet", $"SELECT i AS k, i AS id, {text} AS v FROM range(80000) AS t(i)");
        var job = Job(server.Shuffle(), "dedupe: {by: [k], order_by: [id]}\n      - map: select k, length(v) as n from input");
        if (!stored) job = string.Join('\n', job.Split('\n').Where(static line => !line.StartsWith("shuffle:", StringComparison.Ordinal)));
        var summary = await _bench.TryRunAsync(job, "limits.disk=64MB");
        Assert.Equal(stored ? RunStatus.Succeeded : RunStatus.Failed, summary.Status);
        if (!stored) Assert.Equal("limits.disk", Assert.Single(summary.Faults).Where);
    }

    [Fact]
    public async Task Indexes_that_are_not_here_are_asked_for()
    {
        await using var server = await S3Server.StartAsync();
        Write();
        var removed = 0;
        _bench.Hears = happened =>
        {
            if (happened is not StageBegun { Stage: 2 }) return;
            foreach (var index in Directory.GetFiles(_bench.Folder["state"], "*.index", SearchOption.AllDirectories))
            {
                File.Delete(index);
                removed++;
            }
        };
        await _bench.RunAsync(Job(server.Shuffle(), "join: {with: '@/r.parquet', on: [k], how: full}"));
        Assert.True(removed > 1);
        _bench.AssertRows("out/t", "SELECT * FROM '@/t.parquet' FULL JOIN '@/r.parquet' USING (k)");
        await server.AssertEmptyAsync();
    }

    [Fact]
    public async Task A_stage_that_begins_afresh_removes_what_it_had()
    {
        await using var server = await S3Server.StartAsync();
        Write();
        var job = Job(server.Shuffle(), "join: {with: '@/r.parquet', on: [k], how: full}");
        _bench.Hears = happened =>
        {
            if (happened is StageBegun { Stage: 2 }) Spoil(server, vanished: true);
        };
        Assert.Equal(RunStatus.Failed, (await _bench.TryRunAsync(job)).Status);
        var before = await server.KeysAsync();
        Assert.Contains(before, static key => key.Contains("/stages/1/", StringComparison.Ordinal));

        // Its steps see other columns now: no result of the stage counts any more.
        _bench.Write("t.parquet", $"SELECT (i * 7919) % 3001 AS k, i AS id, i AS v FROM range({Rows}) AS t(i)");
        var others = new List<string>();
        _bench.Hears = happened =>
        {
            if (happened is StageBegun { Stage: 1 }) others.AddRange(server.KeysNow());
        };
        Assert.Equal(RunStatus.Succeeded, (await _bench.ResumeAsync(job)).Status);
        Assert.DoesNotContain(others, static key => key.Contains("/stages/1/", StringComparison.Ordinal));
        _bench.AssertRows("out/t", "SELECT * FROM '@/t.parquet' FULL JOIN '@/r.parquet' USING (k)");
        await server.AssertEmptyAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_object_that_vanished_or_was_changed_ends_the_stream(bool vanished)
    {
        await using var server = await S3Server.StartAsync();
        Write();
        string? key = null;
        _bench.Hears = happened =>
        {
            if (happened is StageBegun { Stage: 2 }) key ??= Spoil(server, vanished);
        };
        var job = Job(server.Shuffle(), "join: {with: '@/r.parquet', on: [k], how: full}");
        var fault = Assert.Single((await _bench.TryRunAsync(job)).Faults);
        Assert.Equal(vanished ? FaultKind.Refused : FaultKind.Data, fault.Kind);
        Assert.Contains($"s3://{S3Server.Bucket}/{key}", fault.Message, StringComparison.Ordinal);
        Assert.Contains("new run", fault.Advice, StringComparison.Ordinal);
        Assert.NotEmpty(await server.KeysAsync());

        var run = RunDirectory.OpenPath(Assert.Single(Directory.GetDirectories(_bench.Folder["state/runs"])));
        await new RunCancellation(_bench.Adjust(FileRuns.Options(_bench.Folder))).CancelAsync(run, run.ReadJob(), TestContext.Current.CancellationToken);
        await server.AssertEmptyAsync();
    }

    [Fact]
    public async Task A_store_that_stumbles_changes_nothing()
    {
        await using var server = await S3Server.StartAsync();
        await using var proxy = new S3Proxy(server, static call => (call.Number % 7) switch
        {
            3 => new S3Answer(503),
            5 when call.Method == "GET" && call.Url.Contains(".buckets", StringComparison.Ordinal) => new S3Answer(null, Cut: true),
            _ => S3Answer.Pass,
        });
        Write();
        await _bench.RunAsync(Job(server.Shuffle(proxy.Endpoint), "join: {with: '@/r.parquet', on: [k], how: full}"));
        _bench.AssertRows("out/t", "SELECT * FROM '@/t.parquet' FULL JOIN '@/r.parquet' USING (k)");
        await server.AssertEmptyAsync();
    }

    [Theory]
    [InlineData("PUT")]
    [InlineData("GET")]
    [InlineData("POST")]
    public async Task A_store_that_may_not_be_used_ends_the_run_before_anything_is_read(string method)
    {
        await using var server = await S3Server.StartAsync();
        await using var proxy = new S3Proxy(server, call => call.Method == method ? new S3Answer(403, "AccessDenied") : S3Answer.Pass);
        Write();
        var summary = await _bench.TryRunAsync(Job(server.Shuffle(proxy.Endpoint), "nest: {by: [k], as: items}"));
        Assert.Equal(FaultKind.Refused, Assert.Single(summary.Faults).Kind);
        Assert.Equal(0, summary.RowsRead);
        Assert.False(Directory.Exists(_bench.Folder["state/runs"]));
    }

    public void Dispose() => _bench.Dispose();

    private static string Spoil(S3Server server, bool vanished)
    {
        var key = server.KeysNow()[0];
        var path = server.PathOf(key);
        if (vanished)
        {
            File.Delete(path);
            return key;
        }

        using var file = File.Open(path, FileMode.Open);
        file.Position = file.Length / 3;
        var changed = (byte)(file.ReadByte() ^ 1);
        file.Position--;
        file.WriteByte(changed);
        return key;
    }

    private void Write()
    {
        _bench.Write("t.parquet", $"SELECT CASE WHEN i % 17 > 0 THEN (i * 7919) % 3001 END AS k, i AS id, 'v' || i % 100 AS v FROM range({Rows}) AS t(i)");
        _bench.Write("r.parquet", "SELECT i * 3 AS k, 'r' || i AS name FROM range(60000) AS t(i)");
    }

    private static string Job(string shuffle, string steps) =>
        $$"""
        source: '@/t.parquet'
        target: '@/out'
        shuffle: {{shuffle}}
        limits: {memory: 512MB, workers: 2}
        engine: inproc
        streams:
          t:
            partition: {rows: 10000}
            transform:
              - {{steps}}
        """;
}
