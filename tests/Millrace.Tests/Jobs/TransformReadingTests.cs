using Millrace.Jobs;

namespace Millrace.Tests.Jobs;

public sealed class TransformReadingTests
{
    [Fact]
    public void Every_step_is_read_with_all_its_keys()
    {
        var stream = JobText.Right(JobReaderTests.Everything).Streams[0];
        var steps = stream.Transform;

        Assert.Equal(7, steps.Length);
        Assert.Equal("select *, severity >= 0.5 as is_high from input where region = 'north'\n", Assert.IsType<MapStep>(steps[0]).Sql);
        Assert.Equal(new Mark("streams.public.events.transform[1].join", "job.yaml", 25), steps[1].Mark);
        var join = Assert.IsType<JoinStep>(steps[1]);
        Assert.Equal(("public.other", true, null, null, "score > 0"), (join.With.Stream, join.With.Raw, join.With.Source, join.With.SourceStream, join.With.Where));
        Assert.Equal(["score"], join.With.Columns);
        Assert.Equal([new JoinKey("image", "image_name")], join.On);
        Assert.Equal((JoinKind.Inner, ManyRule.First), (join.How, join.Many));
        var nest = Assert.IsType<NestStep>(steps[2]);
        Assert.Equal(["id"], nest.By);
        Assert.Equal(("parts", Oversize.Split), (nest.As, nest.Oversize));
        Assert.Equal([new OrderTerm("at", Descending: true, NullsFirst: true)], nest.OrderBy);
        Assert.Equal(new UnnestStep("parts", Outer: true) { Mark = steps[3].Mark }, steps[3]);
        var dedupe = Assert.IsType<DedupeStep>(steps[4]);
        Assert.Equal(KeepRule.Last, dedupe.Keep);
        Assert.Equal([new OrderTerm("at", Descending: false, NullsFirst: false)], dedupe.OrderBy);
        var group = Assert.IsType<GroupStep>(steps[5]);
        Assert.Equal(["id"], group.By);
        Assert.Equal([("total", "sum(amount)"), ("n", "count(*)")], group.Aggregates.Select(one => (one.Name, one.Sql)));
        var lookup = Assert.IsType<LookupStep>(steps[6]);
        Assert.Equal(("${MAP_URL}", "public.map", 10, 1L << 20, "found", LookupMissing.Drop), (lookup.In.Text, lookup.Table, lookup.Batch, lookup.CacheBytes, lookup.As, lookup.Missing));
        Assert.Equal([new JoinKey("id", "id")], lookup.Key);
        Assert.Equal([new OrderTerm("id", false, false), new OrderTerm("at", true, false)], stream.Write.ClusterBy);
    }

    [Fact]
    public void What_is_not_written_has_the_defaults()
    {
        var steps = Steps("- join: {with: b, on: k}\n- nest: {by: k, as: l}\n- unnest: l\n- dedupe: {by: k}\n- group: {by: [k]}\n- lookup: {in: 'duckdb:m.db', table: t, key: k, missing: null}");

        var join = Assert.IsType<JoinStep>(steps[0]);
        Assert.Equal((JoinKind.Left, ManyRule.All, false, "s.b"), (join.How, join.Many, join.With.Raw, join.With.Stream));
        Assert.Equal((Oversize.Fail, 0), (Assert.IsType<NestStep>(steps[1]).Oversize, ((NestStep)steps[1]).OrderBy.Length));
        Assert.False(Assert.IsType<UnnestStep>(steps[2]).Outer);
        Assert.Equal(KeepRule.First, Assert.IsType<DedupeStep>(steps[3]).Keep);
        Assert.Empty(Assert.IsType<GroupStep>(steps[4]).Aggregates);
        var lookup = Assert.IsType<LookupStep>(steps[5]);
        Assert.Equal((null, null, null, LookupMissing.Null, 0), (lookup.Batch, lookup.CacheBytes, lookup.As, lookup.Missing, lookup.Columns.Length));
        Assert.Empty(JobText.Right("source: a.csv\ntarget: out").Streams[0].Transform);
    }

    [Theory]
    [InlineData("s.b", "s.b", null)]
    [InlineData("b", "s.b", null)]
    [InlineData("third", "s.c", null)]
    [InlineData("in/b.parquet", null, "in/b.parquet")]
    [InlineData("b.csv.gz", null, "b.csv.gz")]
    [InlineData("in/*", null, "in/*")]
    [InlineData("./b", null, "./b")]
    [InlineData("${DIR}/x", null, "${DIR}/x")]
    [InlineData("${SIDE}", null, "${SIDE}")]
    public void The_other_side_of_a_join_is_a_stream_or_an_endpoint(string with, string? stream, string? source)
    {
        var join = Assert.IsType<JoinStep>(Steps($"- join: {{with: '{with}', on: k}}")[0]);

        Assert.Equal((stream, source), (join.With.Stream, join.With.Source?.Text));
    }

    [Fact]
    public void A_database_on_the_other_side_has_a_table()
    {
        var join = Assert.IsType<JoinStep>(Steps("- join: {with: 'postgres://u:${PW}@h/d', stream: s.t, on: k}")[0]);

        Assert.Equal(("postgres://u:${PW}@h/d", "s.t"), (join.With.Source!.Text, join.With.SourceStream));
        Assert.EndsWith("transform[0].join.with", join.With.Source.Mark.Key, StringComparison.Ordinal);
    }

