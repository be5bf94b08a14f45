using System.Globalization;
using System.Text.Json;
using Millrace.Testing;

namespace Millrace.SystemTests.Chaos;

/// <summary>
/// Which seeds are tried: <c>MILLRACE_CHAOS_SEED</c> and <c>MILLRACE_CHAOS_RUNS</c> choose others than the tests' own (bench/chaos.py does),
/// <c>MILLRACE_CHAOS_RESULT</c> names a file for a line about each.
/// </summary>
internal static class ChaosSeeds
{
    /// <summary>The seeds that were asked for, or a test's own.</summary>
    public static TheoryData<int> Of(int[] own) => Number("SEED") is { } first ? [.. Enumerable.Range(first, Number("RUNS") ?? 1)] : [.. own];

    /// <summary>Does what a plan says; fails the test unless all ends well.</summary>
    public static async Task<ChaosOutcome> TryAsync(ChaosPlan plan, ChaosGround ground)
    {
        if (!OperatingSystem.IsLinux() || !Environment.IsPrivilegedProcess) Testbed.Missing("needs root on Linux to stop programs where they open a file");
        TestContext.Current.TestOutputHelper?.WriteLine(plan.ToString());
        var outcome = await ChaosRun.DoAsync(plan, ground);
        if (Environment.GetEnvironmentVariable("MILLRACE_CHAOS_RESULT") is { Length: > 0 } file) await TellAsync(file, plan.Seed, outcome);
        Assert.True(outcome.Failure is null, outcome.Failure);
        return outcome;
    }

    private static Task TellAsync(string file, int seed, ChaosOutcome outcome)
    {
        var line = new
        {
            seed,
            struck = outcome.Struck,
            failed = outcome.Failure is not null,
            losses = outcome.Check?.Losses,
            doubles = outcome.Check?.Doubles,
            litter = outcome.Check?.Litter.Count,
        };
        return File.AppendAllTextAsync(file, JsonSerializer.Serialize(line) + "\n", TestContext.Current.CancellationToken);
    }

    private static int? Number(string name) =>
        int.TryParse(Environment.GetEnvironmentVariable($"MILLRACE_CHAOS_{name}"), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
