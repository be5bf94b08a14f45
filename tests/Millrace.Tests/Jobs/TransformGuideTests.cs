using System.Text.RegularExpressions;
using Millrace.Testing;

namespace Millrace.Tests.Jobs;

/// <summary>Whatever the guide shows of a job file can be read.</summary>
public sealed partial class TransformGuideTests
{
    [Theory]
    [InlineData("transform.md", 10)]
    [InlineData("expect.md", 0)]
    public void Every_example_of_the_guide_is_right(string page, int examplesMin)
    {
        var guide = File.ReadAllText(Path.Combine(Testbed.Repository, "docs", "guide", page));
        var examples = Example().Matches(guide).Select(match => match.Groups[1].Value).ToList();

        Assert.True(examples.Count > examplesMin);
        Assert.All(examples, example => JobText.Right(example.StartsWith("source:", StringComparison.Ordinal) ? example : Within(example)));
    }

    private static string Within(string items)
    {
        var key = items.StartsWith("- not_null", StringComparison.Ordinal) ? "expect" : "transform";
        return $"source: postgres://u@h/d\ntarget: out\nstreams:\n  public.customers:\n  public.orders:\n    {key}:\n"
            + string.Concat(items.Split('\n').Select(line => $"    {line}\n"));
    }

    [GeneratedRegex("```yaml\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Example();
}
