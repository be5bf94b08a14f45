namespace Millrace.DuckDb.Tests;

internal delegate int FillChunk(in ChunkWriter chunk);

/// <summary>A source whose every step is a delegate; it counts what is open.</summary>
internal sealed class ScriptedSource : ITableSource, ITableScan
{
    private int _opened;
    private int _open;

    public required IReadOnlyList<TableColumn> Columns { get; init; }

    public long? EstimatedRows { get; init; }

    public int MaxThreads { get; init; } = 1;

    /// <summary>Makes a reader's fill for its number (0, 1, …).</summary>
    public required Func<int, FillChunk> Reader { get; init; }

    public Action? OnScan { get; init; }

    public Action? OnDispose { get; init; }

    public int[]? Projected { get; private set; }

    /// <summary>Scans and readers that are open now.</summary>
    public int Open => Volatile.Read(ref _open);

    public int ReadersOpened => Volatile.Read(ref _opened);

    public ITableScan OpenScan(ReadOnlySpan<int> projected)
    {
        OnScan?.Invoke();
        Projected = projected.ToArray();
        Interlocked.Increment(ref _open);
        return this;
    }

    public ITableReader OpenReader()
    {
        var fill = Reader(Interlocked.Increment(ref _opened) - 1);
        Interlocked.Increment(ref _open);
        return new ScriptedReader(this, fill);
    }

    public void Dispose()
    {
        Interlocked.Decrement(ref _open);
        OnDispose?.Invoke();
    }

    /// <summary>A fill that calls once with one chunk's writer and then ends.</summary>
    public static Func<int, FillChunk> Once(FillChunk fill) => _ =>
    {
        var done = false;
        return (in ChunkWriter chunk) =>
        {
            if (done) return 0;
            done = true;
            return fill(chunk);
        };
    };

    private sealed class ScriptedReader(ScriptedSource source, FillChunk fill) : ITableReader
    {
        public int Fill(in ChunkWriter chunk) => fill(chunk);

        public void Dispose() => Interlocked.Decrement(ref source._open);
    }
}

/// <summary>An in-memory database with one connection, and <c>source(token)</c> over a list.</summary>
internal sealed class TestDatabase : IDisposable
{
    private readonly List<ITableSource> _sources = [];

    public TestDatabase(params (string Name, string Value)[] settings)
    {
        Database = DuckDbDatabase.Open(settings.Select(s => KeyValuePair.Create(s.Name, s.Value)));
        Connection = Database.Connect();
        Connection.RegisterTableFunction("source", token => _sources[(int)token]);
    }

    public DuckDbDatabase Database { get; }

    public DuckDbConnection Connection { get; }

    /// <summary>Adds a source and gives the SQL that reads it.</summary>
    public string Add(ITableSource source)
    {
        lock (_sources)
        {
            _sources.Add(source);
            return $"source({_sources.Count - 1})";
        }
    }

    /// <summary>All rows, values joined with '|', NULL as ∅.</summary>
    public List<string> Rows(string sql)
    {
        using var result = Connection.Query($"SELECT COLUMNS(*)::text FROM ({sql})");
        var rows = new List<string>();
        while (result.Read()) rows.Add(string.Join('|', Enumerable.Range(0, result.Columns.Count).Select(i => result.GetText(i) ?? "∅")));
        return rows;
    }

    public void Dispose()
    {
        Connection.Dispose();
        Database.Dispose();
    }
}
