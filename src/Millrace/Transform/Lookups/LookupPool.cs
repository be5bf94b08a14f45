using System.Collections.Concurrent;

namespace Millrace.Transform;

/// <summary>A worker's connections to one store: opened when needed, lent to one unit at a time, kept over units. Thread safe.</summary>
internal sealed class LookupPool(ILookupStore store, int connections) : IAsyncDisposable
{
    private readonly SemaphoreSlim _free = new(connections, connections);
    private readonly ConcurrentStack<ILookupSession> _idle = new();

    /// <summary>Lends a connection; waits while all are lent.</summary>
    public async ValueTask<LentSession> RentAsync(CancellationToken cancel)
    {
        await _free.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            while (_idle.TryPop(out var idle))
            {
                if (idle.IsUsable) return new LentSession(idle, ReturnAsync);
                await idle.DisposeAsync().ConfigureAwait(false);
            }

            return new LentSession(await store.OpenAsync(cancel).ConfigureAwait(false), ReturnAsync);
        }
        catch
        {
            _free.Release();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        while (_idle.TryPop(out var idle)) await idle.DisposeAsync().ConfigureAwait(false);
        await store.DisposeAsync().ConfigureAwait(false);
        _free.Dispose();
    }

    private async ValueTask ReturnAsync(ILookupSession session)
    {
        try
        {
            if (session.IsUsable) _idle.Push(session);
            else await session.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            _free.Release();
        }
    }
}

/// <summary>A lent connection; disposing it gives it back.</summary>
internal sealed class LentSession(ILookupSession session, Func<ILookupSession, ValueTask> giveBack) : IAsyncDisposable
{
    /// <summary>Held by the thread that asks.</summary>
    public Lock Gate { get; } = new();

    /// <summary>The connection.</summary>
    public ILookupSession Session => session;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => giveBack(session);
}
