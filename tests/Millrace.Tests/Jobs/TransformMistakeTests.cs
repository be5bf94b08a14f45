using Millrace.Jobs;

namespace Millrace.Tests.Jobs;

public sealed class TransformMistakeTests
{
    [Theory]
    [InlineData("{map: x}", "transform: found a map, expected a list of steps")]
    [InlineData("map", "transform: found 'map', expected a list of steps")]
    [InlineData("[map]", "transform[0]: found 'map', expected a map with one key: map, join, nest, unnest, dedupe, group or lookup")]
    [InlineData("[{}]", "transform[0]: found a step without its key")]
    [InlineData("[{unnest: l}, {jion: {}}]", "transform[1].jion: found the unknown key 'jion'")]
    [InlineData("[{jion: {}}]", "Did you mean 'join'?")]
    [InlineData("[{unnest: l, dedupe: {by: a}}]", "transform[0].dedupe: found dedupe beside unnest in one step\n  Write a step of its own")]
    [InlineData("[{map: }]", "transform[0].map: found nothing, expected a query over input")]
    [InlineData("[{map: null}]", "transform[0].map: found nothing, expected a query over input")]
    [InlineData("[{map: '  '}]", "transform[0].map: found only blanks, expected SQL")]
    [InlineData("[{map: [a]}]", "transform[0].map: found a list, expected a query over input")]
    [InlineData("[{map: \"select '${X}'\"}]", "transform[0].map: found '${', which is resolved in source, target, state, shuffle, with and in only")]
    [InlineData("[{map: 'select $x'}]", "transform[0].map: found '$x', which is no parameter of this job\n  Add 'params: {x: ...}'")]
    [InlineData("[{join: b}]", "transform[0].join: found 'b', expected a map\n  Its keys are with, raw")]
    [InlineData("[{join: {on: k}}]", "transform[0].join.with: found nothing, expected a stream of this job")]
    [InlineData("[{join: {with: b}}]", "transform[0].join.on: found nothing, expected columns")]
    [InlineData("[{join: {with: b, on: []}}]", "join.on: found an empty list, expected at least one column")]
    [InlineData("[{join: {with: b, on: {}}}]", "join.on: found an empty map")]
    [InlineData("[{join: {with: b, on: {a: }}}]", "join.on.a: found nothing, expected the other side's column")]
    [InlineData("[{join: {with: b, on: {a: [x]}}}]", "join.on.a: found a list, expected the other side's column")]
    [InlineData("[{join: {with: b, on: [k, K]}}]", "join.on: found the column 'K' a second time")]
    [InlineData("[{join: {with: b, on: [k, k]}}]", "join.on[1]: found 'k' a second time")]
    [InlineData("[{join: {with: b, on: {a: x, b: x}}}]", "join.on: found the column 'x' a second time")]
    [InlineData("[{join: {with: b, on: k, how: outer}}]", "join.how: found 'outer', expected left, inner, full, anti or semi")]
    [InlineData("[{join: {with: b, on: k, how: semi, many: first}}]", "join.many: found many, which how: semi does not use")]
    [InlineData("[{join: {with: b, on: k, howw: left}}]", "join.howw: found the unknown key 'howw'")]
    [InlineData("[{join: {with: b, on: k, raw: maybe}}]", "join.raw: found 'maybe', expected true or false")]
    [InlineData("[{join: {with: a, on: k}}]", "join.with: found 's.a', the stream itself, expected another one")]
    [InlineData("[{join: {with: s.a, raw: true, on: k}}]", "the stream itself")]
    [InlineData("[{join: {with: s.bb, on: k}}]", "found 's.bb', expected a stream of this job, a path with an ending or wildcards, or a URL; the job's other streams are p.* or s.b\n  Did you mean 's.b'?")]
    [InlineData("[{join: {with: customers, on: k}}]", "Add it to streams, or write ./customers for a folder.")]
    [InlineData("[{join: {with: 'data*', on: k}}]", "A glob of files needs a folder or an ending: ./data*")]
    [InlineData("[{join: {with: 'p.*', on: k}}]", "found 'p.*', which stands for several streams, expected one")]
    [InlineData("[{join: {with: '-', on: k}}]", "join.with: found '-', expected a stream")]
    [InlineData("[{join: {with: 's3://b/x', on: k}}]", "a s3 join is not built yet")]
    [InlineData("[{join: {with: 'gopher://x', on: k}}]", "unknown scheme 'gopher'")]
    [InlineData("[{join: {with: 'postgres://u@h/d', on: k}}]", "join.with: found a database without a table\n  Name it beside the URL")]
    [InlineData("[{join: {with: 'postgres://${@h/d', stream: t, on: k}}]", "join.with: found a '${' without its '}'")]
    [InlineData("[{join: {with: 'postgres://u@h/d', stream: t, read: {header: true}, on: k}}]", "join.read: found read, which is for files")]
    [InlineData("[{join: {with: x.csv, stream: t, on: k}}]", "join.stream: found stream, which files do not have")]
    [InlineData("[{join: {with: x.csv, raw: true, on: k}}]", "join.raw: found raw, which is for a stream of this job")]
    [InlineData("[{join: {with: b, stream: t, on: k}}]", "join.stream: found stream, which is for a database's URL")]
    [InlineData("[{join: {with: b, read: {header: true}, on: k}}]", "Write it at the stream: streams.s.b.read.")]
    [InlineData("[{join: {with: x.csv, read: {heder: true}, on: k}}]", "join.read.heder: found the unknown key 'heder'")]
    [InlineData("[{join: {with: x.csv, columns: [a, -a], on: k}}]", "join.columns: found 'a' both taken and left out")]
    [InlineData("[{join: {with: x.csv, where: '${X}', on: k}}]", "join.where: found '${'")]
    [InlineData("[{nest: {as: l}}]", "nest.by: found nothing, expected a column name or a list of them")]
    [InlineData("[{nest: {by: k}}]", "nest.as: found nothing, expected a column name")]
    [InlineData("[{nest: {by: [k, l], as: L}}]", "nest.as: found 'L', which is a column of 'by', too")]
    [InlineData("[{nest: {by: k, as: l, order_by: [k]}}]", "nest.order_by: found 'k', which is the same in all rows of a key")]
    [InlineData("[{nest: {by: k, as: l, order_by: [a, a desc]}}]", "nest.order_by: found the column 'a' a second time")]
    [InlineData("[{nest: {by: k, as: l, order_by: ['\"a']}}]", "nest.order_by: found '\"a', expected a column")]
    [InlineData("[{nest: {by: k, as: l, oversize: cut}}]", "nest.oversize: found 'cut', expected fail or split")]
    [InlineData("[{unnest: {outer: true}}]", "unnest.column: found nothing, expected a column name")]
    [InlineData("[{unnest: [a]}]", "transform[0].unnest: found a list, expected the column of a list, or a map")]
    [InlineData("[{dedupe: }]", "transform[0].dedupe: found nothing, expected a map")]
    [InlineData("[{dedupe: {by: []}}]", "dedupe.by: found an empty list")]
    [InlineData("[{dedupe: {by: k, keep: last}}]", "dedupe.keep: found keep: last without an order")]
    [InlineData("[{dedupe: {by: k, keep: error, order_by: a}}]", "dedupe.order_by: found an order, which keep: error does not use")]
    [InlineData("[{group: {total: sum(x)}}]", "group.by: found nothing, expected the columns to group by")]
    [InlineData("[{group: [a]}]", "transform[0].group: found a list, expected a map")]
    [InlineData("[{group: {by: k, K: sum(x)}}]", "group.K: found 'K', which is a column of 'by', too")]
    [InlineData("[{group: {by: k, a: sum(x), A: sum(y)}}]", "found the column 'A' a second time")]
    [InlineData("[{group: {by: k, a: }}]", "group.a: found nothing, expected an aggregate such as sum(amount)")]
    [InlineData("[{group: {by: k, a: '${X}'}}]", "group.a: found '${'")]
    [InlineData("[{lookup: {table: t, key: k}}]", "lookup.in: found nothing, expected a postgres:// URL")]
    [InlineData("[{lookup: {in: 'postgres://h/d', key: k}}]", "lookup.table: found nothing, expected a table")]
    [InlineData("[{lookup: {in: 'postgres://h/d', table: t}}]", "lookup.key: found nothing, expected columns")]
    [InlineData("[{lookup: {in: x.parquet, table: t, key: k}}]", "lookup.in: found 'x.parquet', expected a postgres:// URL, duckdb:FILE")]
    [InlineData("[{lookup: {in: 'redshift://h/d', table: t, key: k}}]", "a redshift lookup is not built yet")]
    [InlineData("[{lookup: {in: x.duckdb, table: t, key: k, batch: 0}}]", "lookup.batch: found 0, expected 1 to 100000")]
    [InlineData("[{lookup: {in: x.duckdb, table: t, key: k, cache: much}}]", "lookup.cache: found 'much', expected a size")]
    [InlineData("[{lookup: {in: x.duckdb, table: t, key: k, as: k}}]", "lookup.as: found 'k', which is a column of 'key', too")]
    [InlineData("[{lookup: {in: x.duckdb, table: t, key: k, columns: [a, A]}}]", "lookup.columns: found the column 'A' a second time")]
    [InlineData("[{lookup: {in: x.duckdb, table: t, key: k, missing: skip}}]", "lookup.missing: found 'skip', expected null, error or drop")]
    public void A_wrong_step_says_what_was_found_and_expected(string steps, string message) => OneMistake("transform", steps, message);

