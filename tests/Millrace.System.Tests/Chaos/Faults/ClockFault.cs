namespace Millrace.SystemTests.Chaos.Faults;

/// <summary>The clock of all processes is set back.</summary>
internal sealed record ClockFault(int Seconds) : ChaosFault
{
    public override string Name => "clock set back";

    public override Task StrikeAsync(ChaosScene scene)
    {
        scene.World.Clock!.SetBack(Seconds);
        return Task.Delay(FakeClock.Lag, TestContext.Current.CancellationToken);
    }
}
