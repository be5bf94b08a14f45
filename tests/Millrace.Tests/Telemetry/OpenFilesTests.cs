using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Telemetry;
using Millrace.Testing;

namespace Millrace.Tests.Telemetry;

/// <summary>How many files a process may open, and whether that is enough.</summary>
public sealed class OpenFilesTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("Limit                     Soft Limit           Hard Limit           Units     \nMax open files            1024                 4096                 files     \n", 4096L)]
    [InlineData("Max open files            1024                 unlimited            files     \n", null)]
    [InlineData("Max processes             1                    2                    processes \n", null)]
    [InlineData("Max open files", null)]
    [InlineData("", null)]
    public void The_hard_limit_counts(string limits, long? expected) => Assert.Equal(expected, OpenFiles.OfLinux(_folder.Write("limits", limits)));

    [Fact]
    public void No_file_is_no_limit() => Assert.Null(OpenFiles.OfLinux(_folder["nothing"]));

    [Fact]
    public void Too_few_are_said_with_what_to_change()
    {
        var budget = Budget.Of(new JobLimits { Workers = 4 });
        var needed = budget.OpenFiles(EngineChoice.Local);
        Assert.Null(budget.WhyTooFewFiles(EngineChoice.Local, null));
        Assert.Null(budget.WhyTooFewFiles(EngineChoice.Local, needed));
        Assert.Equal(
            $"a process may open {needed - 1} files here, and may need {needed}: raise the limit (ulimit -n), or lower limits.workers",
            budget.WhyTooFewFiles(EngineChoice.Local, needed - 1));
        Assert.True(Budget.Of(new JobLimits { Workers = 64 }).OpenFiles(EngineChoice.Local) < 1024);
    }
}