    [Theory]
    [InlineData("{not_null: [a]}", "expect: found a map, expected a list of rules")]
    [InlineData("[{notnull: [a]}]", "expect[0].notnull: found the unknown key 'notnull'")]
    [InlineData("[{action: warn}]", "expect[0]: found a rule without its key")]
    [InlineData("[{not_null: a, unique: a}]", "expect[0].unique: found unique beside not_null in one rule")]
    [InlineData("[{not_null: }]", "expect[0].not_null: found nothing, expected a column name or a list of them")]
    [InlineData("[{not_null: []}]", "expect[0].not_null: found an empty list")]
    [InlineData("[{not_null: a, action: stop}]", "expect[0].action: found 'stop', expected fail, quarantine or warn")]
    [InlineData("[{unique: a, action: quarantine}]", "expect[0].action: found quarantine for unique, which is about the whole table")]
    [InlineData("[{row_count: 1, action: quarantine}]", "expect[0].action: found quarantine for row_count, which is about the whole table")]
    [InlineData("[{accepted: [a]}]", "expect[0].accepted: found a list, expected a map of columns")]
    [InlineData("[{accepted: {a: Low}}]", "accepted.a: found 'Low', expected a list of values")]
    [InlineData("[{accepted: {a: []}}]", "accepted.a: found an empty list, expected a list of values")]
    [InlineData("[{accepted: {a: [x, null]}}]", "accepted.a[1]: found 'null', expected text")]
    [InlineData("[{accepted: {a: [x, x]}}]", "accepted.a[1]: found 'x' a second time")]
    [InlineData("[{between: {a: 1}}]", "between.a: found '1', expected a list of the least and the greatest value")]
    [InlineData("[{between: {a: [1]}}]", "between.a: found a list, expected a list of the least and the greatest value")]
    [InlineData("[{between: {a: [null, null]}}]", "between.a: found a list")]
    [InlineData("[{between: {a: }}]", "between.a: found nothing")]
    [InlineData("[{between: {a: [2, 1.5]}}]", "between.a: found 2 to 1.5, expected the least value first")]
    [InlineData("[{matches: {a: }}]", "matches.a: found nothing, expected a regular expression")]
    [InlineData("[{row_count: many}]", "row_count: found 'many', expected a whole number")]
    [InlineData("[{row_count: -1}]", "row_count: found -1, expected 0 to")]
    [InlineData("[{row_count: {}}]", "row_count: found neither min nor max")]
    [InlineData("[{row_count: {min: 2, max: 1}}]", "row_count.max: found 1, expected at least min, which is 2")]
    [InlineData("[{sql: }]", "expect[0].sql: found nothing, expected a condition")]
    [InlineData("[{sql: '${X} < 1'}]", "expect[0].sql: found '${'")]
    public void A_wrong_rule_says_what_was_found_and_expected(string rules, string message) => OneMistake("expect", rules, message);

