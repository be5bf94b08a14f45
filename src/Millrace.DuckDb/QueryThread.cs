namespace Millrace.DuckDb;

/// <summary>
/// A connection's own thread, on which its asynchronous queries run. It stays from query to query: the allocators below keep memory for
/// each thread that they have seen, so that a new thread for each query would let it grow with the number of queries.
/// </summary>
internal sealed class QueryThread : IDisposable
{
    private readonly AutoResetEvent _wake = new(initialState: false);
    private readonly Lock _gate = new();
    private Action? _work;
    private bool _started;
    private bool _ended;

    /// <summary>Runs a query's work on the thread; one at a time.</summary>
    /// <exception cref="ObjectDisposedException">The connection is disposed.</exception>
    /// <exception cref="InvalidOperationException">Another query runs.</exception>
    public Task<T> RunAsync<T>(Func<T> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_ended, typeof(DuckDbConnection));
            if (_work is not null) throw new InvalidOperationException("A connection runs one query at a time.");
            _work = () => Complete(done, work);
            if (!_started) new Thread(Loop) { IsBackground = true, Name = "DuckDB query" }.Start();
            _started = true;
            _wake.Set();
        }

        return done.Task;
    }

    /// <summary>Lets the thread end, after its query if one runs.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_ended) return;
            _ended = true;
            if (_started) _wake.Set();
            else _wake.Dispose();
        }
    }

    private void Loop()
    {
        while (true)
        {
            _wake.WaitOne();
            if (_work is { } work)
            {
                work();
                continue;
            }

            lock (_gate)
            {
                if (!_ended) continue;
                _wake.Dispose();
                return;
            }
        }
    }

    private void Complete<T>(TaskCompletionSource<T> done, Func<T> work)
    {
        try
        {
            var result = work();
            Free();
            done.SetResult(result);
        }
        catch (Exception error)
        {
            Free();
            done.SetException(error);
        }
    }

    /// <summary>Before the answer is given: who gets it may begin the next query at once.</summary>
    private void Free()
    {
        lock (_gate)
        {
            _work = null;
            // Dispose may have woken the thread while it worked.
            if (_ended) _wake.Set();
        }
    }
}
