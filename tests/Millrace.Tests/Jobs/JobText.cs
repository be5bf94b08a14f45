using System.Collections.Immutable;
using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Tests.Jobs;

/// <summary>Reads job text in tests and shows what came of it.</summary>
internal static class JobText
{
    private static readonly JobOverrides None = new();

    /// <summary>The job of a text that must be right.</summary>
    public static Job Right(string yaml, JobOverrides? overrides = null)
    {
        var reading = JobReader.ReadText("job.yaml", yaml, overrides ?? None, "/base");
        Assert.Empty(reading.Faults.Select(fault => fault.Describe()));
        return reading.Job!;
    }

    /// <summary>The mistakes of a text that must be wrong, as the console prints them.</summary>
    public static ImmutableArray<string> Wrong(string yaml, JobOverrides? overrides = null)
    {
        var reading = JobReader.ReadText("job.yaml", yaml, overrides ?? None, "/base");
        Assert.Null(reading.Job);
        Assert.NotEmpty(reading.Faults);
        Assert.All(reading.Faults, fault => Assert.Equal(2, fault.ExitCode));
        Assert.All(reading.Faults, fault => Assert.Equal(FaultSide.Job, fault.Side));
        return [.. reading.Faults.Select(fault => fault.Describe())];
    }

    /// <summary>Overrides of <c>--set</c> alone.</summary>
    public static JobOverrides Set(params string[] sets) => new() { Sets = [.. sets] };
}
