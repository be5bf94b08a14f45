namespace Millrace.DuckDb;

/// <summary>The rows of one bucket of a file while several are put together.</summary>
internal sealed class MergeRun
{
    private readonly BucketRows _source;
    private readonly BlockRun _run;
    private readonly BlockPool _pool;
    private readonly BlockAhead? _ahead;
    private BlockRows? _rows;
    private OrderBlockColumn? _order;
    private BlockMemory? _block;
    private int[] _places = [];
    private int _taken;
    private int _left;

    /// <summary>A run; nothing is read yet.</summary>
    /// <param name="source">What is read.</param>
    /// <param name="run">Its blocks, at least one.</param>
    /// <param name="pool">Where the blocks' memory comes from.</param>
    /// <param name="ahead">What asks for blocks before they are wanted; null: nothing does.</param>
    public MergeRun(BucketRows source, BlockRun run, BlockPool pool, BlockAhead? ahead)
    {
        _source = source;
        _run = run;
        _pool = pool;
        _ahead = ahead;
    }

    /// <summary>What the next block comes in; null where nothing is asked for ahead, and behind the last one.</summary>
    public BlockChunk? NextChunk => _run.NextChunk;

    /// <summary>Where the last row of the block belongs.</summary>
    public long Last => _order!.Last();

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
        if (!_run.HasNext) return false;
        var chunk = _run.NextChunk;
        var block = _run.Next(out var skip, out _left);
        _block = _pool.Rent(block);
        Read(chunk, block, _block);
        _rows!.Load(_source.Shown(_run.File), block, _block, skip);
        _order!.Begin(skip);
        return true;
    }

    /// <summary>Gives the block's memory back.</summary>
    public void Close()
    {
        if (_block is null) return;
        _pool.PutAside(_block);
        _block = null;
    }

    // There may be more runs than files that can be open.
    private void Read(BlockChunk? chunk, BlockEntry block, BlockMemory to)
    {
        if (chunk is not null)
        {
            _ahead!.Read(chunk, block, to);
            return;
        }

        using var file = _source.Open(_run.File);
        file.Read(to.Stored(block), block.Offset);
    }
}
