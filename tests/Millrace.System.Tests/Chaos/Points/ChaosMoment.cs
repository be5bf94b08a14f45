namespace Millrace.SystemTests.Chaos.Points;

/// <summary>When something is done to a run. Whoever has come there waits until it is done.</summary>
/// <param name="Point">The point.</param>
/// <param name="Count">Its nth time, or how many bytes.</param>
internal sealed record ChaosMoment(ChaosPoint Point, int Count)
{
    /// <inheritdoc/>
    public override string ToString() => Point.Say(Count);

    /// <summary>Watches for it, in processes that are started from now on.</summary>
    public IChaosWatch Watch(ChaosWorld world) => Point.Watch(world, Count);
}

/// <summary>A watch for a moment.</summary>
internal interface IChaosWatch : IAsyncDisposable
{
    /// <summary>Waits until somebody is there, true, or the program has ended without coming by.</summary>
    Task<bool> ReachedAsync(Task ended);

    /// <summary>Lets whoever waits go on.</summary>
    void Release();
}
