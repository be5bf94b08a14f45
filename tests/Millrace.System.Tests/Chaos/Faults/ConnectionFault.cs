using Millrace.SystemTests.Chaos.Points;

namespace Millrace.SystemTests.Chaos.Faults;

/// <summary>The connection that has come to the moment is reset, closed in the middle of a message, or stalls.</summary>
internal sealed record ConnectionFault(ConnectionTrouble Trouble, TimeSpan While) : ChaosFault
{
    public override string Name => Trouble switch
    {
        ConnectionTrouble.Reset => "connection reset",
        ConnectionTrouble.Half => "half a message",
        _ => "connection stalled",
    };

    public override bool Fits(ChaosMoment moment) => moment.Point is BytePoint or StatementPoint;

    public override async Task StrikeAsync(ChaosScene scene)
    {
        var proxy = scene.Moment.Point.ProxyOf(scene.World)!;
        if (Trouble == ConnectionTrouble.Reset) proxy.Reset();
        else if (Trouble == ConnectionTrouble.Half) proxy.DeliverHalf();
        // Not a wait for something to happen: the stall is the fault.
        else await Task.Delay(While, TestContext.Current.CancellationToken);
    }
}

/// <summary>What happens to a connection.</summary>
internal enum ConnectionTrouble
{
    /// <summary>TCP's reset.</summary>
    Reset,

    /// <summary>A message ends in the middle.</summary>
    Half,

    /// <summary>Nothing comes for a while.</summary>
    Stall,
}
