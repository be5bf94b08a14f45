using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>
/// The rows of some buckets of files, as a table that DuckDB reads: file by file, and in each the blocks in the order in which they lie there, or
/// put together by a column; so the same rows come in the same order each time. Columns that are not asked for are not unpacked; every block's
/// checksum is looked at.
/// </summary>
public sealed class BucketRows : ITableSource, IDisposable
{
    private readonly string[] _names;
    private readonly IBlockFiles _files;
    private readonly ulong _layout;
    private readonly int _firstBucket;
    private readonly int _endBucket;
    private readonly RowRange? _range;
    private readonly MergeOrder? _order;
    private readonly long? _portion;
    private (IBucketReader Reader, BucketProjection Projection)? _shared;
    private long? _estimate;
    private long _rowsRead;
    private long _bytesRead;
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Rows of buckets; nothing is read yet.</summary>
    /// <param name="columns">The columns that were stored, in their order: their types must be those that were written.</param>
    /// <param name="names">The files.</param>
    /// <param name="firstBucket">The first bucket.</param>
    /// <param name="endBucket">The bucket behind the last one.</param>
    /// <param name="rows">How many rows there are, when it is known; otherwise the files' indexes are asked when a query is planned.</param>
    /// <param name="range">Which of the buckets' rows, file by file; null: all.</param>
    /// <param name="order">How rows are put together; null: they come as they lie there.</param>
    /// <param name="portion">How many rows one scan reads: the next one goes on behind them. Null: each scan reads all rows.</param>
    /// <param name="files">Where the files lie; null: on this machine.</param>
    /// <exception cref="ArgumentException">They are put together by something else than a BIGINT, or a range of several buckets is asked for.</exception>
    public BucketRows(
        IReadOnlyList<TableColumn> columns, IReadOnlyList<string> names, int firstBucket, int endBucket, long? rows = null, RowRange? range = null, MergeOrder? order = null,
        long? portion = null, IBlockFiles? files = null)
    {
        if (order is { } by && columns[by.Column].Type.Kind != DuckDbKind.BigInt)
            throw new ArgumentException($"Rows can't be put together by {columns[by.Column].Name}, which is no BIGINT.", nameof(order));
        if (order is not null && range is not null && endBucket - firstBucket > 1)
            throw new ArgumentException("Rows of several buckets that are put together have no range.", nameof(range));
        Columns = columns;
        _names = [.. names];
        _files = files ?? LocalBlockFiles.Instance;
        _layout = BucketFormat.LayoutOf(columns.Select(static c => c.Type));
        _firstBucket = firstBucket;
        _endBucket = endBucket;
        _range = range;
        _order = order;
        _portion = portion;
        _estimate = range?.Count ?? rows;
    }

    /// <inheritdoc/>
    public IReadOnlyList<TableColumn> Columns { get; }

    /// <summary>How many rows there are.</summary>
    public long? EstimatedRows => _estimate ??= CountRows();

    /// <summary>Rows that have been handed out.</summary>
    public long RowsRead => Interlocked.Read(ref _rowsRead);

    /// <summary>Bytes of the blocks that have been read from the files.</summary>
    public long BytesRead => Interlocked.Read(ref _bytesRead);

    /// <summary>Ends all reading soon: it fails with an <see cref="OperationCanceledException"/>. Thread safe.</summary>
    public void Stop() => _stop.Cancel();

    /// <inheritdoc/>
    public ITableScan OpenScan(ReadOnlySpan<int> projected)
    {
        if (_portion is not { } portion) return new Scan(ReaderOf(new BucketProjection(Columns.Count, projected, all: false)), long.MaxValue, isShared: false);
        if (_shared is null)
        {
            var projection = new BucketProjection(Columns.Count, projected, all: true);
            _shared = (ReaderOf(projection), projection);
        }

        var (reader, wanted) = _shared.Value;
        wanted.Turn(projected);
        return new Scan(reader, portion, isShared: true);
    }

    private bool NeedsMerge(MergeOrder order) => _endBucket - _firstBucket > 1 || (_names.Length > 1 && order.By != MergeBy.File);

    private IBucketReader ReaderOf(BucketProjection projection) =>
        _order is { } order && NeedsMerge(order) ? new MergingReader(this, order, projection) : new BucketReader(this, projection);

    /// <summary>Stops what still reads; no scan may go on.</summary>
    public void Dispose()
    {
        Stop();
        _shared?.Reader.Dispose();
        _shared = null;
    }

    /// <summary>A file's name.</summary>
    internal string NameOf(int file) => _names[file];

