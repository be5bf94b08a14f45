using Millrace.Runs;

namespace Millrace.Worker;

/// <summary>
/// The databases of a worker, one for each stream whose units run, with its stage's ceiling: opened by a stream's first unit, closed when a unit of another
/// stream begins and nobody uses it any more. A unit that needs more memory than usual has a stream's other one. Thread safe.
/// </summary>
internal sealed class StreamSessions(Func<StreamHeader, long?, bool, DuckDbSession> open) : IDisposable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Entry> _entries = new(StringComparer.Ordinal);

    /// <summary>Enters a stream's session; dispose what it returns to leave it.</summary>
    /// <param name="header">The stream.</param>
    /// <param name="spillBytes">What the session's database may spill, if it is not open yet; null: what the disk has.</param>
    /// <param name="hasMore">Whether the unit has more memory than usual: nobody else runs beside it.</param>
    public Use Enter(StreamHeader header, long? spillBytes, bool hasMore)
    {
        lock (_lock)
        {
            var key = $"{hasMore}:{header.Stage?.Number}:{header.Stage?.MemoryBytes}:{header.Generation}:{header.Stream}";
            if (!_entries.TryGetValue(key, out var entry))
            {
                CloseIdle();
                _entries[key] = entry = new Entry(open(header, spillBytes, hasMore));
            }

            entry.Users++;
            return new Use(this, entry);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            foreach (var (_, entry) in _entries) entry.Database.Dispose();
            _entries.Clear();
        }
    }

    private void CloseIdle()
    {
        foreach (var (key, entry) in _entries)
        {
            if (entry.Users > 0) continue;
            entry.Database.Dispose();
            _entries.Remove(key);
        }
    }

    private void Leave(Entry entry)
    {
        lock (_lock) entry.Users--;
    }

    internal sealed class Entry(DuckDbSession database)
    {
        public DuckDbSession Database { get; } = database;

        public int Users { get; set; }
    }

    internal sealed class Use(StreamSessions owner, Entry entry) : IDisposable
    {
        public DuckDbSession Database => entry.Database;

        public void Dispose() => owner.Leave(entry);
    }
}
