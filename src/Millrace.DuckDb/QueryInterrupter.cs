namespace Millrace.DuckDb;

/// <summary>
/// Interrupts a connection's query from the moment that a token is cancelled until it is disposed, again and again: DuckDB clears
/// the flag when a query starts, so one interrupt just before the start, or between two statements, would be lost.
/// </summary>
internal sealed class QueryInterrupter : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(20);

    private readonly ITimer _timer;
    private readonly CancellationTokenRegistration _registration;

    public QueryInterrupter(DuckDbConnection connection, CancellationToken cancellation)
    {
        _timer = TimeProvider.System.CreateTimer(
            static state => ((DuckDbConnection)state!).Interrupt(),
            connection,
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
        _registration = cancellation.Register(static state => ((ITimer)state!).Change(TimeSpan.Zero, Interval), _timer);
    }

    /// <summary>Waits until no interrupt can come any more, so that the next query is not hit.</summary>
    public async ValueTask DisposeAsync()
    {
        await _registration.DisposeAsync();
        await _timer.DisposeAsync();
    }
}
