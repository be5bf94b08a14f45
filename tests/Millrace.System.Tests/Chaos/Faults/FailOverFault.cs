namespace Millrace.SystemTests.Chaos.Faults;

/// <summary>
/// The target's standby takes over under the same address. What was committed is there, for commits wait for it; what is not logged is empty.
/// </summary>
/// <param name="OldLivesOn">Whether the old server runs on until the new one is written; else it is lost before.</param>
internal sealed record FailOverFault(bool OldLivesOn) : ChaosFault
{
    public override string Name => OldLivesOn ? "fail-over of the target" : "loss and fail-over of the target";

    public override Task PrepareAsync(ChaosWorld world) => world.Database.Server.FollowAsync();

    public override Task StrikeAsync(ChaosScene scene) => scene.World.Database.FailOverAsync(OldLivesOn);
}
