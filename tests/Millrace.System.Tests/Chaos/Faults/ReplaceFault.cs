using Millrace.SystemTests.Chaos.Points;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests.Chaos.Faults;

/// <summary>
/// The coordinator is paused, loses its locks, as on a network file system that takes it for dead, and is replaced; then it goes on. It
/// must end with an error and publish nothing. Where it was paused before it had its number, it comes after the other one, and finds all done.
/// </summary>
internal sealed record ReplaceFault : ChaosFault
{
    public override string Name => "replace a paused coordinator";

    // Later it has published already, and there may be nothing left to refuse; earlier there is no run to replace it in.
    public override bool Fits(ChaosMoment moment) => moment.Point.Phase is ChaosPhase.Load or ChaosPhase.Commit;

    public override async Task StrikeAsync(ChaosScene scene)
    {
        var world = scene.World;
        MillraceProcess.PauseWorker(scene.Process.Id);
        scene.Watch.Release();
        foreach (var worker in scene.Process.Workers()) MillraceProcess.KillWorker(worker);
        await Eventually.TrueAsync("the workers are gone", () => scene.Process.Workers().Count == 0);
        world.LoseLocks();
        await world.FinishAsync("the coordinator that replaces it");
        var published = await world.Target.PublishedAsync();
        MillraceProcess.ContinueWorker(scene.Process.Id);
        var exit = await scene.Ended;
        Assert.True(exit.ExitCode is 1 or 3 || FoundAllDone(exit), $"a coordinator that was replaced ended with {exit.ExitCode}:\n{exit.Stdout}{exit.Stderr}");
        Assert.Equal(published, await world.Target.PublishedAsync());
    }

    private static bool FoundAllDone(MillraceExit exit)
    {
        var committed = Workbench.Events(exit).Where(static line => line.GetProperty("event").GetString() == "committed").ToList();
        return exit.ExitCode == 0 && committed.Count > 0 && committed.TrueForAll(static line => line.GetProperty("already_done").GetBoolean());
    }
}
