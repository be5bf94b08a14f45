using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using Millrace.DuckDb;
using Millrace.Runs;

namespace Millrace.Transform;

/// <summary>
/// A worker's lookups: the stores with their connections, and a cache for each lookup. SQL of a stage calls a function for each, whose token says
/// for which unit. Thread safe.
/// </summary>
internal sealed class LookupDesk : IAsyncDisposable
{
    /// <summary>The macro that gives the token of a connection's unit, in a stage's SQL.</summary>
    public const string Unit = "millrace_unit()";

    private readonly Func<int, ILookupStore> _open;
    private readonly int _connections;
    private readonly ConcurrentDictionary<int, Lazy<LookupPool>> _pools = new();
    private readonly ConcurrentDictionary<long, UnitLookups> _units = new();
    private readonly ConcurrentDictionary<string, LookupCache> _caches = new(StringComparer.Ordinal);
    private long _lastToken;

    /// <summary>A desk.</summary>
    /// <param name="open">Opens one of the job's stores by its number; does no I/O yet.</param>
    /// <param name="connections">Connections to each store at most.</param>
    public LookupDesk(Func<int, ILookupStore> open, int connections) => (_open, _connections) = (open, connections);

    /// <summary>Makes a stage's lookups known to a connection's database.</summary>
    public void Attach(DuckDbConnection connection, StageHeader stage)
    {
        for (var number = 0; number < stage.Lookups.Length; number++)
        {
            var header = stage.Lookups[number];
            connection.RegisterValueFunction(LookupHeader.FunctionOf(number), header.RowType(), token =>
            {
                var lookup = new OpenLookup(header, _caches.GetOrAdd(KeyOf(header), _ => new LookupCache(header.CacheBytes)));
                return new LookupUse(lookup, _units[token]);
            });
        }
    }

    /// <summary>Opens the connections that a unit's lookups need; null when it has none.</summary>
    /// <param name="connection">The unit's connection to DuckDB.</param>
    /// <param name="header">The unit's stage.</param>
    /// <param name="cancel">Stops the wait for a connection to a store.</param>
    public async ValueTask<UnitLookups?> EnterAsync(DuckDbConnection connection, StreamHeader header, CancellationToken cancel)
    {
        if (header.Stage is not { Lookups.IsEmpty: false } stage) return null;
        var token = Interlocked.Increment(ref _lastToken);
        var unit = new UnitLookups(() => _units.TryRemove(token, out _));
        try
        {
            // In their order: two units that need two stores never wait for each other.
            foreach (var store in stage.Lookups.Select(static lookup => lookup.Store).Distinct().Order())
                unit.Add(store, await PoolOf(store).RentAsync(cancel).ConfigureAwait(false));
            _units[token] = unit;
            await connection.ExecuteAsync($"CREATE OR REPLACE TEMP MACRO {Unit} AS {token.ToString(CultureInfo.InvariantCulture)}", cancel).ConfigureAwait(false);
            return unit;
        }
        catch
        {
            await unit.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        foreach (var pool in _pools.Values)
        {
            if (pool.IsValueCreated) await pool.Value.DisposeAsync().ConfigureAwait(false);
        }
    }

    private LookupPool PoolOf(int store) => _pools.GetOrAdd(store, number => new Lazy<LookupPool>(() => new LookupPool(_open(number), _connections))).Value;

    /// <summary>Lookups that ask the same share a cache, whatever stream they are of.</summary>
    private static string KeyOf(LookupHeader header) =>
        string.Create(CultureInfo.InvariantCulture, $"{header.Store}|{header.CacheBytes}|{header.RowType().ToSql()}|{header.QueryJson}");

    private sealed class LookupUse(OpenLookup lookup, UnitLookups unit) : IValueFunction
    {
        public IValueWorker Open() => new LookupCall(lookup, unit);
    }
}

/// <summary>A lookup with its cache.</summary>
/// <param name="Header">What it does.</param>
/// <param name="Cache">What it has found.</param>
internal sealed record OpenLookup(LookupHeader Header, LookupCache Cache);

/// <summary>The lookups of one attempt at a unit: a connection to each store, used by one thread at a time, and what was counted.</summary>
internal sealed class UnitLookups : IAsyncDisposable
{
    private readonly Action _close;
    private readonly Dictionary<int, LentSession> _sessions = [];
    private long _keys;
    private long _hits;
    private long _missing;
    private long _queries;

    /// <summary>Opens it; <paramref name="close"/> is called when it ends.</summary>
    public UnitLookups(Action close) => _close = close;

    /// <summary>What was looked up so far.</summary>
    public LookupCounts Counts => new(Volatile.Read(ref _keys), Volatile.Read(ref _hits), Volatile.Read(ref _missing), Volatile.Read(ref _queries));

    /// <summary>Takes a connection, which it gives back.</summary>
    public void Add(int store, LentSession session) => _sessions.Add(store, session);

    /// <summary>Asks a store for rows, on DuckDB's thread.</summary>
    public void Ask(LookupHeader lookup, in LookupKeys keys, ILookupRows rows)
    {
        var lent = _sessions[lookup.Store];
        lock (lent.Gate) lent.Session.Ask(lookup, keys, rows);
    }

    /// <summary>Counts a chunk.</summary>
    public void Count(long keys, long hits, long missing, long queries)
    {
        Interlocked.Add(ref _keys, keys);
        Interlocked.Add(ref _hits, hits);
        Interlocked.Add(ref _missing, missing);
        Interlocked.Add(ref _queries, queries);
    }

    /// <summary>Ends what is being asked.</summary>
    public void Cancel()
    {
        foreach (var lent in _sessions.Values) lent.Session.Cancel();
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _close();
        foreach (var lent in _sessions.Values) await lent.DisposeAsync().ConfigureAwait(false);
        _sessions.Clear();
    }
}
