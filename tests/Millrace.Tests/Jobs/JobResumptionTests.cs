using Millrace.Jobs;

namespace Millrace.Tests.Jobs;

public sealed class JobResumptionTests
{
    private static readonly Job Begun = JobText.Right("""
        source: postgres://u@h/d
        target: out
        format: csv
        limits: {workers: 2, memory: 1GB}
        streams:
          a.events: {to: x, mode: append, where: "id > 1"}
          b.events: {}
        """);

    [Fact]
    public void Nothing_given_changes_nothing()
    {
        var job = JobResumption.Apply(Begun, new JobOverrides()).Job!;

        Assert.Equal(JobJson.Write(Begun), JobJson.Write(job));
    }

    [Fact]
    public void Source_limits_and_consistency_can_be_given_anew()
    {
        var job = JobResumption.Apply(Begun, new JobOverrides { From = "${URL}", Workers = "3", Consistency = "unit", Sets = ["limits.disk=1GB"] }).Job!;

        Assert.Equal("${URL}", job.Source.Text);
        Assert.Equal(new JobLimits { Workers = 3, MemoryBytes = 1L << 30, DiskBytes = 1L << 30 }, job.Limits);
        Assert.All(job.Streams, stream => Assert.Equal(Consistency.Unit, stream.Consistency));
        Assert.Equal((WriteMode.Append, "x", "id > 1"), (job.Streams[0].Mode, job.Streams[0].To, job.Streams[0].Where));
    }

    [Fact]
    public void One_stream_s_consistency_leaves_the_others()
    {
        var job = JobResumption.Apply(Begun, JobText.Set("streams.b.events.consistency=unit")).Job!;

        Assert.Equal([Consistency.Snapshot, Consistency.Unit], job.Streams.Select(stream => stream.Consistency));
    }

    [Theory]
    [InlineData("target=elsewhere")]
    [InlineData("streams.a.events.mode=overwrite")]
    [InlineData("limits.workers=none")]
    public void What_would_make_another_job_is_refused(string set) =>
        Assert.NotEmpty(JobResumption.Apply(Begun, JobText.Set(set)).Faults);
}
