using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Millrace.DuckDb;

/// <summary>
/// The one reader of a scan. A chunk takes rows of several blocks when they are small; the blocks that its texts lie in are kept until the next
/// chunk is asked for, because DuckDB has copied what it wants by then.
/// </summary>
internal sealed unsafe class BucketReader : ITableReader
{
    // Blocks that one chunk's rows come from, together; at least one.
    private const long ChunkBytesMax = 2 * 1024 * 1024;

    // Memory that is kept for the next blocks.
    private const long SpareBytesMax = 2 * ChunkBytesMax;
    private const long SpareStepBytes = 64 * 1024;

    private readonly BucketRows _source;
    private readonly (BlockColumn Column, int Stored)[] _columns;
    private readonly int[] _vectors;
    private readonly List<BlockMemory> _held = [];
    private readonly List<BlockMemory> _spare = [];
    private SafeFileHandle? _file;
    private BlockEntry[] _blocks = [];
    private int _nextPath;
    private int _nextBlock;
    private int _rowsLeft;
    private long _toSkip;
    private long _toRead;
    private long _spareBytes;

    /// <summary>A reader of some columns; -1 is one that the table does not have.</summary>
    public BucketReader(BucketRows source, int[] projected)
    {
        _source = source;
        (_toSkip, _toRead) = (source.Range.First, source.Range.Count);
        _vectors = [.. Enumerable.Range(0, projected.Length).Where(i => projected[i] >= 0)];
        _columns = [.. _vectors.Select(i => (BlockColumn.Of(source.Columns[projected[i]].Type), projected[i]))];
    }

    private string Path => _source.Paths[_nextPath - 1];

    /// <inheritdoc/>
    public int Fill(in ChunkWriter chunk)
    {
        Release(keepLast: _rowsLeft > 0);
        var (filled, bytes) = (0, 0L);
        while (filled < chunk.Capacity)
        {
            if (_rowsLeft == 0)
            {
                if (filled > 0 && bytes >= ChunkBytesMax) break;
                if (!NextBlock()) break;
                bytes += _held[^1].Bytes;
            }

            var count = Math.Min(_rowsLeft, chunk.Capacity - filled);
            ReadRows(chunk, filled, count);
            filled += count;
            _rowsLeft -= count;
        }

        _source.CountRead(filled);
        return filled;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Release(keepLast: false);
        foreach (var memory in _spare) memory.Dispose();
        _spare.Clear();
        _file?.Dispose();
        _file = null;
    }

    private void ReadRows(in ChunkWriter chunk, int at, int count)
    {
        try
        {
            for (var i = 0; i < _columns.Length; i++)
                _columns[i].Column.Read(NativeMethods.duckdb_data_chunk_get_vector(chunk.Native, (ulong)_vectors[i]), at, count);
        }
        catch (InvalidDataException e)
        {
            throw new BucketFileException(Path, _blocks[_nextBlock - 1].Offset, $"the block is damaged: {e.Message}", e);
        }
    }

    private bool NextBlock()
    {
        _source.ThrowIfStopped();
        while (_toRead > 0)
        {
            if (_nextBlock == _blocks.Length)
            {
                if (!NextFile()) return false;
                continue;
            }

            var block = _blocks[_nextBlock++];
            if (_toSkip >= block.Rows)
            {
                _toSkip -= block.Rows;
                continue;
            }

            Load(block);
            return true;
        }

        return false;
    }

    private bool NextFile()
    {
        _file?.Dispose();
        _file = null;
        if (_nextPath == _source.Paths.Count) return false;
        _nextPath++;
        _file = File.OpenHandle(Path);
        using var list = BlockList.Read(_file, Path);
        _blocks = _source.Choose(list, Path);
        _nextBlock = 0;
        return true;
    }

    private void Load(BlockEntry block)
    {
        var memory = Rent(block);
        _held.Add(memory);
        var stored = new Span<byte>(memory.Start, block.Stored);
        BlockList.ReadAt(_file!, Path, stored, block.Offset);
        if (BucketFormat.Checksum(stored, (ulong)block.Offset) != block.Checksum)
            throw new BucketFileException(Path, block.Offset, "the block is damaged: its checksum differs");
        _source.CountReadBytes(block.Stored);
        try
        {
            Load(block, memory.Start);
            foreach (var (column, _) in _columns) column.Skip((int)_toSkip);
        }
        catch (InvalidDataException e)
        {
            throw new BucketFileException(Path, block.Offset, $"the block is damaged: {e.Message}", e);
        }

        _rowsLeft = (int)Math.Min(block.Rows - _toSkip, _toRead);
        _toSkip = 0;
        _toRead -= _rowsLeft;
    }

    private void Load(BlockEntry block, byte* start)
    {
        var all = _source.Columns.Count;
        if (block.Stored < all * sizeof(uint)) throw BlockCursor.Damaged("it is too short for its columns");
        var ends = (uint*)start;
        var cursor = new BlockCursor(start + block.Stored + BlockCodec.SlackBytes, block.Raw);
        foreach (var (column, stored) in _columns)
        {
            var from = stored == 0 ? (uint)(all * sizeof(uint)) : ends[stored - 1];
            var to = ends[stored];
            if (from > to || to > (uint)block.Stored) throw BlockCursor.Damaged("a column lies outside of it");
            cursor.Enter(start + from, start + to);
            column.Load(ref cursor, block.Rows);
            cursor.Leave();
        }
    }

    private BlockMemory Rent(BlockEntry block)
    {
        var bytes = (long)block.Stored + block.Raw + (2 * BlockCodec.SlackBytes);
        for (var i = _spare.Count - 1; i >= 0; i--)
        {
            if (_spare[i].Bytes < bytes) continue;
            var found = _spare[i];
            _spare.RemoveAt(i);
            _spareBytes -= found.Bytes;
            return found;
        }

        // Blocks are of about the same size: a little more, and the memory fits most of those that come.
        return new BlockMemory((bytes + SpareStepBytes) / SpareStepBytes * SpareStepBytes);
    }

    // Memory of usual blocks serves again; that of large rows goes back.
    private void Release(bool keepLast)
    {
        var end = keepLast ? _held.Count - 1 : _held.Count;
        for (var i = 0; i < end; i++)
        {
            if (_held[i].Bytes > SpareBytesMax - _spareBytes)
            {
                _held[i].Dispose();
                continue;
            }

            _spareBytes += _held[i].Bytes;
            _spare.Add(_held[i]);
        }

        _held.RemoveRange(0, end);
    }

    /// <summary>Native memory of one block: as it is in the file, and unpacked.</summary>
    private sealed class BlockMemory(long bytes) : IDisposable
    {
        public byte* Start { get; private set; } = (byte*)NativeMemory.Alloc((nuint)bytes);

        public long Bytes => bytes;

        public void Dispose()
        {
            NativeMemory.Free(Start);
            Start = null;
        }
    }
}
