using System.Text.Json;
using Millrace.DuckDb;
using Millrace.Jobs;

namespace Millrace.Tests.Jobs;

public sealed class JobParamTests
{
    private const string Values = "{n: 5, low: -1, t: \"it's\", half: 0.5, yes: True, day: 2026-01-01, code: \"007\", big: 1_000, exp: 1e3, empty: ''}";

    [Theory]
    [InlineData("a > $n", "a > 5")]
    [InlineData("a-$low", "a-(-1)")]
    [InlineData("a = $t", "a = 'it''s'")]
    [InlineData("a = $half and $yes", "a = 0.5 and true")]
    [InlineData("a < $day", "a < '2026-01-01'")]
    [InlineData("a = $code", "a = '007'")]
    [InlineData("a = $big or a = $exp", "a = 1000 or a = 1e3")]
    [InlineData("a = $empty", "a = ''")]
    [InlineData("a in ($n,$low)", "a in (5,(-1))")]
    [InlineData("'$n' || \"$n\" || $n", "'$n' || \"$n\" || 5")]
    [InlineData("'it''s $n' || $n", "'it''s $n' || 5")]
    [InlineData("e'it\\'s $n' || $n", "e'it\\'s $n' || 5")]
    [InlineData("'a\\' || $n", "'a\\' || 5")]
    [InlineData("1 -- $n\n+ $n", "1 -- $n\n+ 5")]
    [InlineData("1 /* $n /* $n */ $n */ + $n", "1 /* $n /* $n */ $n */ + 5")]
    [InlineData("$$ $n $$ || $n", "$$ $n $$ || 5")]
    [InlineData("$q$ $n $$ $q$ || $n", "$q$ $n $$ $q$ || 5")]
    [InlineData("price$n + $n", "price$n + 5")]
    [InlineData("'x'$t'y'", "'x' 'it''s' 'y'")]
    [InlineData("$n.5", "5 .5")]
    [InlineData("a $ b", "a $ b")]
    [InlineData("'open $n", "'open $n")]
    [InlineData("$q$ open $n", "$q$ open $n")]
    public void A_parameter_becomes_a_literal_where_it_is_a_word(string sql, string filled)
    {
        var stream = Stream(Values, sql);

        Assert.Equal(filled, Assert.IsType<MapStep>(stream.Transform[0]).Sql);
    }

