namespace Millrace.DuckDb;

/// <summary>The rows of one bucket of a file while several are put together.</summary>
internal sealed class MergeRun
{
    private readonly BucketRows _source;
    private readonly BlockEntry[] _blocks;
    private readonly BlockPool _pool;
    private BlockRows? _rows;
    private OrderBlockColumn? _order;
    private BlockMemory? _block;
    private int[] _places = [];
    private int _taken;
    private int _next;
    private int _left;
    private long _toSkip;
    private long _toRead;

    /// <summary>A run; nothing is read yet.</summary>
    /// <param name="source">What is read.</param>
    /// <param name="file">The file's number.</param>
    /// <param name="blocks">Its blocks in their order.</param>
    /// <param name="skip">Rows of these that are passed over.</param>
    /// <param name="rows">How many are read.</param>
    /// <param name="pool">Where the blocks' memory comes from.</param>
    public MergeRun(BucketRows source, int file, BlockEntry[] blocks, long skip, long rows, BlockPool pool)
    {
        _source = source;
        _blocks = blocks;
        _pool = pool;
        (_toSkip, _toRead) = (skip, rows);
        File = file;
        Bytes = blocks.Max(static block => BlockPool.TakenBy(block));
    }

    /// <summary>The file's number.</summary>
    public int File { get; }

    /// <summary>What its largest block takes.</summary>
    public long Bytes { get; }

    /// <summary>Whether the block has a row that was not taken.</summary>
    public bool HasRow => _left > 0;

    /// <summary>Where the next row belongs.</summary>
    public long Head => _order!.Peek();

    /// <summary>Reads the first block.</summary>
    public void Begin(BucketProjection projection, int order, BlockScratch scratch)
    {
        _order = new OrderBlockColumn(scratch);
        _rows = new BlockRows(_source, projection, scratch, (_order, order));
        NextBlock();
    }

    /// <summary>Takes the next row for a row of the chunk; <see cref="Hand"/> puts it there.</summary>
    public void Take(int place)
    {
        if (_taken == _places.Length) Array.Resize(ref _places, Math.Max(64, 2 * _taken));
        _places[_taken++] = place;
        _left--;
        _order!.Pass();
    }

    /// <summary>Puts the rows that were taken into the chunk.</summary>
    public void Hand(in ChunkWriter chunk)
    {
        if (_taken == 0) return;
        _rows!.Scatter(chunk, _places.AsSpan(0, _taken));
        _taken = 0;
    }

    /// <summary>Reads the next block; false when there is none.</summary>
    public bool NextBlock()
    {
        _source.ThrowIfStopped();
        Close();
        while (_toRead > 0)
        {
            var block = _blocks[_next++];
            if (_toSkip >= block.Rows)
            {
                _toSkip -= block.Rows;
                continue;
            }

            _block = _pool.Rent(block);
            var path = _source.Paths[File];
            using var handle = System.IO.File.OpenHandle(path);
            _rows!.Load(handle, path, block, _block, (int)_toSkip);
            _order!.Begin((int)_toSkip);
            _left = (int)Math.Min(block.Rows - _toSkip, _toRead);
            _toSkip = 0;
            _toRead -= _left;
            return true;
        }

        return false;
    }

    /// <summary>Gives the block's memory back.</summary>
    public void Close()
    {
        if (_block is null) return;
        _pool.PutAside(_block);
        _block = null;
    }
}
