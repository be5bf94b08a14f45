namespace Millrace.SystemTests.Chaos.Points;

/// <summary>The moment after so many bytes between the program and a server: in the middle of a message more often than not.</summary>
/// <param name="End">Which server.</param>
internal sealed record BytePoint(ChaosEnd End = ChaosEnd.Source) : ChaosPoint("bytes", ChaosPhase.Any, ChaosOften.Once)
{
    /// <inheritdoc/>
    public override ChaosProxy? ProxyOf(ChaosWorld world) => world.ProxyOf(End);

    /// <inheritdoc/>
    public override IChaosWatch Watch(ChaosWorld world, int count) => new ProxyWatch(ProxyOf(world)!, new Counter(End, count));

    /// <inheritdoc/>
    public override string Say(int count) => End == ChaosEnd.Source ? $"after {count} bytes of the server" : $"after {count} bytes to and from the target";

    /// <summary>A source sends rows and a target receives them: there, what goes to the server counts too.</summary>
    private sealed class Counter(ChaosEnd end, int bytes) : IProxyTrigger
    {
        private long _left = bytes;

        public bool Strikes(object connection, ReadOnlySpan<byte> chunk, bool isFromServer)
        {
            if (isFromServer || end == ChaosEnd.Target) _left -= chunk.Length;
            else return false;
            return _left <= 0;
        }
    }
}

/// <summary>One of the two servers.</summary>
internal enum ChaosEnd
{
    /// <summary>Rows come from it.</summary>
    Source,

    /// <summary>Rows go to it.</summary>
    Target,
}
