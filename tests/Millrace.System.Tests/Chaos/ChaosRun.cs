using Millrace.Connectors.Tests.Postgres.Servers;
using Millrace.SystemTests.Chaos.Faults;
using Millrace.SystemTests.Moves;
using Millrace.Testing;

namespace Millrace.SystemTests.Chaos;

/// <summary>One chaos run: the program is started and disturbed as often as its plan says, then resumed in peace; then all is looked at.</summary>
internal sealed class ChaosRun(ChaosPlan plan, ChaosWorld world)
{
    private readonly List<string> _struck = [];

    /// <summary>The faults that really happened: a moment that never came is none.</summary>
    public IReadOnlyList<string> Struck => _struck;

    /// <summary>Does what a plan says; throws, with everything that happened, unless the end is that of an undisturbed run.</summary>
    public static async Task<(ChaosCheck Check, IReadOnlyList<string> Struck)> DoAsync(ChaosPlan plan, PgServer? server, string old)
    {
        await using var world = await ChaosWorld.CreateAsync(plan, server, old);
        var run = new ChaosRun(plan, world);
        try
        {
            await run.DisturbAsync();
            if (!world.IsDone) await world.ResumeAsync("in peace", 0);
            var check = await ChaosCheck.LookAsync(world);
            Assert.True(check is { Losses: 0, Doubles: 0, Litter.Count: 0 }, $"{check.Losses} lost, {check.Doubles} doubled, litter: {string.Join(", ", check.Litter)}");
            Secret.AssertHidden(world.Chronicle, "the output");
            Secret.AssertHiddenBelow(world.Folder);
            Secret.AssertHiddenBelow(world.State);
            return (check, run.Struck);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            throw new ChaosException($"{plan}\n{error.Message}\nwhat is left of it: {Keep(world)}\n{world.Chronicle}", error);
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
        using var watch = moment.Watch(world);
        await using var process = world.Start();
        var ended = process.WaitAsync();
        var isReached = await watch.ReachedAsync(ended);
        if (isReached)
        {
            _struck.Add(fault.Name);
            await fault.StrikeAsync(new ChaosScene(world, process, ended, watch));
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

/// <summary>A chaos run that did not end as it must, with its seed and all that happened.</summary>
internal sealed class ChaosException(string message, Exception inner) : Exception(message, inner);
