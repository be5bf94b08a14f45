using Millrace.SystemTests.Chaos.Points;

namespace Millrace.SystemTests.Chaos.Faults;

/// <summary>A server is restarted, in order or after a crash.</summary>
internal sealed record RestartFault(bool Crash, ChaosEnd End = ChaosEnd.Source) : ChaosFault
{
    public override string Name => $"{(Crash ? "crash and restart" : "restart")} of {(End == ChaosEnd.Source ? "PostgreSQL" : "the target")}";

    public override Task StrikeAsync(ChaosScene scene) => End == ChaosEnd.Target
        ? scene.World.Database.RestartAsync(Crash)
        : scene.World.RestartSourceAsync(Crash);
}
