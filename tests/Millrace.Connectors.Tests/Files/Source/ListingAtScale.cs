using System.Diagnostics;
using System.Globalization;
using Millrace.Connectors.Files.Source;
using Millrace.Planning;

namespace Millrace.Connectors.Tests.Files.Source;

/// <summary>
/// What planning a very large folder costs. Runs only when it is asked for, over a folder that exists:
/// <c>MILLRACE_LISTING=FOLDER dotnet Millrace.Connectors.Tests.dll -explicit only -class '*ListingAtScale' -showLiveOutput</c>.
/// </summary>
public sealed class ListingAtScale(ITestOutputHelper output)
{
    [Fact(Explicit = true)]
    public async Task Planned_and_cut_into_units()
    {
        var folder = Environment.GetEnvironmentVariable("MILLRACE_LISTING");
        Assert.SkipWhen(string.IsNullOrEmpty(folder), "MILLRACE_LISTING names no folder");
        using var run = new FilesRun();
        Say($"before: {PeakMegabytes()} MB");
        var watch = Stopwatch.StartNew();
        await using var source = run.Open(folder);
        var plan = await source.PlanAsync(FilesRun.Stream("**"), new PlanRequest { Target = FilesRun.Parquet, Workers = 2 }, CancellationToken.None);
        Say($"planned: {watch.Elapsed.TotalSeconds:0.0} s, {PeakMegabytes()} MB; {plan.Why}");
        long units = 0, files = 0;
        var last = "";
        await foreach (var unit in plan.Units(CancellationToken.None))
        {
            if (units++ == 0) Say($"first unit: {watch.Elapsed.TotalSeconds:0.0} s, {PeakMegabytes()} MB");
            foreach (var file in FileSlice.Parse(unit.Slice).Files)
            {
                Assert.True(string.CompareOrdinal(last, file.Path) < 0, file.Path);
                last = file.Path;
                files++;
            }
        }

        Say($"cut: {watch.Elapsed.TotalSeconds:0.0} s, {PeakMegabytes()} MB; {files:N0} files in {units:N0} units");
    }

    private void Say(string text) => output.WriteLine(text);

    private static long PeakMegabytes() =>
        long.Parse(File.ReadLines("/proc/self/status").First(line => line.StartsWith("VmHWM:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) / 1024;
}