    [Theory]
    [InlineData("{partition_by: [\"strftime(at, '%Y')\"]}", "partition_by: found the expression 'strftime(at, '%Y')' without a name for its folders\n  Name it in a map")]
    [InlineData("{partition_by: ['year(a)', year]}", "partition_by: found the column 'year' a second time")]
    [InlineData("{partition_by: ['year(a)', 'YEAR(b)']}", "partition_by: found the column 'year' a second time")]
    [InlineData("{partition_by: {y: }}", "partition_by.y: found nothing, expected an expression or a column")]
    [InlineData("{partition_by: {y: '${Y}'}}", "partition_by.y: found '${'")]
    [InlineData("{cluster_by: [a, a desc]}", "cluster_by: found the column 'a' a second time")]
    public void A_wrong_layout_says_what_was_found_and_expected(string write, string message) => OneMistake("write", write, message);

    [Fact]
    public void Mistakes_of_several_steps_are_all_there_with_their_lines()
    {
        var wrong = JobText.Wrong("""
            source: postgres://u@h/d
            target: out
            streams:
              s.a:
                transform:
                  - map: select $x
                  - join:
                      with: nobody
                      on: []
                      how: letf
                  - dedupe:
                      keep: last
                expect:
                  - row_count: 5
                    action: quarantine
            """);

        Assert.Equal(
            ["6: streams.s.a.transform[0].map", "8: streams.s.a.transform[1].join.with", "9: streams.s.a.transform[1].join.on", "10: streams.s.a.transform[1].join.how",
             "12: streams.s.a.transform[2].dedupe.keep", "15: streams.s.a.expect[0].action"],
            wrong.Where(text => !text.Contains("dedupe.by", StringComparison.Ordinal)).Select(text => string.Join(':', text.Split(':')[1..3])));
        Assert.Equal(7, wrong.Length);
    }

