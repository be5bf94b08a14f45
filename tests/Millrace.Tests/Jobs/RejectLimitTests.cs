using Millrace.Jobs;

namespace Millrace.Tests.Jobs;

public sealed class RejectLimitTests
{
    [Theory]
    [InlineData("0", "0")]
    [InlineData("250", "250")]
    [InlineData("10_000", "10000")]
    [InlineData("1%", "1%")]
    [InlineData("0.25 %", "0.25%")]
    [InlineData("100%", "100%")]
    public void A_number_of_rows_or_a_share(string text, string read)
    {
        Assert.True(RejectLimit.TryParse(text, out var limit));
        Assert.Equal(read, limit.ToString());
    }

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("1.5")]
    [InlineData("%")]
    [InlineData("101%")]
    [InlineData("-1%")]
    [InlineData("0.0000001%")]
    [InlineData("1e2")]
    [InlineData("many")]
    [InlineData("99999999999999999999")]
    public void Anything_else_is_refused(string text) => Assert.False(RejectLimit.TryParse(text, out _));

    [Theory]
    [InlineData("10", 10, 10, true)]
    [InlineData("10", 11, 1_000_000, false)]
    [InlineData("0", 0, 5, true)]
    [InlineData("0", 1, 5, false)]
    [InlineData("1%", 10, 1_000, true)]
    [InlineData("1%", 10, 999, false)]
    [InlineData("0.1%", 1, 1_000, true)]
    [InlineData("0.1%", 1, 999, false)]
    [InlineData("0.000001%", 1, 100_000_000, true)]
    [InlineData("0.000001%", 1, 99_999_999, false)]
    [InlineData("100%", 7, 7, true)]
    public void The_end_of_a_stream_is_judged_exactly(string limit, long rejected, long read, bool allowed)
    {
        Assert.True(RejectLimit.TryParse(limit, out var parsed));
        Assert.Equal(allowed, parsed.Allows(rejected, read));
    }

    [Theory]
    [InlineData("250", null, 250L)]
    [InlineData("250", 1_000_000L, 250L)]
    [InlineData("1%", null, null)]
    [InlineData("1%", 1_000L, Limits.RejectRowsDefault)]
    [InlineData("1%", 10_000_000L, 200_000L)]
    [InlineData("100%", long.MaxValue, long.MaxValue)]
    public void Before_the_end_a_share_stops_only_what_no_wrong_estimate_explains(string limit, long? estimated, long? stopsAt)
    {
        Assert.True(RejectLimit.TryParse(limit, out var parsed));
        Assert.Equal(stopsAt, parsed.StopsAt(estimated));
    }

    [Fact]
    public void A_job_says_both_keys_and_mistakes_have_their_line()
    {
        var job = JobText.Right("source: postgres://u@h/d\ntarget: out\nlimits: {rejects: 0.5%}\nstreams:\n  a.b:\n    on_reject: quarantine\n");
        Assert.Equal("0.5%", job.Limits.Rejects!.ToString());
        Assert.Equal(OnReject.Quarantine, job.Streams[0].OnReject);
        Assert.Equal(job.Limits.Rejects, JobJson.Read(JobJson.Write(job), "job.json").Limits.Rejects);

        var wrong = JobText.Wrong("source: postgres://u@h/d\ntarget: out\nlimits: {rejects: some}\nstreams:\n  a.b:\n    on_reject: drop\n");
        Assert.Equal(2, wrong.Length);
        Assert.StartsWith("job.yaml:3: limits.rejects: found 'some', expected a number of rows, or a share of them such as 1%", wrong[0], StringComparison.Ordinal);
        Assert.StartsWith("job.yaml:6: streams.a.b.on_reject: found 'drop', expected fail or quarantine", wrong[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_resumed_run_may_have_another_limit_and_no_other_rule()
    {
        var job = JobText.Right("source: postgres://u@h/d\ntarget: out\nlimits: {rejects: 5}\nstreams:\n  a.b:\n    on_reject: quarantine\n");
        Assert.Equal("50", JobResumption.Apply(job, new JobOverrides { Sets = ["limits.rejects=50"] }).Job!.Limits.Rejects!.ToString());
        Assert.Equal("5", JobResumption.Apply(job, new JobOverrides()).Job!.Limits.Rejects!.ToString());
        Assert.Null(JobResumption.Apply(job, new JobOverrides { Sets = ["streams.a.b.on_reject=fail"] }).Job);
    }
}
