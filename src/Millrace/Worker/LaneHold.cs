namespace Millrace.Worker;

/// <summary>
/// One attempt's lane. It is given back when all rows are copied; earlier, when the last row has left the source, for at most
/// <see cref="Limits.UnitsAheadMax"/> attempts of a worker at once: the source already works on the next unit then while DuckDB still
/// compresses this one's last rows. Thread safe.
/// </summary>
internal sealed class LaneHold(SemaphoreSlim ahead, Action free) : IDisposable
{
    private const int Held = 0;
    private const int Ahead = 1;
    private const int Over = 2;

    private int _state;

    /// <summary>The last row has left the source.</summary>
    public void Drained()
    {
        if (!ahead.Wait(0)) return;
        if (Interlocked.CompareExchange(ref _state, Ahead, Held) == Held) free();
        else ahead.Release();
    }

    /// <summary>All rows are copied.</summary>
    public void Copied()
    {
        if (End() == Held) free();
    }

    /// <summary>The attempt is over, however it ended. Whoever runs it knows that its lane is free.</summary>
    public void Dispose() => End();

    private int End()
    {
        var was = Interlocked.Exchange(ref _state, Over);
        if (was == Ahead) ahead.Release();
        return was;
    }
}
