namespace Millrace.SystemTests.Chaos.Points;

/// <summary>A watch for something that passes between the program and a server.</summary>
internal sealed class ProxyWatch(ChaosProxy proxy, IProxyTrigger trigger) : IChaosWatch
{
    private readonly Task _held = proxy.HoldAt(trigger);

    public async Task<bool> ReachedAsync(Task ended) => await Task.WhenAny(_held, ended) == _held;

    public void Release() => proxy.Release();

    public ValueTask DisposeAsync()
    {
        proxy.Release();
        return ValueTask.CompletedTask;
    }
}