    /// <summary>The same as people name it.</summary>
    internal string Shown(int file) => _files.Shown(_names[file]);

    /// <summary>Opens a file, where its blocks are read when they are wanted.</summary>
    internal IBlockFile Open(int file) => Waiting.For(_files.OpenAsync(_names[file], _stop.Token));

    /// <summary>The files with their indexes, in their order.</summary>
    internal IEnumerable<OpenedBlocks> Files() => BlockLists.Of(_files, _names, _stop.Token);

    /// <summary>What asks for blocks before they are wanted; null: the files answer at once.</summary>
    internal BlockAhead? Ahead() => _files is IRemoteBlockFiles remote ? new BlockAhead(remote, _stop.Token) : null;

    /// <summary>Which of the rows are read.</summary>
    internal RowRange Range => _range ?? new RowRange(0, long.MaxValue);

    /// <summary>Throws when the reading was stopped.</summary>
    internal void ThrowIfStopped()
    {
        if (_stop.IsCancellationRequested) throw new OperationCanceledException("the reading of buckets was stopped");
    }

    /// <summary>The wanted blocks of an index, in the order of their places.</summary>
    /// <exception cref="BucketFileException">The file has not these buckets, or other columns.</exception>
    internal BlockEntry[] Choose(BlockList list)
    {
        var path = list.Shown;
        if (list.Layout != _layout) throw new BucketFileException(path, 0, "the file has columns of other types than those that are read");
        if (_endBucket > list.Buckets)
            throw new BucketFileException(path, 0, $"the file has {list.Buckets} buckets, and those up to {_endBucket} are wanted");
        var entries = list.Entries;
        var first = 0;
        while (first < entries.Length && entries[first].Bucket < _firstBucket) first++;
        var end = first;
        while (end < entries.Length && entries[end].Bucket < _endBucket) end++;
        var chosen = entries[first..end].ToArray();
        Array.Sort(chosen, static (a, b) => a.Offset.CompareTo(b.Offset));
        return chosen;
    }

    internal void CountRead(int rows) => Interlocked.Add(ref _rowsRead, rows);

    internal void CountReadBytes(int bytes) => Interlocked.Add(ref _bytesRead, bytes);

    private long CountRows()
    {
        var rows = 0L;
        foreach (var list in BlockLists.Alone(_files, _names, _stop.Token))
        {
            foreach (var block in Choose(list)) rows += block.Rows;
        }

        return rows;
    }

    private sealed class Scan(IBucketReader reader, long rows, bool isShared) : ITableScan, ITableReader
    {
        private long _left = rows;
        private bool _opened;

        public int MaxThreads => 1;

        public ITableReader OpenReader()
        {
            if (_opened) throw new InvalidOperationException("a scan of buckets has one reader");
            _opened = true;
            return this;
        }

        public int Fill(in ChunkWriter chunk)
        {
            if (_left == 0) return 0;
            var filled = reader.Fill(chunk, (int)Math.Min(chunk.Capacity, _left));
            _left -= filled;
            return filled;
        }

        // The scan, or its only reader; both may be disposed, in any order.
        public void Dispose()
        {
            if (!isShared) reader.Dispose();
        }
    }
}

/// <summary>What reads blocks, by one thread at a time; may be disposed twice.</summary>
internal interface IBucketReader : IDisposable
{
    /// <summary>Writes the next rows into a chunk, at most so many.</summary>
    int Fill(in ChunkWriter chunk, int most);
}

/// <summary>Some rows of many.</summary>
/// <param name="First">The first one, from 0.</param>
/// <param name="Count">How many.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct RowRange(long First, long Count);

/// <summary>Which rows are put together.</summary>
public enum MergeBy
{
    /// <summary>Those of all buckets of all files.</summary>
    All,

    /// <summary>Those of the buckets of each file.</summary>
    File,

    /// <summary>Those of each bucket of all files.</summary>
    Bucket,
}

/// <summary>How rows are put together of several buckets and files.</summary>
/// <param name="Column">The number of a BIGINT column: the rows of each bucket of a file are taken to ascend by it. Where they do not, they come in some order.</param>
/// <param name="BytesMax">Bytes that the blocks take at most in memory, one of each bucket of a file; with more, some are put together, and then the next ones.</param>
/// <param name="By">What is put together; the rows of the next one come behind.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct MergeOrder(int Column, long BytesMax, MergeBy By = MergeBy.All)
{
    /// <summary>The most buckets of files that are put together at once.</summary>
    public const int RunsMax = 4_096;
}
