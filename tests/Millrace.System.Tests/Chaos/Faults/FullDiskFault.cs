namespace Millrace.SystemTests.Chaos.Faults;

/// <summary>The disk is full until the run has ended.</summary>
internal sealed record FullDiskFault : ChaosFault
{
    public override string Name => "disk full";

    public override Task StrikeAsync(ChaosScene scene)
    {
        scene.World.Disk!.Fill();
        return Task.CompletedTask;
    }
}
