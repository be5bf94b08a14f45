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
    private readonly IEnumerator<OpenedBlocks> _files;
    private readonly BlockAhead? _ahead;
    private readonly Queue<BlockRun> _coming = [];
    private readonly Queue<BlockChunk> _unasked = [];
    private RowWindow _window;
    private BlockMemory? _block;
    private BlockRun? _run;
    private IBlockFile? _file;
    private int _rowsLeft;

    /// <summary>A reader of some columns.</summary>
    public BucketReader(BucketRows source, BucketProjection projection)
    {
        _source = source;
        _window = new RowWindow(source.Range);
        _files = source.Files().GetEnumerator();
        _ahead = source.Ahead();
        _rows = new BlockRows(source, projection, new BlockScratch());
    }

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
        _files.Dispose();
        _ahead?.Dispose();
    }

    private bool NextBlock()
    {
        _source.ThrowIfStopped();
        while (_run is not { HasNext: true })
        {
            if (!NextRun()) return false;
        }

        PutAside();
        var chunk = _run.NextChunk;
        var block = _run.Next(out var skip, out var rows);
        _block = _pool.Rent(block);
        AskAhead();
        if (chunk is null) _file!.Read(_block.Stored(block), block.Offset);
        else _ahead!.Read(chunk, block, _block);
        AskAhead();
        _rows.Load(_source.Shown(_run.File), block, _block, skip);
        _rowsLeft = rows;
        return true;
    }

    private bool NextRun()
    {
        _file?.Dispose();
        _file = null;
        if (_coming.Count == 0 && !NextFile()) return false;
        _run = _coming.Dequeue();
        return true;
    }

    private bool NextFile()
    {
        if (_window.IsOver || !_files.MoveNext()) return false;
        var opened = _files.Current;
        _file = opened.Open;
        using var list = opened.List;
        var run = _window.Cut(opened.File, _source.Choose(list));
        _coming.Enqueue(run);
        if (_ahead is null || run.IsEmpty) return true;
        run.Chunk(_source.NameOf(opened.File), _ahead.Rule.RequestBytesMax, before: null);
        foreach (var chunk in run.Chunks()) _unasked.Enqueue(chunk);
        return true;
    }

    /// <summary>Asks for what comes next, of this file and of those behind it, as far as there is room.</summary>
    private void AskAhead()
    {
        if (_ahead is null) return;
        do
        {
            while (_unasked.TryPeek(out var chunk))
            {
                if (!_ahead.TryStart(chunk)) return;
                _unasked.Dequeue();
            }
        }
        while (NextFile());
    }

    private void PutAside()
    {
        if (_block is null) return;
        _pool.PutAside(_block);
        _block = null;
    }
}
