using System.Collections.Concurrent;
using System.Globalization;

namespace Millrace.DuckDb;

/// <summary>
/// What writes bucket files: the format <c>name</c> of COPY, and <c>name_key(token, keys…)</c>, a UBIGINT by which the rows of one bucket are
/// told apart: <c>WHERE name_key(0, k1, k2) % 3 = 1</c> reads the second of three parts. Thread safe.
/// </summary>
/// <param name="name">The format's name in SQL.</param>
public sealed class BucketWriters(string name)
{
    private readonly ConcurrentDictionary<long, BucketWriter> _writers = new();
    private long _lastToken;

    /// <summary>Makes both known to a connection's database; once for each database.</summary>
    /// <exception cref="DuckDbException">DuckDB refuses one.</exception>
    public void Attach(DuckDbConnection connection)
    {
        connection.RegisterCopyFunction(name, binding => _writers[TokenOf(binding)].Bind(binding.Types));
        connection.RegisterRowFunction(
            name + "_key", DuckDbType.Of(DuckDbKind.UBigInt), static (_, types) => new BucketKeys.Parts(BucketKeys.HasherOf(types, firstVector: 1)));
    }

    /// <summary>Opens a writer of one file, for one attempt. Dispose it when its query has ended.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The settings do not keep their bounds.</exception>
    public BucketWriter Open(BucketSettings settings)
    {
        settings.Check();
        var token = Interlocked.Increment(ref _lastToken);
        return _writers[token] = new BucketWriter(name, token, settings, () => _writers.TryRemove(token, out _));
    }

    /// <summary>An expression: the number of a key within its bucket, a UBIGINT that is never NULL.</summary>
    /// <param name="keys">SQL expressions: the key, in its order in the SELECT that was written; of the same types.</param>
    public string PartOf(params IReadOnlyList<string> keys) => $"{name}_key(0, {string.Join(", ", keys)})";

    private static long TokenOf(CopyBinding binding) => long.Parse(binding.Options["token"]!, CultureInfo.InvariantCulture);
}

/// <summary>A writer of one bucket file.</summary>
public sealed class BucketWriter : IDisposable
{
    private readonly string _name;
    private readonly long _token;
    private readonly BucketSettings _settings;
    private readonly Action _close;
    private string? _path;

    internal BucketWriter(string name, long token, BucketSettings settings, Action close)
    {
        _name = name;
        _token = token;
        _settings = settings;
        _close = close;
    }

    /// <summary>Rows of the complete file; 0 before.</summary>
    public long Rows { get; private set; }

    /// <summary>Bytes of the complete file; 0 before.</summary>
    public long Bytes { get; private set; }

    /// <summary>
    /// The statement that writes the file; to be run at most once. The file must not exist before. When the statement has succeeded it is
    /// complete and its bytes are on disk; when it has failed, it is not there.
    /// </summary>
    /// <param name="select">A complete SELECT: the columns that are stored, at least one, then the keys.</param>
    /// <param name="path">The file.</param>
    public string CopyStatement(string select, string path)
    {
        _path = path;
        return string.Create(CultureInfo.InvariantCulture, $"COPY ({select}) TO {SqlText.Literal(path)} (FORMAT {_name}, token {_token})");
    }

    /// <inheritdoc/>
    public void Dispose() => _close();

    internal ICopyTarget Bind(IReadOnlyList<DuckDbType> types)
    {
        if (types.Count <= _settings.Keys)
            throw new ArgumentException($"{types.Count} columns come, {_settings.Keys} of them keys: none is left to be stored.");
        return new Target(this, types);
    }

    private sealed class Target(BucketWriter writer, IReadOnlyList<DuckDbType> types) : ICopyTarget
    {
        // DuckDB passes another name when the file exists: that is refused here, not renamed over it.
        public ICopySink Open(string path) => new BucketSink(writer._path!, writer._settings, types, (rows, bytes) =>
        {
            writer.Rows = rows;
            writer.Bytes = bytes;
        });
    }
}
