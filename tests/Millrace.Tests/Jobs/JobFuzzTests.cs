using System.Text;
using Millrace.Jobs;
using Millrace.Testing;

namespace Millrace.Tests.Jobs;

/// <summary>
/// Damaged job files: a job or mistakes with their lines, never an exception, never more mistakes than are shown, and never much
/// memory.
/// </summary>
public sealed class JobFuzzTests
{
    // A thousand times the text: what a wild length or an endless repetition would pass at once.
    private const long AllocatedBytesMax = 4 << 20;

    public static TheoryData<int> Seeds => [1, 2, 3, Environment.TickCount];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Whatever_a_job_file_says_is_a_job_or_a_list_of_mistakes(int seed)
    {
        var random = new Random(seed);
        var sound = Encoding.UTF8.GetBytes(JobReaderTests.Everything);
        for (var round = 0; round < 600; round++)
        {
            var text = Encoding.UTF8.GetString(Damage.To(sound, random));
            try
            {
                var before = GC.GetAllocatedBytesForCurrentThread();
                var reading = JobReader.ReadText("job.yaml", text, new JobOverrides(), "/base");
                Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, AllocatedBytesMax);
                Assert.True(reading.Job is not null || reading.Faults.Length > 0);
                Assert.InRange(reading.Faults.Length, 0, Limits.JobFaultsMax + 1);
                Assert.All(reading.Faults, static fault => Assert.Equal(2, fault.ExitCode));
            }
            catch (Exception error)
            {
                Assert.Fail($"seed {seed}, round {round}: {error}\n{text}");
            }
        }
    }
}
