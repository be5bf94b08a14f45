using System.Collections.Immutable;
using Millrace.Jobs;

namespace Millrace.Tests.Runs;

/// <summary>A job that nobody runs.</summary>
internal static class SampleJob
{
    public static Job Named(string name) => new()
    {
        Name = name,
        Source = new Endpoint("./in", new Mark("source")),
        Target = new Endpoint("./out", new Mark("target")),
        Format = FileFormat.Parquet,
        State = ".millrace",
        Engine = EngineChoice.Auto,
        Limits = new JobLimits(),
        Streams = [new StreamJob { Name = "events", Mark = new Mark("streams.events") }],
        BaseDirectory = "/",
    };
}
