using System.Text;
using Millrace.Jobs;

namespace Millrace.Tests.Jobs;

public sealed class HostileYamlTests
{
    private const string Start = "source: in.csv\ntarget: out\n";

    [Theory]
    [InlineData("streams: &all {a: {}}\n", "job.yaml:3: streams: found the anchor &all")]
    [InlineData("streams:\n  a: *all\n", "job.yaml:4: streams.a: found the alias *all")]
    [InlineData("streams:\n  a: {columns: [*]}\n", "Write a star in quotes")]
    [InlineData("streams:\n  a: {<<: {mode: append}}\n", "unknown key '<<'")]
    [InlineData("name: !!python/object:os.system x\n", "job.yaml:3: name: found the tag")]
    [InlineData("name: !custom x\n", "found the tag")]
    [InlineData("target: again\n", "job.yaml:3: target: found the key 'target' a second time; the first is in line 2")]
    [InlineData("streams:\n  a:\n    mode: append\n    mode: append\n", "job.yaml:6: streams.a.mode: found the key 'mode' a second time")]
    [InlineData("[a]: b\n", "found a list as a key")]
    [InlineData("---\nsource: b\n", "found a second document")]
    [InlineData("\tname: x\n", "job.yaml:3: (yaml): found a tab in the indentation")]
    [InlineData("name: 'x\n", "no valid YAML")]
    [InlineData("name: [x\n", "no valid YAML")]
    [InlineData("name: x: y\n", "no valid YAML")]
    [InlineData("%TAG ! x\n", "no valid YAML")]
    [InlineData("name: \"\\q\"\n", "no valid YAML")]
    public void What_is_not_plain_yaml_is_refused_with_its_line(string text, string message) =>
        Assert.Contains(message, string.Join("\n", JobText.Wrong(Start + text)), StringComparison.Ordinal);

    [Fact]
    public void A_billion_laughs_stay_small()
    {
        var bomb = new StringBuilder("a: &a [x, x, x]\n");
        for (var c = 'b'; c <= 'z'; c++)
        {
            bomb.Append($"{c}: &{c} [*{(char)(c - 1)}, *{(char)(c - 1)}, *{(char)(c - 1)}]\n");
        }

        Assert.InRange(JobText.Wrong(Start + bomb).Length, 25, Limits.JobFaultsMax + 1);
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{a: ")]
    [InlineData("- ")]
    [InlineData("? ")]
    public void Endless_nesting_is_refused_at_its_first_levels(string open)
    {
        var wrong = JobText.Wrong(string.Concat(Enumerable.Repeat(open, 1_000_000 / open.Length)));

        Assert.Contains("no valid YAML", wrong[0], StringComparison.Ordinal);
    }

    [Fact]
    public void Too_many_values_are_refused() =>
        Assert.Contains("more than 500000 values", JobText.Wrong("streams: [" + string.Concat(Enumerable.Repeat("a,", 600_000)) + "]")[0], StringComparison.Ordinal);

    [Fact]
    public void More_mistakes_than_people_read_are_counted()
    {
        var wrong = JobText.Wrong(Start + string.Concat(Enumerable.Range(0, 250).Select(i => $"wrong{i}: 1\n")));

        Assert.Equal(Limits.JobFaultsMax + 1, wrong.Length);
        Assert.Equal("and 150 more mistakes, not shown", wrong[^1]);
    }

    [Fact]
    public void Random_text_gives_a_job_or_faults_and_never_an_exception()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        string[] pieces =
        [
            "source", "target", "streams", "limits", "mode", ":", ": ", "\n", "\n  ", "- ", "[", "]", "{", "}", ",", "'", "\"", "&a", "*a", "!t", "|", ">", "#", "${", "}",
            "in.csv", "out", "null", "~", "?", "%", "@", "`", "\t", "\u0000", "\u0085", "\uFFFE", "\ud83d\ude00", "---", "...", "<<", "a.b", "512MB", "\\", "0x1F",
        ];
        for (var i = 0; i < 5_000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(1, 25)).Select(_ => pieces[random.Next(pieces.Length)]));
            try
            {
                var reading = JobReader.ReadText("job.yaml", text, new JobOverrides(), "/");
                Assert.True(reading.Job is null != reading.Faults.IsEmpty);
            }
            catch (Exception thrown) when (thrown is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {seed}: {thrown.GetType().Name}: {thrown.Message} for {System.Text.Json.JsonSerializer.Serialize(text)}\n{thrown.StackTrace}");
            }
        }
    }
}
