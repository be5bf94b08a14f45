using Millrace.DuckDb.Tests.Hashing;
using Millrace.Testing;

namespace Millrace.DuckDb.Tests.Buckets;

/// <summary>A database that writes and reads bucket files, and a folder for them.</summary>
internal sealed class BucketTestbed : IDisposable
{
    private readonly BucketWriters _writers = new("buckets");
    private int _files;

    public BucketTestbed(params (string Name, string Value)[] settings)
    {
        Database = new TestDatabase(settings);
        _writers.Attach(Database.Connection);
        Database.Connection.RegisterCopyFunction("discard", _ => new Discard());
    }

    public TestDatabase Database { get; }

    public TempFolder Folder { get; } = new();

    public BucketWriters Writers => _writers;

    /// <summary>Writes a file.</summary>
    public string Write(string select, BucketSettings settings)
    {
        var path = Folder[$"file-{_files++}"];
        using var writer = _writers.Open(settings);
        Database.Connection.Execute(writer.CopyStatement(select, path));
        Assert.Equal(new FileInfo(path).Length, writer.Bytes);
        if (!settings.ByValue) Assert.Equal(BucketIndex.Read(path).Rows, writer.Rows);
        return path;
    }

    /// <summary>The columns of a SELECT.</summary>
    public TableColumn[] ColumnsOf(string select)
    {
        using var result = Database.Connection.Query($"SELECT * FROM ({select}) LIMIT 0");
        return [.. result.Columns];
    }

    /// <summary>The SQL that reads buckets.</summary>
    public string Source(IReadOnlyList<TableColumn> columns, int first, int end, params string[] paths) =>
        Database.Add(new BucketRows(columns, paths, first, end));

    /// <summary>How many rows are in one of two queries and not in the other, each as often as it is there.</summary>
    public long Differences(string one, string other)
    {
        using var result = Database.Connection.Query(
            $"SELECT (SELECT count(*) FROM (({one}) EXCEPT ALL ({other}))) + (SELECT count(*) FROM (({other}) EXCEPT ALL ({one})))");
        Assert.True(result.Read());
        return result.GetInt64(0);
    }

    /// <summary>The content hash of a query's rows.</summary>
    public ContentHash HashOf(string select)
    {
        var columns = ColumnsOf(select);
        var hash = default(ContentHash);
        Database.Connection.RegisterCopyFunction($"hash{_files++}", binding => new Hashing(binding.Types, chunk => hash += chunk));
        Database.Connection.Execute($"COPY ({select}) TO 'x' (FORMAT hash{_files - 1})");
        return hash;
    }

    public void Dispose()
    {
        Database.Dispose();
        Folder.Dispose();
    }

    private sealed class Hashing(IReadOnlyList<DuckDbType> types, Action<ContentHash> add) : ICopyTarget, ICopySink
    {
        private readonly ChunkHasher _hasher = new([.. types.Select((type, i) => new HashedColumn(type, i, i))]);

        public ICopySink Open(string path) => this;

        public void Write(in ChunkReader chunk)
        {
            var hash = _hasher.Hash(chunk);
            lock (_hasher) add(hash);
        }

        public void Complete()
        {
        }

        public void Dispose()
        {
        }
    }

    private sealed class Discard : ICopyTarget, ICopySink
    {
        public ICopySink Open(string path) => this;

        public void Write(in ChunkReader chunk)
        {
        }

        public void Complete()
        {
        }

        public void Dispose()
        {
        }
    }
}
