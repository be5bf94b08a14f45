using Millrace.SystemTests.Chaos.Faults;
using Millrace.SystemTests.Chaos.Lake;
using Millrace.SystemTests.Chaos.Points;
using Millrace.SystemTests.Moves;
using Millrace.Testing;

namespace Millrace.SystemTests.Chaos;

/// <summary>One chaos run: the program is started and disturbed as often as its plan says, then resumed in peace; then all is looked at.</summary>
internal sealed class ChaosRun(ChaosPlan plan, ChaosWorld world)
{
    private readonly List<string> _struck = [];

    /// <summary>Does what a plan says. Every ending is an outcome.</summary>
    public static async Task<ChaosOutcome> DoAsync(ChaosPlan plan, ChaosGround ground)
    {
        await using var world = await ChaosWorld.CreateAsync(plan, ground);
        var run = new ChaosRun(plan, world);
        ChaosCheck? check = null;
        try
        {
            await run.DisturbAsync();
            if (!world.IsDone) await world.FinishAsync("in peace");
            check = await ChaosCheck.LookAsync(world);
            Assert.True(check is { Losses: 0, Doubles: 0, Litter.Count: 0 }, $"{check.Losses} lost, {check.Doubles} doubled, litter: {string.Join(", ", check.Litter)}");
            if (plan is LakePlan { HasStages: true }) Assert.Contains(plan.IsServer ? "\"of\":2," : "\"of\":6,", world.Chronicle, StringComparison.Ordinal);
            Secret.AssertHidden(world.Chronicle, "the output");
            Secret.AssertHiddenBelow(world.Folder);
            Secret.AssertHiddenBelow(world.State);
            return new ChaosOutcome(run._struck, check, null);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            return new ChaosOutcome(run._struck, check, $"{plan}\n{error.Message}\nwhat is left of it: {Keep(world)}\n{world.Chronicle}");
        }
    }

    private async Task DisturbAsync()
    {
        foreach (var (moment, fault) in plan.Rounds)
        {
            if (world.IsDone) return;
            if (fault is ClockFault && world.Clock is null) continue;
            await DisturbAsync(moment, fault);
            if (plan.Disk != ChaosDisk.None) world.Disk!.Free();
        }
    }

    private async Task DisturbAsync(ChaosMoment moment, ChaosFault fault)
    {
        await fault.PrepareAsync(world);
        await using var watch = moment.Watch(world);
        await using var process = world.Start();
        var ended = process.WaitAsync();
        var isReached = await watch.ReachedAsync(ended);
        if (isReached)
        {
            _struck.Add(fault.Name);
            await fault.StrikeAsync(new ChaosScene(world, moment, process, ended, watch));
        }

        watch.Release();
        var exit = await ended;
        world.Note($"{fault.Name} {moment}{(isReached ? "" : ", which never came")}", exit);
        Assert.True(exit.ExitCode is 0 or 1 or 3 or 5 or 137, $"exit code {exit.ExitCode}");
        Assert.DoesNotContain("\"internal\"", exit.Stdout, StringComparison.Ordinal);
    }

    /// <summary>Copies the world to where somebody can look at it.</summary>
    private static string Keep(ChaosWorld world)
    {
        var place = Path.Combine(Testbed.Repository, "artifacts", "chaos", $"seed-{world.Plan.Seed}");
        SystemCommand.Run("rm", "-rf", place);
        Directory.CreateDirectory(place);
        foreach (var folder in new HashSet<string> { world.Folder, world.Home, world.State }) SystemCommand.Run("cp", "-a", folder, place);
        File.WriteAllText(Path.Combine(place, "chronicle.txt"), world.Chronicle);
        return place;
    }
}

/// <summary>How a chaos run ended.</summary>
/// <param name="Struck">The faults that really happened: a moment that never came is none.</param>
/// <param name="Check">What was found in the end; null when it did not come to that.</param>
/// <param name="Failure">With its seed and all that happened, unless the end is that of an undisturbed run.</param>
internal sealed record ChaosOutcome(IReadOnlyList<string> Struck, ChaosCheck? Check, string? Failure);
