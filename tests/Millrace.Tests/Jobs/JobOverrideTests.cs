using Millrace.Jobs;

namespace Millrace.Tests.Jobs;

public sealed class JobOverrideTests
{
    private const string Job = """
        source: postgres://u@h/d
        target: out
        streams:
          public.events: {mode: overwrite}
          public.events.old: {}
          public: {}
        """;

    [Fact]
    public void The_short_form_needs_no_file()
    {
        var reading = JobReader.ReadShortForm(
            new JobOverrides
            {
                From = "postgres://u@h/d", To = "./lake", Streams = ["public.events", "a=b"], Mode = "append", Consistency = "unit",
                Memory = "256MB", Workers = "2", State = "st", Sets = ["format=csv", "streams.a=b.to=c"],
            },
            "/base");

        Assert.Empty(reading.Faults.Select(fault => fault.Describe()));
        var job = reading.Job!;
        Assert.Equal(("run", "postgres://u@h/d", "./lake", "st", FileFormat.Csv), (job.Name, job.Source.Text, job.Target.Text, job.State, job.Format));
        Assert.Equal(new JobLimits { MemoryBytes = 256L << 20, Workers = 2 }, job.Limits);
        Assert.Equal(["events", "c"], job.Streams.Select(stream => stream.TargetName));
        Assert.All(job.Streams, stream => Assert.Equal((WriteMode.Append, Consistency.Unit), (stream.Mode, stream.Consistency)));
        Assert.Equal("--from", job.Source.Mark.ToString());
    }

    [Fact]
    public void A_file_source_has_its_stream_before_set_is_applied()
    {
        var job = JobReader.ReadShortForm(new JobOverrides { From = "events.csv", To = "lake", Sets = ["streams.events.read.delimiter=;"], Mode = "append" }, "/").Job!;

        Assert.Equal(";", job.Streams.Single().Read.Delimiter);
        Assert.Equal(WriteMode.Append, job.Streams.Single().Mode);
    }

    [Theory]
    [InlineData("streams.public.events.mode=append", 0)]
    [InlineData("streams.public.events.old.mode=append", 1)]
    [InlineData("streams.public.mode=append", 2)]
    public void The_longest_stream_name_that_fits_is_meant(string set, int stream)
    {
        var job = JobText.Right(Job, JobText.Set(set));

        Assert.Equal(stream, job.Streams.ToList().FindIndex(one => one.Mode == WriteMode.Append));
        Assert.Equal(1, job.Streams.Count(one => one.Mode == WriteMode.Append));
    }

    [Fact]
    public void Values_are_yaml_where_they_look_like_it_and_text_otherwise()
    {
        var job = JobText.Right(
            Job,
            JobText.Set(
                "streams.public.columns=[id, \"*\"]", "streams.public.events.columns=*", "streams.public.where=a = 'x' and b: c", "streams.public.types.my.column=decimal(5,2)",
                "streams.public.partition={by: id, key: id}", "limits.workers=auto", "limits.memory=1GB", "streams.public.events.where='quoted' = x", "name=null"));

        Assert.Equal(["id", "*"], job.Streams[2].Columns);
        Assert.Equal(["*"], job.Streams[0].Columns);
        Assert.Equal("a = 'x' and b: c", job.Streams[2].Where);
        Assert.Equal("'quoted' = x", job.Streams[0].Where);
        Assert.Equal("decimal(5,2)", job.Streams[2].Types["my.column"]);
        Assert.Equal(PartitionBy.Id, job.Streams[2].Partition.By);
        Assert.Equal(1L << 30, job.Limits.MemoryBytes);
        Assert.Equal("job", job.Name);
    }

    [Theory]
    [InlineData("streams.pubic.events.mode=append", "--set streams.pubic.events.mode: found 'pubic.events.mode', which is no stream of this job")]
    [InlineData("streams.public.events.mode=apend", "--set streams.public.events.mode: found 'apend', expected overwrite, append, merge or incremental\n  Did you mean 'append'?")]
    [InlineData("streams.public.events.mod=append", "Did you mean 'mode'?")]
    [InlineData("limits.memory.x=1", "--set limits.memory: found a map, expected a size")]
    [InlineData("limit.memory=1GB", "Did you mean 'limits'?")]
    [InlineData("nothing", "expected key=value")]
    [InlineData("=x", "expected key=value")]
    [InlineData("streams.public.columns=[a", "is no valid YAML")]
    [InlineData("source.x=1", "--set source: found 'postgres://u@h/d' in the job file, where --set needs a map")]
    public void A_wrong_set_names_itself(string set, string message) =>
        Assert.Contains(message, Assert.Single(JobText.Wrong(Job, JobText.Set(set))), StringComparison.Ordinal);

    [Fact]
    public void Stream_picks_among_a_file_s_streams()
    {
        Assert.Equal(["public"], JobText.Right(Job, new JobOverrides { Streams = ["public"] }).Streams.Select(stream => stream.Name));
        Assert.Contains("Did you mean 'public.events'?", Assert.Single(JobText.Wrong(Job, new JobOverrides { Streams = ["public.event"] })), StringComparison.Ordinal);
    }

    [Fact]
    public void Options_of_the_command_line_win_over_the_file_and_set_over_both()
    {
        Assert.All(JobText.Right(Job, new JobOverrides { Schema = "replace" }).Streams, static stream => Assert.Equal(SchemaRule.Replace, stream.Schema));
        var job = JobText.Right(Job, new JobOverrides { To = "there", Mode = "append", Sets = ["target=elsewhere", "streams.public.mode=overwrite"] });

        Assert.Equal("elsewhere", job.Target.Text);
        Assert.Equal([WriteMode.Append, WriteMode.Append, WriteMode.Overwrite], job.Streams.Select(stream => stream.Mode));
    }

    [Theory]
    [InlineData("postgres://u:secret@h/d", true)]
    [InlineData("postgres://u@h/d?password=secret", true)]
    [InlineData("postgres://u:${PW}@h/d", false)]
    [InlineData("postgres://u@h/d", false)]
    public void A_password_on_the_command_line_is_warned_of_and_not_repeated(string url, bool warns)
    {
        var reading = JobReader.ReadShortForm(new JobOverrides { From = url, To = "out", Streams = ["a"] }, "/");

        Assert.Equal(warns, !reading.Warnings.IsEmpty);
        Assert.All(reading.Warnings, warning => Assert.DoesNotContain("secret", warning.Describe(), StringComparison.Ordinal));
        Assert.All(reading.Warnings, warning => Assert.StartsWith("--from: ", warning.Describe(), StringComparison.Ordinal));
    }
}