    [Fact]
    public void Too_many_steps_and_rules_are_refused()
    {
        OneMistake("transform", $"[{string.Join(',', Enumerable.Repeat("{unnest: a}", Limits.StepsMax + 1))}]", "found 65 steps, expected at most 64");
        OneMistake("expect", $"[{string.Join(',', Enumerable.Repeat("{not_null: a}", Limits.ExpectRulesMax + 1))}]", "found 257 rules, expected at most 256");
        OneMistake("expect", $"[{{matches: {{{string.Join(',', Enumerable.Range(0, Limits.ExpectRulesMax + 1).Select(i => $"c{i}: x"))}}}}}]", "found 257 rules, expected at most 256");
    }

    [Fact]
    public void A_circle_of_streams_is_named_and_raw_rows_break_it()
    {
        var text = """
            source: postgres://u@h/d
            target: out
            streams:
              s.a: {transform: [{join: {with: b, on: k}}]}
              s.b: {transform: [{join: {with: c, on: k}}, {join: {with: d, on: k}}]}
              s.c: {transform: [{join: {with: a, RAW on: k}}]}
              s.d:
            """;

        var wrong = Assert.Single(JobText.Wrong(text.Replace("RAW", "", StringComparison.Ordinal)));
        Assert.StartsWith("job.yaml:6: streams.s.c.transform[0].join.with: found a circle of streams: s.a joins s.b joins s.c joins s.a", wrong, StringComparison.Ordinal);
        Assert.True(Assert.IsType<JoinStep>(JobText.Right(text.Replace("RAW", "raw: true,", StringComparison.Ordinal)).Streams[2].Transform[0]).With.Raw);
    }

    [Fact]
    public void A_stream_that_is_left_out_on_the_command_line_can_not_be_joined()
    {
        var text = "source: postgres://u@h/d\ntarget: out\nstreams:\n  s.a: {transform: [{join: {with: b, on: k}}]}\n  s.b:\n";

        Assert.Contains("It is left out by --stream: name it there, too.", Assert.Single(JobText.Wrong(text, new JobOverrides { Streams = ["s.a"] })), StringComparison.Ordinal);
        Assert.Equal(2, JobText.Right(text, new JobOverrides { Streams = ["s.a", "s.b"] }).Streams.Length);
    }

    private static void OneMistake(string key, string value, string message)
    {
        var wrong = JobText.Wrong($$"""
            source: postgres://u@h/d
            target: out
            streams:
              s.a: { {{key}}: {{value}} }
              s.b:
              p.*:
            """);

        Assert.Contains(message, Assert.Single(wrong), StringComparison.Ordinal);
        Assert.StartsWith($"job.yaml:4: streams.s.a.{key}", wrong[0], StringComparison.Ordinal);
    }
}
