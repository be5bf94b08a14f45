using Millrace.SystemTests.Chaos.Points;

namespace Millrace.SystemTests.Chaos.Faults;

/// <summary>The coordinator dies while its worker is paused; the worker goes on while the next coordinator waits for it.</summary>
internal sealed record OutliveFault(TimeSpan While) : ChaosFault
{
    public override string Name => "pause workers and kill coordinator";

    public override bool Fits(ChaosMoment moment) => moment.Point.Phase != ChaosPhase.Begin;

    public override async Task StrikeAsync(ChaosScene scene)
    {
        var workers = scene.Process.Workers();
        foreach (var worker in workers) MillraceProcess.PauseWorker(worker);
        scene.Process.KillCoordinator();
        scene.Watch.Release();
        var resuming = scene.World.ResumeAsync("the coordinator that waits for the worker");
        // Not a wait for something to happen: the pause is the fault.
        await Task.Delay(While, TestContext.Current.CancellationToken);
        foreach (var worker in workers) MillraceProcess.ContinueWorker(worker);
        await resuming;
    }
}
