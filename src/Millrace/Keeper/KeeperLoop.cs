using Millrace.Faults;
using Millrace.Planning;
using Millrace.Runs;
using Millrace.Worker;

namespace Millrace.Keeper;

/// <summary>
/// The keeper process: joins the moment, says so, and holds it until the run is over, the source has lost it, or no coordinator has given a
/// sign for as long as the job allows. It belongs to no terminal and no process group but its own, so that what kills the run leaves it.
/// </summary>
public sealed class KeeperLoop(Stream input, Stream output, KnownConnectors connectors, TimeProvider clock)
{
    /// <summary>Keeps.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        PosixCalls.LeaveSession();
        using var channel = new LineChannel(input, output);
        if (await channel.ReadAsync(KeeperJson.Default.KeeperSettings, cancel).ConfigureAwait(false) is not { } settings) return;
        await using var keeper = connectors.OpenKeeper(settings, clock);
        var answer = await JoinAsync(keeper, settings.Moment, cancel).ConfigureAwait(false);
        await channel.WriteAsync(answer, KeeperJson.Default.KeeperAnswer, cancel).ConfigureAwait(false);
        if (answer.Moment is not null) await KeepAsync(keeper!, settings, cancel).ConfigureAwait(false);
    }

    private static async Task<KeeperAnswer> JoinAsync(IMomentKeeper? keeper, HeldMoment moment, CancellationToken cancel)
    {
        try
        {
            if (keeper is null) return new KeeperAnswer { Refusal = "this source has no moments" };
            return new KeeperAnswer { Moment = await keeper.JoinAsync(moment, cancel).ConfigureAwait(false) };
        }
        catch (Fault fault)
        {
            return new KeeperAnswer { Refusal = fault.Message };
        }
    }

    private async Task KeepAsync(IMomentKeeper keeper, KeeperSettings settings, CancellationToken cancel)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(Limits.KeeperLookMilliseconds), clock);
        string? last = null;
        var since = clock.GetTimestamp();
        while (keeper.IsHeld && KeeperSign.Read(settings.Sign) is { } now)
        {
            if (now != last) (last, since) = (now, clock.GetTimestamp());
            else if (clock.GetElapsedTime(since).TotalSeconds > settings.HoldSeconds) return;
            await timer.WaitForNextTickAsync(cancel).ConfigureAwait(false);
        }
    }
}