    [Fact]
    public void A_password_in_a_step_is_warned_about()
    {
        var text = "source: a.csv\ntarget: out\nstreams:\n  a:\n    transform:\n    - lookup: {in: 'postgres://u:pw@h/d', table: t, key: k}\n    - join: {with: 'postgres://u:pw@h/d', stream: t, on: k}";
        var reading = JobReader.ReadText("job.yaml", text, new JobOverrides(), "/base");

        Assert.Equal([6, 7], reading.Warnings.Select(warning => warning.Mark.Line));
        Assert.All(reading.Warnings, warning => Assert.Contains("holds a password", warning.Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("at", "at", false, false)]
    [InlineData("at DESC", "at", true, false)]
    [InlineData("at asc nulls first", "at", false, true)]
    [InlineData("at desc  NULLS LAST", "at", true, false)]
    [InlineData("at nulls first", "at", false, true)]
    [InlineData("desc", "desc", false, false)]
    [InlineData("desc desc", "desc", true, false)]
    [InlineData("a descending", "a descending", false, false)]
    [InlineData("two words desc", "two words", true, false)]
    [InlineData("\"at desc\"", "at desc", false, false)]
    [InlineData("\"a\"\"b\" desc", "a\"b", true, false)]
    public void An_order_term_is_a_column_with_words_behind_it(string text, string column, bool descending, bool nullsFirst)
    {
        var nest = Assert.IsType<NestStep>(Steps($"- nest: {{by: k, as: l, order_by: ['{text}']}}")[0]);

        Assert.Equal([new OrderTerm(column, descending, nullsFirst)], nest.OrderBy);
    }

    [Theory]
    [InlineData("[a, b]", "a,b", "")]
    [InlineData("['year(at)', region, 'MONTH(\"the at\")']", "year,region,month", "year=year(at),month=MONTH(\"the at\")")]
    [InlineData("{y: 'at // 10000', region: region, r: reg}", "y,region,r", "y=at // 10000,r=reg")]
    [InlineData("['amount (EUR)', '\"f(x)\"']", "amount (EUR),f(x)", "")]
    [InlineData("{high: 'score > $limit'}", "high", "high=score > 5")]
    public void Folders_are_columns_or_expressions(string written, string names, string expressions)
    {
        var write = JobText.Right($"source: a.csv\ntarget: out\nparams: {{limit: 5}}\nstreams: {{a: {{write: {{partition_by: {written}}}}}}}").Streams[0].Write;

        Assert.Equal(names, string.Join(',', write.PartitionBy));
        Assert.Equal(expressions, string.Join(',', write.PartitionExpressions.Select(one => $"{one.Name}={one.Sql}")));
    }

    [Fact]
    public void Every_rule_is_read()
    {
        var rules = JobText.Right(JobReaderTests.Everything).Streams[0].Expect;

        Assert.Equal(
            [
                (ExpectKind.NotNull, ExpectAction.Fail), (ExpectKind.Accepted, ExpectAction.Quarantine), (ExpectKind.Between, ExpectAction.Fail),
                (ExpectKind.Matches, ExpectAction.Fail), (ExpectKind.RowCount, ExpectAction.Fail), (ExpectKind.Sql, ExpectAction.Warn),
            ],
            rules.Select(rule => (rule.Kind, rule.Action)));
        Assert.Equal(["id"], rules[0].Columns);
        Assert.Equal((1, "category", "Low,High"), (rules[1].Columns.Length, rules[1].Columns[0], string.Join(',', rules[1].Values)));
        Assert.Equal(("score", "0", null), (rules[2].Columns[0], rules[2].Min, rules[2].Max));
        Assert.Equal(("mail", "@"), (rules[3].Columns[0], rules[3].Pattern));
        Assert.Equal(("1", "100"), (rules[4].Min, rules[4].Max));
        Assert.Equal("not true or total >= 0", rules[5].Condition);
        Assert.Equal("streams.public.events.expect[2].between.score", rules[2].Mark.Key);
    }

    [Fact]
    public void A_rule_of_several_columns_is_one_rule_for_each_unless_they_belong_together()
    {
        var rules = JobText.Right("source: a.csv\ntarget: out\nstreams: {a: {expect: [{unique: [a, b]}, {between: {c: [-1, 1], d: [null, 2.5]}, action: warn}, {row_count: 7}]}}").Streams[0].Expect;

        Assert.Equal(["a,b", "c", "d", ""], rules.Select(rule => string.Join(',', rule.Columns)));
        Assert.Equal([(null, null), ("-1", "1"), (null, "2.5"), ("7", "7")], rules.Select(rule => (rule.Min, rule.Max)));
        Assert.Equal(ExpectAction.Warn, rules[2].Action);
    }

    private static IReadOnlyList<TransformStep> Steps(string steps) => JobText.Right($"""
        source: postgres://u@h/d
        target: out
        streams:
          s.a:
            transform:
        {string.Join('\n', steps.Split('\n').Select(line => "    " + line))}
          s.b:
          s.c: [TO]
        """.Replace("[TO]", "{to: third}", StringComparison.Ordinal)).Streams[0].Transform;
}
