using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>
/// Spreads the rows of one COPY statement over the buckets of its file. Threads hash their chunks side by side, and take turns to spread them.
/// </summary>
internal sealed unsafe class BucketSink : ICopySink
{
    // A chunk whose rows take more is spread in pieces, so that buckets are written in between.
    private const long PieceBytesMax = 512 * 1024;

    // Few files have as many keys as they may, and larger pages are faster.
    private const int ValuePagesTimes = 4;

    private readonly Lock _gate = new();
    private readonly BucketSettings _settings;
    private readonly ChunkHasher? _keys;
    private readonly KeySlots? _slots;
    private readonly BucketFile _file;
    private readonly Action<long, long> _completed;
    private readonly PagePool _pool;
    private readonly BlockBuilder _block;
    private readonly BucketColumn[] _columns;
    private readonly VectorReader[] _vectors;
    private readonly uint* _rows;
    private readonly int* _numbers;
    private long _rowsWritten;
    private bool _disposed;

    /// <summary>Creates the file.</summary>
    /// <param name="path">The file, which must not exist.</param>
    /// <param name="settings">How it is written.</param>
    /// <param name="types">The columns of the SELECT, the keys last.</param>
    /// <param name="completed">Hears the rows and the bytes of the complete file.</param>
    public BucketSink(string path, BucketSettings settings, IReadOnlyList<DuckDbType> types, Action<long, long> completed)
    {
        _settings = settings;
        _completed = completed;
        var stored = types.Take(types.Count - settings.Keys).ToArray();
        var keys = types.Skip(stored.Length).ToArray();
        if (keys.Length > 0) _keys = BucketKeys.HasherOf(keys, stored.Length);
        _pool = new PagePool(settings.Buckets, stored.Sum(BucketColumn.StreamsOf), settings.ByValue ? settings.BlockBytes * ValuePagesTimes : settings.BlockBytes, settings.ByValue);
        if (settings.ByValue)
        {
            // Rows of many columns need more than the least: then fewer keys are collected at once.
            _slots = new KeySlots((int)Math.Clamp((long)settings.BlockBytes * settings.Buckets / _pool.BlockBytesMin, 2, settings.Buckets));
            FitBlocks(_slots);
        }

        _rows = (uint*)NativeMemory.AllocZeroed((nuint)settings.Buckets, sizeof(uint));
        _numbers = (int*)NativeMemory.Alloc(ChunkHasher.StepRows, sizeof(int));
        for (var i = 0; i < ChunkHasher.StepRows; i++) _numbers[i] = i;
        _columns = new BucketColumn[stored.Length];
        _block = new BlockBuilder(stored.Length);
        _vectors = new VectorReader[stored.Length];
        try
        {
            for (var i = 0; i < stored.Length; i++) _columns[i] = BucketColumn.Of(stored[i], _pool, _rows);
            _file = new BucketFile(path, settings.BucketsOfFile, BucketFormat.LayoutOf(stored), settings.Durable);
        }
        catch (Exception)
        {
            Free();
            throw;
        }
    }

    /// <summary>Bytes of native memory in use, but for single large values.</summary>
    internal long HeldBytes => _pool.HeldBytes + _block.HeldBytes;

