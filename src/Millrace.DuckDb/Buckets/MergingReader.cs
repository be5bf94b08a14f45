namespace Millrace.DuckDb;

/// <summary>
/// Reads rows that are put together by a column: those of each bucket of a file, a run, are taken to lie in its order, and the run
/// whose next row comes first gives it. Each run has one block in memory. Where all of them would take more than they may, some runs are put together,
/// then the next ones. A run whose rows lie in another order gives them as they lie there. Of a store, the blocks are asked for in the order in which they
/// will be wanted: the run whose block ends with the least row needs its next one first.
/// </summary>
internal sealed class MergingReader : IBucketReader
{
    private readonly BucketRows _source;
    private readonly MergeOrder _order;
    private readonly BucketProjection _projection;
    private readonly BlockPool _pool;
    private readonly BlockScratch _scratch = new();
    private readonly BlockAhead? _ahead;
    private readonly List<BlockRun> _all = [];
    private readonly PriorityQueue<BlockChunk, long> _soon = new();
    private MergeRun[] _runs = [];
    private (long Head, int Run)[] _heap = [];
    private int _left;
    private int _begun;
    private int _read;
    private int _askedFirst;
    private bool _opened;

    /// <summary>A reader of some columns.</summary>
    public MergingReader(BucketRows source, MergeOrder order, BucketProjection projection)
    {
        _source = source;
        _order = order;
        _projection = projection;
        _pool = new BlockPool(2 * BlockPool.ChunkBytesMax);
        _ahead = source.Ahead();
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
        _ahead?.Dispose();
    }

    // The rows that were taken go to their places before the next block comes.
    private bool HasNext(MergeRun run, in ChunkWriter chunk)
    {
        run.Hand(chunk);
        if (!run.NextBlock()) return false;
        if (_ahead is null) return true;
        Foresee(run);
        AskAhead();
        return true;
    }

    /// <summary>Finds each file's blocks: the wanted rows are those that come one after the other in the order of the files.</summary>
    private void Open()
    {
        _opened = true;
        var window = new RowWindow(_source.Range);
        var runs = new List<BlockRun>();
        foreach (var opened in _source.Files())
        {
            opened.Open?.Dispose();
            using var list = opened.List;
            foreach (var blocks in _source.Choose(list).GroupBy(static block => block.Bucket))
            {
                var run = window.Cut(opened.File, blocks.ToArray());
                if (!run.IsEmpty) runs.Add(run);
            }
        }

        if (_order.By == MergeBy.Bucket) runs = [.. runs.OrderBy(static run => run.Bucket)];

        if (_ahead is not null) Chunk(runs, _ahead.Rule);
        _all.AddRange(runs);
    }

    /// <summary>Runs of one file may share pieces: all runs that are put together have one at least, and the next one.</summary>
    private void Chunk(List<BlockRun> runs, ReadAhead rule)
    {
        var files = runs.DistinctBy(static run => run.File).Count();
        foreach (var file in runs.GroupBy(static run => run.File))
        {
            var together = _order.By switch
            {
                MergeBy.File => file.Count(),
                MergeBy.Bucket => files,
                _ => Math.Min(runs.Count, MergeOrder.RunsMax),
            };
            var bytes = (int)Math.Clamp(rule.BytesMax / (2L * together), 1, rule.RequestBytesMax);
            BlockChunk? last = null;
            foreach (var run in file) last = run.Chunk(_source.NameOf(run.File), bytes, last);
        }
    }

    /// <summary>Begins with the next runs, as many as there is memory for.</summary>
    private bool NextRuns()
    {
        var (runs, bytes) = (new List<MergeRun>(), 0L);
        while (_begun < _all.Count)
        {
            var next = _all[_begun];
            var taken = next.BlockBytesMax;
            if (runs.Count > 0 && (bytes + taken > _order.BytesMax || runs.Count == MergeOrder.RunsMax || IsApart(next, _all[_begun - 1]))) break;
            runs.Add(new MergeRun(_source, next, _pool, _ahead));
            bytes += taken;
            _begun++;
        }

        _runs = [.. runs];
        _heap = new (long, int)[_runs.Length];
        foreach (var run in _runs)
        {
            AskFirst();
            run.Begin(_projection, _order.Column, _scratch);
            _read++;
            _heap[_left] = (run.Head, _left++);
            Foresee(run);
        }

        AskAhead();

        for (var i = (_left / 2) - 1; i >= 0; i--) SiftDown(i);
        return _left > 0;
    }

    private bool IsApart(BlockRun one, BlockRun other) => _order.By switch
    {
        MergeBy.File => one.File != other.File,
        MergeBy.Bucket => one.Bucket != other.Bucket,
        _ => false,
    };

    private void Foresee(MergeRun run)
    {
        if (run.NextChunk is { IsStarted: false } next) _soon.Enqueue(next, run.Last);
    }

    /// <summary>Asks for the next blocks of the runs that are put together, and then for the first ones of those behind them.</summary>
    private void AskAhead()
    {
        if (_ahead is null) return;
        while (_soon.TryPeek(out var chunk, out _))
        {
            if (!_ahead.TryStart(chunk)) return;
            _soon.Dequeue();
        }

        AskFirst();
    }

    private void AskFirst()
    {
        if (_ahead is null) return;
        _askedFirst = Math.Max(_askedFirst, _read);
        while (_askedFirst < _all.Count && _ahead.TryStart(_all[_askedFirst].NextChunk!)) _askedFirst++;
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
