namespace Millrace.SystemTests.Chaos.Faults;

/// <summary>The server is restarted, in order or after a crash.</summary>
internal sealed record RestartFault(bool Crash) : ChaosFault
{
    public override string Name => Crash ? "crash and restart of PostgreSQL" : "restart of PostgreSQL";

    public override Task StrikeAsync(ChaosScene scene) => scene.World.Server!.RestartAsync(Crash);
}
