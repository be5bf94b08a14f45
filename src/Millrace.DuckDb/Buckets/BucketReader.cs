using Microsoft.Win32.SafeHandles;

namespace Millrace.DuckDb;

/// <summary>
/// Reads rows as they lie there. A chunk takes rows of several blocks when they are small; the blocks that its texts lie in
/// are kept until the next chunk is asked for.
/// </summary>
internal sealed class BucketReader : IBucketReader
{
    private readonly BucketRows _source;
    private readonly BlockRows _rows;
    private readonly BlockPool _pool = new(2 * BlockPool.ChunkBytesMax);
    private BlockMemory? _block;
    private SafeFileHandle? _file;
    private BlockEntry[] _blocks = [];
    private int _nextPath;
    private int _nextBlock;
    private int _rowsLeft;
    private long _toSkip;
    private long _toRead;

    /// <summary>A reader of some columns.</summary>
    public BucketReader(BucketRows source, BucketProjection projection)
    {
        _source = source;
        (_toSkip, _toRead) = (source.Range.First, source.Range.Count);
        _rows = new BlockRows(source, projection, new BlockScratch());
    }

    private string Path => _source.Paths[_nextPath - 1];

    /// <inheritdoc/>
    public int Fill(in ChunkWriter chunk, int most)
    {
        if (_rowsLeft == 0) PutAside();
        _pool.Release();
        var (filled, bytes) = (0, 0L);
        while (filled < most)
        {
            if (_rowsLeft == 0)
            {
                if (filled > 0 && bytes >= BlockPool.ChunkBytesMax) break;
                if (!NextBlock()) break;
                bytes += _block!.Bytes;
            }

            var count = Math.Min(_rowsLeft, most - filled);
            _rows.Read(chunk, filled, count);
            filled += count;
            _rowsLeft -= count;
        }

        _source.CountRead(filled);
        return filled;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        PutAside();
        _pool.Dispose();
        _file?.Dispose();
        _file = null;
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

            PutAside();
            _block = _pool.Rent(block);
            _rows.Load(_file!, Path, block, _block, (int)_toSkip);
            _rowsLeft = (int)Math.Min(block.Rows - _toSkip, _toRead);
            _toSkip = 0;
            _toRead -= _rowsLeft;
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

    private void PutAside()
    {
        if (_block is null) return;
        _pool.PutAside(_block);
        _block = null;
    }
}