    /// <summary>DuckDB itself says what is a text, a name and a comment.</summary>
    [Fact]
    public void Whatever_a_text_holds_it_reaches_duckdb_as_it_is_and_only_where_it_is_meant()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        using var database = DuckDbDatabase.Open();
        using var connection = database.Connect();
        for (var round = 0; round < 200; round++)
        {
            var value = string.Concat(Enumerable.Range(0, random.Next(8)).Select(_ => random.GetItems(["'", "''", "\\", "$t", "$$", "--", "/*", "*/", "\"", "\n", ";", "é", "x"], 1)[0]));
            (string Sql, string Means)[] pieces =
            [
                ("$t", value), ("'$t'", "$t"), ("'it''s $t\\'", "it's $t\\"), ("e'\\'$t'", "'$t"), ("$$ $t ' $$", " $t ' "), ("$q$ $t $$ $q$", " $t $$ "), ("\"$t\"", "name"),
                ("/* $t /* ' */ $t */ $t", value), ("-- $t '\n$t", value), ("a$t", "other"), ("coalesce($t)", value), ("concat('',$t)", value),
            ];
            var picked = random.GetItems(pieces, random.Next(1, 6));
            var sql = $"select {string.Join(" || ", picked.Select(piece => piece.Sql))} as v from (select 'name' as \"$t\", 'other' as a$t)";

            var filled = Assert.IsType<MapStep>(Stream($"{{t: {JsonSerializer.Serialize(value)}}}", sql).Transform[0]).Sql;

            using var result = connection.Query(filled);
            Assert.True(result.Read());
            Assert.True(string.Concat(picked.Select(piece => piece.Means)) == result.GetText(0), $"seed {seed}: {filled}");
        }
    }

    [Fact]
    public void Parameters_reach_every_place_with_sql()
    {
        var job = JobText.Right("""
            source: postgres://u@h/d
            target: out
            params: {n: 5}
            streams:
              q:
                query: select $n
                transform:
                  - map: select $n
                  - join: {with: x.csv, on: k, where: a < $n}
                  - group: {by: k, total: sum(a) + $n}
                expect: [{sql: a < $n}]
                write: {partition_by: {p: "a % $n"}}
              t: {where: a > $n}
            """);

        Assert.Equal("select 5", job.Streams[0].Query);
        Assert.Equal("select 5", ((MapStep)job.Streams[0].Transform[0]).Sql);
        Assert.Equal("a < 5", ((JoinStep)job.Streams[0].Transform[1]).With.Where);
        Assert.Equal("sum(a) + 5", ((GroupStep)job.Streams[0].Transform[2]).Aggregates[0].Sql);
        Assert.Equal("a < 5", job.Streams[0].Expect[0].Condition);
        Assert.Equal("a % 5", job.Streams[0].Write.PartitionExpressions[0].Sql);
        Assert.Equal("a > 5", job.Streams[1].Where);
        Assert.Equal(new JobParam(JobParamKind.Number, "5"), job.Params["n"]);
    }

    [Fact]
    public void Values_have_the_type_that_they_are_written_in()
    {
        var kinds = JobText.Right(Job(Values, "1")).Params.ToDictionary(pair => pair.Key, pair => pair.Value.Kind);

        Assert.All(["n", "low", "half", "big", "exp"], name => Assert.Equal(JobParamKind.Number, kinds[name]));
        Assert.All(["t", "day", "code", "empty"], name => Assert.Equal(JobParamKind.Text, kinds[name]));
        Assert.Equal(JobParamKind.Truth, kinds["yes"]);
    }

    [Theory]
    [InlineData("params.n=6", "$n", "6")]
    [InlineData("params.t=6", "$t", "'6'")]
    [InlineData("params.t='a b'", "$t", "'a b'")]
    [InlineData("params.t=true", "$t", "'true'")]
    [InlineData("params.yes=false", "$yes", "false")]
    [InlineData("params.open=7", "$open", "7")]
    [InlineData("params.open=x; drop table y", "$open", "'x; drop table y'")]
    [InlineData("params={n: 8}", "$n", "8")]
    public void The_command_line_gives_another_value_of_the_same_type(string set, string sql, string filled) =>
        Assert.Equal(filled, Assert.IsType<MapStep>(JobText.Right(Job("{n: 5, t: x, yes: true, open: 1}".Replace("open: 1", set.Contains("open", StringComparison.Ordinal) ? "open: null" : "open: 1", StringComparison.Ordinal), sql), JobText.Set(set)).Streams[0].Transform[0]).Sql);

    [Theory]
    [InlineData("params.n=six", "--set params.n: found 'six', expected a number, as in the job file")]
    [InlineData("params.n=\"6\"", "--set params.n: found '6', expected a number, as in the job file")]
    [InlineData("params.yes=1", "--set params.yes: found '1', expected true or false, as in the job file")]
    [InlineData("params.m=6", "--set params.m: found 'm', which is no parameter of this job; it has n, t or yes\n  Did you mean 'n'?")]
    [InlineData("params.n={a: 1}", "params.n: found a map, expected a text, a number, true or false")]
    public void The_command_line_can_not_give_another_type_or_name(string set, string message) =>
        Assert.Contains(message, Assert.Single(JobText.Wrong(Job("{n: 5, t: x, yes: true}", "1"), JobText.Set(set))), StringComparison.Ordinal);

    [Theory]
    [InlineData("{nn: 1}", "$n", "transform[0].map: found '$n', which is no parameter of this job, expected $nn\n  Did you mean '$nn'?")]
    [InlineData("{a: 1}", "$1", "found '$1', which is no parameter")]
    [InlineData("{a: 1, b: 1, c: 1, d: 1, e: 1, f: 1, g: 1}", "$other", "expected $a, $b, $c, $d, $e or 2 more\n  Add it to params")]
    [InlineData("[a]", "1", "params: found a list, expected a map of names to texts")]
    [InlineData("{}", "1", "params: found an empty map")]
    [InlineData("{1a: 1}", "1", "params.1a: found the parameter '1a', expected a name")]
    [InlineData("{a b: 1}", "1", "expected a name of at most 64 letters")]
    [InlineData("{a: }", "1", "params.a: found nothing, expected a value\n  Give one here, or with --set params.a=...")]
    [InlineData("{a: null}", "1", "params.a: found nothing, expected a value")]
    [InlineData("{a: [1]}", "1", "params.a: found a list, expected a text, a number, true or false")]
    [InlineData("{zip: 01234}", "1", "params.zip: found '01234', which is a number that begins with 0\n  Put it in quotes")]
    [InlineData("{home: \"${HOME}\"}", "1", "params.home: found '${', which is resolved in source")]
    [InlineData("{zip: -01}", "1", "which is a number that begins with 0")]
    public void A_wrong_parameter_says_what_was_found_and_expected(string values, string sql, string message) =>
        Assert.Contains(message, Assert.Single(JobText.Wrong(Job(values, sql))), StringComparison.Ordinal);

    [Fact]
    public void Short_files_do_not_become_long_sql()
    {
        var text = new string('x', Limits.ParamValueCharsMax);

        var wrong = Assert.Single(JobText.Wrong(Job($"{{a: {text}}}", string.Concat(Enumerable.Repeat("$a,", 1000)))));

        Assert.Contains("put more than 4194304 characters into the job's SQL", wrong, StringComparison.Ordinal);
        Assert.Contains("expected at most 10000", Assert.Single(JobText.Wrong(Job($"{{a: x{text}}}", "1"))), StringComparison.Ordinal);
    }

    private static StreamJob Stream(string values, string sql) => JobText.Right(Job(values, sql)).Streams[0];

    private static string Job(string values, string sql) =>
        $"source: a.csv\ntarget: out\nparams: {values}\nstreams:\n  a:\n    transform:\n    - map: \"{sql.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)}\"\n";
}
