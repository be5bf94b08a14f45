using Millrace.Jobs;
using Millrace.Testing;

namespace Millrace.Tests.Jobs;

public sealed class JobReferenceTests
{
    /// <summary>Run with MILLRACE_WRITE_REFERENCE=1 to write the page anew.</summary>
    [Fact]
    public void The_reference_is_what_the_reader_reads()
    {
        var file = Path.Combine(Testbed.Repository, "docs", "reference", "job-file.md");
        if (Environment.GetEnvironmentVariable("MILLRACE_WRITE_REFERENCE") == "1")
        {
            File.WriteAllText(file, JobReference.Markdown());
        }

        Assert.Equal(JobReference.Markdown(), File.ReadAllText(file));
    }
}
