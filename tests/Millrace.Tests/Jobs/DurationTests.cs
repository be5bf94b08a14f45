using Millrace.Jobs;

namespace Millrace.Tests.Jobs;

public sealed class DurationTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("0s", 0)]
    [InlineData("90s", 90)]
    [InlineData("15m", 900)]
    [InlineData("24h", 86_400)]
    public void Times_are_read(string text, int seconds)
    {
        Assert.True(Duration.TryParse(text, out var read));
        Assert.Equal(seconds, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("15")]
    [InlineData("m")]
    [InlineData("-1s")]
    [InlineData("1.5h")]
    [InlineData("1 h")]
    [InlineData("1d")]
    [InlineData("2147483647h")]
    public void What_is_no_time_is_not(string text) => Assert.False(Duration.TryParse(text, out _));

    [Theory]
    [InlineData("25h", "at most 86400 s")]
    [InlineData("soon", "expected a time such as 90s, 15m or 1h")]
    public void A_job_with_a_wrong_time_is_refused(string text, string expected) => Assert.Contains(expected, Assert.Single(JobText.Wrong($$"""
        source: in.csv
        target: out
        limits: {snapshot_hold: {{text}}}
        """)));
}
