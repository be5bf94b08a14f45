namespace Millrace.SystemTests.Chaos.Faults;

/// <summary>SIGKILL.</summary>
internal sealed record KillFault(ChaosVictim Victim) : ChaosFault
{
    public override string Name => $"kill {Victim.ToString().ToLowerInvariant()}";

    public override Task StrikeAsync(ChaosScene scene)
    {
        foreach (var process in scene.Processes(Victim)) MillraceProcess.KillWorker(process);
        return Task.CompletedTask;
    }
}
