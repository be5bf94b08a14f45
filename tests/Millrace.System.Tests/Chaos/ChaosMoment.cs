using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests.Chaos;

/// <summary>
/// When something is done to a run: at a named point, or after so many bytes of the server. Whoever has come there waits until it is done.
/// </summary>
/// <param name="Point">The point; null: by bytes.</param>
/// <param name="Count">Its nth opening, or how many bytes the server has sent in all.</param>
internal sealed record ChaosMoment(ChaosPoint? Point, int Count)
{
    /// <inheritdoc/>
    public override string ToString() => Point is null ? $"after {Count} bytes of the server" : $"before {Point.Name} ({Count})";

    /// <summary>Watches for it, in processes that are started from now on.</summary>
    public IChaosWatch Watch(ChaosWorld world) => Point is null ? new ByteWatch(world.Proxy!, Count) : new PointWatch(world.Folder, Point, Count);

    private sealed class ByteWatch(ChaosProxy proxy, int bytes) : IChaosWatch
    {
        private readonly Task _held = proxy.HoldAt(bytes);

        public async Task<bool> ReachedAsync(Task ended) => await Task.WhenAny(_held, ended) == _held;

        public void Release() => proxy.Release();

        public void Dispose() => proxy.Release();
    }

    private sealed class PointWatch : IChaosWatch
    {
        private readonly Doorstep _door;
        private int _left;

        public PointWatch(string folder, ChaosPoint point, int count)
        {
            _left = count;
            _door = new Doorstep(folder, path => point.Path.IsMatch(Path.GetRelativePath(folder, path)) && --_left == 0);
        }

        public async Task<bool> ReachedAsync(Task ended) => await _door.HeldOrEndAsync(ended) is not null;

        public void Release() => _door.Release();

        public void Dispose() => _door.Dispose();
    }
}

/// <summary>A watch for a moment.</summary>
internal interface IChaosWatch : IDisposable
{
    /// <summary>Waits until somebody is there, true, or the program has ended without coming by.</summary>
    Task<bool> ReachedAsync(Task ended);

    /// <summary>Lets whoever waits go on.</summary>
    void Release();
}
