namespace Millrace.SystemTests.Chaos.Faults;

/// <summary>SIGSTOP for a while, then SIGCONT.</summary>
internal sealed record PauseFault(ChaosVictim Victim, TimeSpan While) : ChaosFault
{
    public override string Name => $"pause {Victim.ToString().ToLowerInvariant()}";

    public override async Task StrikeAsync(ChaosScene scene)
    {
        var paused = scene.Processes(Victim);
        foreach (var process in paused) MillraceProcess.PauseWorker(process);
        scene.Watch.Release();
        // Not a wait for something to happen: the pause is the fault.
        await Task.Delay(While, TestContext.Current.CancellationToken);
        foreach (var process in paused) MillraceProcess.ContinueWorker(process);
    }
}
