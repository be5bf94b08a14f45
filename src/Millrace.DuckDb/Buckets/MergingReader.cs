namespace Millrace.DuckDb;

/// <summary>
/// Reads rows that are put together by a column: those of each bucket of a file, a run, are taken to lie in its order, and the run
/// whose next row comes first gives it. Each run has one block in memory. Where all of them would take more than they may, some runs are put together,
/// then the next ones. A run whose rows lie in another order gives them as they lie there.
/// </summary>
internal sealed class MergingReader : IBucketReader
{
    private readonly BucketRows _source;
    private readonly MergeOrder _order;
    private readonly BucketProjection _projection;
    private readonly BlockPool _pool;
    private readonly BlockScratch _scratch = new();
    private readonly Queue<MergeRun> _waiting = [];
    private MergeRun[] _runs = [];
    private (long Head, int Run)[] _heap = [];
    private int _left;
    private bool _opened;

    /// <summary>A reader of some columns.</summary>
    public MergingReader(BucketRows source, MergeOrder order, BucketProjection projection)
    {
        _source = source;
        _order = order;
        _projection = projection;
        _pool = new BlockPool(2 * BlockPool.ChunkBytesMax);
    }

    /// <inheritdoc/>
    public int Fill(in ChunkWriter chunk, int most)
    {
        _pool.Release();
        if (!_opened) Open();
        var filled = 0;
        while (filled < most && (filled == 0 || _pool.AsideBytes < BlockPool.ChunkBytesMax) && (_left > 0 || NextRuns()))
        {
            var number = _heap[0].Run;
            var run = _runs[number];
            run.Take(filled++);
            if (run.HasRow || HasNext(run, chunk)) _heap[0] = (run.Head, number);
            else _heap[0] = _heap[--_left];
            SiftDown(0);
        }

        for (var i = 0; i < _left; i++) _runs[_heap[i].Run].Hand(chunk);
        _source.CountRead(filled);
        return filled;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var run in _runs) run.Close();
        _left = 0;
        _pool.Dispose();
    }

    // The rows that were taken go to their places before the next block comes.
    private static bool HasNext(MergeRun run, in ChunkWriter chunk)
    {
        run.Hand(chunk);
        return run.NextBlock();
    }

    /// <summary>Finds each file's blocks: the wanted rows are those that come one after the other in the order of the files.</summary>
    private void Open()
    {
        _opened = true;
        var (skip, left) = (_source.Range.First, _source.Range.Count);
        for (var i = 0; i < _source.Paths.Count; i++)
        {
            _source.ThrowIfStopped();
            var path = _source.Paths[i];
            using var file = File.OpenHandle(path);
            using var list = BlockList.Read(file, path);
            foreach (var blocks in _source.Choose(list, path).GroupBy(static block => block.Bucket))
            {
                var rows = blocks.Sum(static block => (long)block.Rows);
                var taken = Math.Clamp(rows - skip, 0, left);
                if (taken > 0) _waiting.Enqueue(new MergeRun(_source, i, [.. blocks], skip, taken, _pool));
                skip = Math.Max(0, skip - rows);
                left -= taken;
            }
        }
    }

    /// <summary>Begins with the next runs, as many as there is memory for.</summary>
    private bool NextRuns()
    {
        var (runs, bytes) = (new List<MergeRun>(), 0L);
        while (_waiting.TryPeek(out var next))
        {
            if (runs.Count > 0 && (bytes + next.Bytes > _order.BytesMax || runs.Count == MergeOrder.RunsMax || (_order.FileByFile && next.File != runs[0].File))) break;
            runs.Add(_waiting.Dequeue());
            bytes += next.Bytes;
        }

        _runs = [.. runs];
        _heap = new (long, int)[_runs.Length];
        foreach (var run in _runs)
        {
            run.Begin(_projection, _order.Column, _scratch);
            _heap[_left] = (run.Head, _left++);
        }

        for (var i = (_left / 2) - 1; i >= 0; i--) SiftDown(i);
        return _left > 0;
    }

    // A heap by the next rows; the earlier run first where they are equal, so that the same rows come in the same order each time.
    private void SiftDown(int place)
    {
        var entry = _heap[place];
        while (true)
        {
            var child = (2 * place) + 1;
            if (child >= _left) break;
            if (child + 1 < _left && IsBefore(_heap[child + 1], _heap[child])) child++;
            if (!IsBefore(_heap[child], entry)) break;
            _heap[place] = _heap[child];
            place = child;
        }

        _heap[place] = entry;
    }

    private static bool IsBefore((long Head, int Run) one, (long Head, int Run) other) => one.Head < other.Head || (one.Head == other.Head && one.Run < other.Run);
}