    /// <inheritdoc/>
    [SkipLocalsInit]
    public void Write(in ChunkReader chunk)
    {
        var buckets = stackalloc ushort[ChunkHasher.StepRows];
        if (_slots is null) FindBuckets(chunk, buckets);
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            for (var i = 0; i < _columns.Length; i++) _vectors[i] = chunk.Column(i);
            if (_slots is not null) AddByValue(_slots, chunk, buckets);
            else Add(0, chunk.Rows, buckets);
        }
    }

    /// <inheritdoc/>
    public void Complete()
    {
        lock (_gate)
        {
            for (var bucket = 0; bucket < _settings.Buckets; bucket++) Write(bucket);
            _file.Complete();
            _completed(_rowsWritten, _file.Bytes);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            Free();
            _file.Dispose();
        }
    }

    [SkipLocalsInit]
    private void FindBuckets(in ChunkReader chunk, ushort* buckets)
    {
        if (_keys is null || _settings.Buckets == 1)
        {
            new Span<ushort>(buckets, chunk.Rows).Clear();
            return;
        }

        var keys = stackalloc ulong[ChunkHasher.StepRows];
        _keys.Rows(chunk.Native, chunk.Rows, 0, chunk.Rows, keys);
        for (var i = 0; i < chunk.Rows; i++) buckets[i] = (ushort)BucketKeys.BucketOf(keys[i], _settings.Buckets);
    }

    [SkipLocalsInit]
    private void AddByValue(KeySlots slots, in ChunkReader chunk, ushort* buckets)
    {
        var keys = stackalloc ulong[ChunkHasher.StepRows];
        _keys!.Rows(chunk.Native, chunk.Rows, 0, chunk.Rows, keys);
        var (first, before) = (0, slots.Keys);
        for (var i = 0; i < chunk.Rows; i++)
        {
            buckets[i] = slots.Find(keys[i]);
            if (buckets[i] != 0) continue;
            if (i > first) Add(first, i - first, buckets);
            for (var bucket = 0; bucket < _settings.Buckets; bucket++) Write(bucket);
            slots.Clear();
            buckets[i] = slots.Find(keys[i]);
            first = i;
        }

        if (slots.Keys != before) FitBlocks(slots);
        if (chunk.Rows > first) Add(first, chunk.Rows - first, buckets);
    }

    // The fewer keys there are, the larger are their blocks: all together take no more than all slots may.
    private void FitBlocks(KeySlots slots)
    {
        var bytes = (long)_settings.BlockBytes * _settings.Buckets / BitOperations.RoundUpToPowerOf2((uint)slots.Keys + 1);
        _pool.FillTo(Math.Clamp(bytes, _settings.BlockBytes, Math.Max(_settings.BlockBytes, _settings.ValueBlockBytes)));
    }

    private void Add(int first, int count, ushort* buckets)
    {
        if (count > 1 && VaryingBytes(first, count) > PieceBytesMax)
        {
            Add(first, count / 2, buckets);
            Add(first + (count / 2), count - (count / 2), buckets);
            return;
        }

        var choice = new RowChoice(_numbers + first, buckets + first, count, hasGaps: false);
        for (var i = 0; i < _columns.Length; i++) _columns[i].Add(_vectors[i], choice);
        for (var i = first; i < first + count; i++)
        {
            if (++_rows[buckets[i]] == PagePool.BlockRowsMax) _pool.CountAsFull(buckets[i]);
        }

        if (_pool.Full.Count == 0) return;
        foreach (var bucket in _pool.Full) Write(bucket);
        _pool.Full.Clear();
    }

    private long VaryingBytes(int first, int count)
    {
        var bytes = 0L;
        for (var i = 0; i < _columns.Length; i++)
        {
            bytes += (long)_columns[i].RowBytes * count;
            if (_columns[i].Varies) bytes += _columns[i].VaryingBytes(_vectors[i], first, count);
        }

        return bytes;
    }

    private void Write(int bucket)
    {
        var rows = (int)_rows[bucket];
        if (rows == 0) return;
        _block.Begin();
        foreach (var column in _columns)
        {
            column.Encode(bucket, rows, _block);
            _block.EndColumn();
        }

        _file.Add(_slots?.NumberOf(bucket) ?? bucket, _slots?.KeyOf(bucket) ?? 0, rows, _block.RawBytes, _block.Block);
        _block.End();
        _rows[bucket] = 0;
        _rowsWritten += rows;
        _pool.Emptied(bucket);
    }

    private void Free()
    {
        foreach (var column in _columns) column?.Dispose();
        _block.Dispose();
        _pool.Dispose();
        NativeMemory.Free(_rows);
        NativeMemory.Free(_numbers);
    }
}
