using System.Text;
using System.Text.Json.Nodes;
using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Tests.Jobs;

public sealed class JobJsonTests
{
    [Fact]
    public void A_job_comes_back_as_it_was()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var i = 0; i < 500; i++)
        {
            var job = JobText.Right(RandomJob(random));
            var written = JobJson.Write(job);
            var read = JobJson.Read(written, "job.json");

            // Records compare immutable collections by reference: their JSON compares them by content.
            Assert.True(written.AsSpan().SequenceEqual(JobJson.Write(read)), $"seed {seed}");
            Assert.Equal(job.Streams.Length, read.Streams.Length);
            Assert.Equal(job.Streams[0].MarkOf("mode"), read.Streams[0].MarkOf("mode"));
            Assert.Equal(job.Streams[0] with { }, job.Streams[0]);
            Assert.Equal((job.Source, job.Target, job.Limits, job.Engine, job.Format), (read.Source, read.Target, read.Limits, read.Engine, read.Format));
            Assert.Equal(job.Streams[0].Columns, read.Streams[0].Columns);
            Assert.Equal(job.Streams[0].Types, read.Streams[0].Types);
            Assert.Equal(job.Streams[0].Partition.Key, read.Streams[0].Partition.Key);
            Assert.Equal(job.Streams[0].Transform.Select(step => step.GetType()), read.Streams[0].Transform.Select(step => step.GetType()));
            Assert.Equal(job.Params, read.Params);
        }
    }

    [Fact]
    public void Passwords_do_not_reach_the_run_directory_and_references_do()
    {
        var job = JobText.Right("source: 'postgres://bob:hunter2@h/d?password=hunter3'\ntarget: '${OUT}'\nstreams: [a]");

        var json = Encoding.UTF8.GetString(JobJson.Write(job));

        Assert.DoesNotContain("hunter", json, StringComparison.Ordinal);
        Assert.Equal("postgres://bob@h/d", JobJson.Read(Encoding.UTF8.GetBytes(json), "x").Source.Text);
        Assert.Equal("${OUT}", JobJson.Read(Encoding.UTF8.GetBytes(json), "x").Target.Text);
    }

    /// <summary>Reading leaves the default out of what the JSON does not have.</summary>
    [Fact]
    public void A_run_from_before_there_were_steps_can_be_read()
    {
        var job = JsonNode.Parse(JobJson.Write(JobText.Right("source: a.csv\ntarget: out")))!.AsObject();
        var stream = job["streams"]![0]!.AsObject();
        Assert.True(job.Remove("params") && stream.Remove("transform") && stream.Remove("expect"));
        Assert.True(stream["write"]!.AsObject().Remove("cluster_by") && stream["write"]!.AsObject().Remove("partition_expressions"));

        var read = JobJson.Read(Encoding.UTF8.GetBytes(job.ToJsonString()), "job.json");

        Assert.Empty(read.Params);
        Assert.Empty(read.Streams[0].Transform);
        Assert.Empty(read.Streams[0].Expect);
        Assert.Empty(read.Streams[0].Write.ClusterBy);
        Assert.Empty(read.Streams[0].Write.PartitionExpressions);
        Assert.Contains("\"transform\": []", Encoding.UTF8.GetString(JobJson.Write(read)), StringComparison.Ordinal);
    }

    [Fact]
    public void Passwords_of_joined_and_looked_up_databases_do_not_either()
    {
        var job = JobText.Right("""
            source: in.csv
            target: out
            streams:
              in:
                transform:
                  - join: {with: "postgres://bob:hunter2@h/d", stream: t, on: a}
                  - lookup: {in: "postgres://bob:hunter3@h/d", table: t, key: a}
                  - lookup: {in: "${MAP}", table: t, key: a}
            """);

        var json = Encoding.UTF8.GetString(JobJson.Write(job));

        Assert.DoesNotContain("hunter", json, StringComparison.Ordinal);
        var steps = JobJson.Read(Encoding.UTF8.GetBytes(json), "x").Streams[0].Transform;
        Assert.Equal("postgres://bob@h/d", Assert.IsType<JoinStep>(steps[0]).With.Source!.Text);
        Assert.Equal("postgres://bob@h/d", Assert.IsType<LookupStep>(steps[1]).In.Text);
        Assert.Equal("${MAP}", Assert.IsType<LookupStep>(steps[2]).In.Text);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"name\": 1}")]
    [InlineData("{\"name\": \"x\"}")]
    public void What_is_no_job_is_a_fault(string json) =>
        Assert.Equal("job.json", Assert.Throws<Fault>(() => JobJson.Read(Encoding.UTF8.GetBytes(json), "job.json")).Where);

    private static string RandomJob(Random random)
    {
        string Maybe(string line) => random.Next(2) == 0 ? line : "";
        var text = new StringBuilder("source: postgres://u@h/d\ntarget: out\nparams: {low: -1, who: \"it's\", yes: true}\n");
        text.Append(Maybe("engine: local\n")).Append(Maybe("state: x\n")).Append(Maybe("limits: {memory: 1GB, workers: 3}\n")).Append("streams:\n");
        for (var i = random.Next(1, 4); i > 0; i--)
        {
            text.Append($"  s.t{i}:\n")
                .Append(Maybe("    mode: append\n"))
                .Append(Maybe("    consistency: unit\n"))
                .Append(Maybe("    schema: freeze\n"))
                .Append(Maybe("    columns: [\"*\", -é, \"quo\\\"te\"]\n"))
                .Append(Maybe("    types: {\"*\": text, b: 'decimal(9,2)', a: int}\n"))
                .Append(Maybe("    rename: {a: \"\\u2028x\"}\n"))
                .Append(Maybe("    partition: {by: hash, key: [a, b], rows: 10}\n"))
                .Append(Maybe("    read: {null: [a, ''], header: true, delimiter: \"|\"}\n"))
                .Append(Maybe("    write: {codec: zstd, level: 5, partition_by: [y], max_file_bytes: 1MB}\n"))
                .Append(Maybe("    where: \"x < 'y'\"\n"))
                .Append(Steps(random, i))
                .Append(Maybe("    expect: [{not_null: [a, b]}, {between: {c: [0, null]}, action: quarantine}, {row_count: 7}, {sql: 'a > $low', action: warn}]\n"));
        }

        return text.ToString();
    }

    private static string Steps(Random random, int number)
    {
        string[] all =
        [
            "{map: 'select * from input where who = $who'}",
            "{join: {with: 'postgres://u@h/d', stream: a.b, on: [a], how: full}}",
            "{join: {with: 'in/*.csv', on: {a: b, c: d}, read: {header: true}, columns: [d, e], many: error}}",
            number > 1 ? "{join: {with: s.t1, raw: true, on: a}}" : "{unnest: {column: l, outer: true}}",
            "{nest: {by: [a, b], as: l, order_by: [c desc, '\"d\" nulls first'], oversize: split}}",
            "{unnest: l}",
            "{dedupe: {by: a, order_by: c, keep: last}}",
            "{group: {by: [a], z: sum(x), b: 'max(c)'}}",
            "{lookup: {in: '${MAP}', table: t, key: {a: b}, columns: [v], as: found, batch: 5, cache: 0, missing: error}}",
        ];
        random.Shuffle(all);
        return $"    transform: [{string.Join(", ", all.Take(random.Next(all.Length + 1)))}]\n";
    }
}
