namespace Millrace.Tests.Jobs;

public sealed class JobMistakeTests
{
    [Fact]
    public void Ten_mistakes_get_ten_messages_with_their_lines()
    {
        var wrong = JobText.Wrong("""
            name: my job
            sorce: postgres://u@h/d
            target: s3://bucket/lake
            format: parket
            engine: spark
            limits: {memory: 5 apples, workers: 0}
            streams:
              public.events:
                mode: apend
                types: {amount: "decimal(50,2)"}
                transform: [{join: {with: other, how: letf}}]
            """);

        string[] starts =
        [
            "job.yaml:1: source: found nothing, expected a path",
            "job.yaml:1: name: found 'my job', expected at most 64 letters",
            "job.yaml:2: sorce: found the unknown key 'sorce', expected name, source, target",
            "job.yaml:3: target: a s3 target is not built yet in this version",
            "job.yaml:4: format: found 'parket', expected parquet, csv or ndjson\n  Did you mean 'parquet'?",
            "job.yaml:5: engine: engine: spark is not built yet in this version\n  This version has auto, inproc or local.",
            "job.yaml:6: limits.memory: found '5 apples', expected a size such as 512MB",
            "job.yaml:6: limits.workers: found 0, expected 1 to 256",
            "job.yaml:9: streams.public.events.mode: found 'apend', expected overwrite, append, merge or incremental\n  Did you mean 'append'?",
            "job.yaml:10: streams.public.events.types.amount: found 'decimal(50,2)', expected a width of 1 to 38",
            "job.yaml:11: streams.public.events.transform[0].join.with: found 'other', expected a stream of this job, a path",
            "job.yaml:11: streams.public.events.transform[0].join.on: found nothing, expected columns that both sides have",
            "job.yaml:11: streams.public.events.transform[0].join.how: found 'letf', expected left, inner, full, anti or semi\n  Did you mean 'left'?",
        ];
        Assert.Equal(starts.Length, wrong.Length);
        Assert.All(starts.Zip(wrong), pair => Assert.StartsWith(pair.First, pair.Second, StringComparison.Ordinal));
        Assert.EndsWith("Did you mean 'source'?", wrong[2], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("s3://key:sekret@bucket/p")]
    [InlineData("s3://sekret@bucket/p")]
    [InlineData("s3://bucket/p?secret_access_key=sekret")]
    [InlineData("s3://bucket/p?sekret")]
    [InlineData("s3://bucket/p?endpoint=http://key:sekret@host")]
    [InlineData("s3://bucket/p?endpoint=http://host/?token=sekret")]
    public void A_secret_in_the_place_of_rows_between_stages_is_refused_and_not_repeated(string shuffle)
    {
        var wrong = Assert.Single(JobText.Wrong($"source: a.csv\ntarget: out\nshuffle: '{shuffle}'\n"));

        Assert.StartsWith("job.yaml:3: shuffle: found", wrong, StringComparison.Ordinal);
        Assert.Contains("Credentials come from the environment", wrong, StringComparison.Ordinal);
        Assert.DoesNotContain("sekret", wrong, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("mode: scd2")]
    public void Stream_keys_that_are_not_built_are_refused_as_such(string line)
    {
        var wrong = JobText.Wrong($"source: postgres://u@h/d\ntarget: out\nstreams:\n  a.b:\n    {line}\n");

        Assert.StartsWith("job.yaml:5: streams.a.b.", Assert.Single(wrong), StringComparison.Ordinal);
        Assert.Contains("is not built yet in this version", wrong[0], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("engine", "kubernetes", "not built yet")]
    [InlineData("engine", "beam", "not built yet")]
    [InlineData("engine", "slurm", "not built yet")]
    [InlineData("engine", "flink", "expected auto, inproc or local")]
    [InlineData("format", "delta", "not built yet")]
    [InlineData("state", "gs://b/p", "not built yet")]
    [InlineData("shuffle", "gs://b/p", "not built yet in this version\n  Known as a place for rows between stages: S3")]
    [InlineData("shuffle", "gopher://b/p", "found the scheme 'gopher', expected a URL such as s3://bucket/prefix\n  Known as")]
    [InlineData("shuffle", "./folder", "found no URL, expected a URL such as s3://bucket/prefix\n  Known as")]
    [InlineData("shuffle", "s3://", "found no bucket")]
    [InlineData("shuffle", "'s3://a b/p'", "found a bucket's name that can't be")]
    [InlineData("shuffle", "s3://b/p?acl=public", "found the parameter 'acl', expected endpoint or region")]
    [InlineData("shuffle", "s3://b/p?endpoint=ftp://h", "found an endpoint that is no plain URL")]
    [InlineData("shuffle", "'s3://b/p?region='", "found a region that can't be")]
    [InlineData("target", "snowflake://u@h/d", "not built yet")]
    [InlineData("target", "bigquery://p/d", "not built yet")]
    [InlineData("target", "out.json", "ends with .json")]
    [InlineData("target", "out.parquet.gz", "compresses inside")]
    [InlineData("target", "gopher://x", "unknown scheme 'gopher'")]
    [InlineData("name", "../up", "found '../up'")]
    [InlineData("limits", "7", "found '7', expected a map")]
    [InlineData("limits", "{memory: 1MB}", "found '1MB' (1 MB), expected at least 128 MB")]
    [InlineData("limits", "{time: 5}", "unknown key 'time'")]
    [InlineData("limits", "{workers: lots}", "expected a whole number from 1 to 256")]
    [InlineData("streams", "{a: 7}", "found '7', expected a map of options")]
    [InlineData("streams", "[a, b]", "found a second stream")]
    [InlineData("streams", "{a: {to: ../b}}", "expected a name below the target")]
    [InlineData("streams", "{a: {to: '${X}'}}", "which is resolved in source, target, state, shuffle, with and in only")]
    [InlineData("streams", "{a: {columns: [x, -x]}}", "both taken and left out")]
    [InlineData("streams", "{a: {columns: [x, x]}}", "a second time")]
    [InlineData("streams", "{a: {columns: [null]}}", "expected text")]
    [InlineData("streams", "{a: {rename: {x: z, y: Z}}}", "new name of two columns")]
    [InlineData("streams", "{a: {types: [x]}}", "found a list, expected a map")]
    [InlineData("streams", "{a: {types: {x: {}}}}", "found a map, expected text")]
    [InlineData("streams", "{a: {types: {x: 'decimal(5,6)'}}}", "a scale of 0 to the width")]
    [InlineData("streams", "{a: {types: {x: 'decimal(a)'}}}", "expected decimal(width,scale)")]
    [InlineData("streams", "{a: {query: select 1}}", "the source is files")]
    [InlineData("streams", "{a: {where: 'x = ${X}'}}", "which is resolved in source, target, state, shuffle, with and in only")]
    [InlineData("streams", "{a: {partition: {by: pages, key: id}}}", "uses none")]
    [InlineData("streams", "{a: {partition: {rows: 0}}}", "found 0, expected 1 to")]
    [InlineData("streams", "{a: {read: {header: yes}}}", "found 'yes', expected true or false")]
    [InlineData("streams", "{a: {read: {quote: ab}}}", "found 'ab', expected one character")]
    [InlineData("streams", "{a: {read: {delimiter: ',', decimal: ','}}}", "both as the decimal mark")]
    [InlineData("streams", "{a: {read: {format: parquet, header: true}}}", "parquet files do not have")]
    [InlineData("streams", "{a: {read: {date_format: dd.MM.yyyy}}}", "expected a strftime format")]
    [InlineData("streams", "{a: {schema: any}}", "found 'any', expected evolve, freeze or replace")]
    [InlineData("streams", "{a: {schema: replace, mode: append}}", "found replace with append")]
    [InlineData("streams", "{a: {schema: replace, mode: merge, key: id}}", "found replace with merge")]
    [InlineData("streams", "{a: {mode: merge}}", "found merge without a key")]
    [InlineData("streams", "{a: {mode: incremental}}", "found incremental without a cursor")]
    [InlineData("streams", "{a: {key: [id]}}", "found key, which mode: overwrite does not use")]
    [InlineData("streams", "{a: {mode: append, cursor: at}}", "found cursor, which mode: append does not use")]
    [InlineData("streams", "{a: {mode: merge, key: id, lag: 5m}}", "found lag, which mode: merge does not use")]
    [InlineData("streams", "{a: {mode: merge, key: [id, id]}}", "found 'id' a second time")]
    [InlineData("streams", "{a: {mode: incremental, cursor: at, lag: soon}}", "found 'soon', expected a time such as 90s, 15m or 1h, or a number")]
    [InlineData("streams", "{a: {mode: incremental, cursor: at, deletes: gone}}", "found deletes, which mode: incremental does not use\n  Name a key, too.")]
    [InlineData("streams", "{a: {write: {codec: lzo}}}", "expected zstd, snappy")]
    [InlineData("streams", "{a: {write: {codec: snappy, level: 3}}}", "the codec snappy has none")]
    [InlineData("streams", "{a: {write: {level: 23}}}", "found 23, expected 1 to 22")]
    [InlineData("streams", "{a: {write: {row_group_rows: 100}}}", "expected 2048 to 10000000")]
    public void A_wrong_value_says_what_was_found_and_expected(string key, string value, string message)
    {
        var keys = new Dictionary<string, string>(StringComparer.Ordinal) { ["source"] = "in.csv", ["target"] = "out" };
        keys[key] = value;

        var wrong = JobText.Wrong(string.Concat(keys.Select(pair => $"{pair.Key}: {pair.Value}\n")));

        Assert.Contains(message, Assert.Single(wrong), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("target: out.parquet", "found one file as the target of 2 streams")]
    [InlineData("target: '-'", "found standard output as the target of 2 streams")]
    public void Several_streams_do_not_fit_into_one_file(string target, string message) =>
        Assert.Contains(message, Assert.Single(JobText.Wrong($"source: postgres://u@h/d\n{target}\nstreams: [a, b]")), StringComparison.Ordinal);

    [Fact]
    public void Two_streams_may_not_go_to_one_table() =>
        Assert.Contains(
            "job.yaml:5: streams.b.events: found 'events' as the target of two streams, 'a.events' and 'b.events'",
            Assert.Single(JobText.Wrong("source: postgres://u@h/d\ntarget: out\nstreams:\n  a.events:\n  b.events:\n")),
            StringComparison.Ordinal);

    [Fact]
    public void A_database_needs_streams() =>
        Assert.Contains("Name the tables to move", Assert.Single(JobText.Wrong("source: postgres://u@h/d\ntarget: out")), StringComparison.Ordinal);

    [Fact]
    public void An_empty_file_misses_source_and_target() => Assert.Equal(2, JobText.Wrong("# nothing\n").Length);

    [Fact]
    public void Control_characters_do_not_reach_the_terminal() =>
        Assert.DoesNotContain('\u001b', Assert.Single(JobText.Wrong("source: in.csv\ntarget: out\n\"\\e[2Jx\": 1\n")));
}
