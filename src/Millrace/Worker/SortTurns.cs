using Millrace.Runs;

namespace Millrace.Worker;

/// <summary>
/// Who sorts in a worker with little memory: a sort of as many rows as a source's unit has needs <see cref="Limits.SortBytesMin"/>, or fails. So many sort at
/// once as have it, and the others wait. Where there is memory enough nobody waits. Thread safe.
/// </summary>
/// <param name="settings">Memory and lanes.</param>
/// <param name="sorts">Whether a stream's units are sorted as they are written.</param>
internal sealed class SortTurns(WorkerSettings settings, Func<StreamHeader, bool> sorts) : IDisposable
{
    private readonly int _most = MostOf(settings);
    private readonly SemaphoreSlim _turns = new(MostOf(settings));

    /// <summary>How many threads the database of a stream's units is told of: the more there are, the shorter are the runs that a sort merges.</summary>
    public int ThreadsOf(StreamHeader header) => MustWait(header) ? Math.Max(_most, Limits.SortThreadsMin) : settings.Lanes;

    /// <summary>Waits for a turn; dispose what it returns to end it. Null where nobody waits.</summary>
    public async ValueTask<IDisposable?> TakeAsync(StreamHeader header, CancellationToken cancel)
    {
        if (!MustWait(header)) return null;
        await _turns.WaitAsync(cancel).ConfigureAwait(false);
        return new Turn(_turns);
    }

    /// <inheritdoc/>
    public void Dispose() => _turns.Dispose();

    private static int MostOf(WorkerSettings settings) => (int)Math.Clamp(settings.DuckDbBytes / Limits.SortBytesMin, 1, settings.Lanes);

    // Units of buckets are no larger than a lane's memory.
    private bool MustWait(StreamHeader header) => settings.HasLittleMemory && header.Stage is not { Buckets.IsEmpty: false } && sorts(header);

    private sealed class Turn(SemaphoreSlim turns) : IDisposable
    {
        public void Dispose() => turns.Release();
    }
}
