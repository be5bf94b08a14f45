using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>
/// One stream of values or bytes for each bucket, in pages that follow each other. Whoever writes keeps to this: a cursor at a multiple of the
/// page's size has no room (<see cref="NextPage"/>), any other has room up to the next multiple.
/// </summary>
internal sealed unsafe class PageStream : IDisposable
{
    // A value of so many bytes gets memory of its own, which goes back to the system with it.
    private const int OwnBytesMin = 32 * 1024;

    private readonly PagePool _pool;
    private readonly int _pageBytes;
    private PageHeader** _first;
    private PageHeader** _last;

    /// <summary>Empty streams.</summary>
    public PageStream(PagePool pool)
    {
        _pool = pool;
        _pageBytes = pool.PageBytes;
        Mask = (nuint)(_pageBytes - 1);
        var all = (byte**)NativeMemory.AllocZeroed((nuint)pool.Buckets * 3, (nuint)sizeof(nint));
        Cursors = all;
        _first = (PageHeader**)(all + pool.Buckets);
        _last = (PageHeader**)(all + (2 * pool.Buckets));
    }

    /// <summary>Where each bucket's next byte goes.</summary>
    public byte** Cursors { get; private set; }

    /// <summary>A page's size less one.</summary>
    public nuint Mask { get; }

    /// <summary>Whether these bytes have been worth to be compressed lately.</summary>
    public PackingLuck Luck;

    /// <summary>Begins another page of a bucket.</summary>
    /// <returns>Where its bytes go.</returns>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public byte* NextPage(int bucket)
    {
        Leave(bucket);
        var page = _pool.Take(bucket);
        page->IsOwn = false;
        Add(bucket, page);
        return (byte*)(page + 1);
    }

    /// <summary>Adds bytes that need not fit into the page.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public void Append(int bucket, byte* from, int length)
    {
        if (length >= OwnBytesMin)
        {
            AppendOwn(bucket, from, length);
            return;
        }

        while (length > 0)
        {
            var to = Cursors[bucket];
            if (((nuint)to & Mask) == 0) to = NextPage(bucket);
            var step = Math.Min(length, _pageBytes - (int)((nuint)to & Mask));
            Unsafe.CopyBlockUnaligned(to, from, (uint)step);
            Cursors[bucket] = to + step;
            from += step;
            length -= step;
        }
    }

    /// <summary>Ends a bucket's stream and gives its first page, or null.</summary>
    public PageHeader* Seal(int bucket)
    {
        Leave(bucket);
        Cursors[bucket] = null;
        return _first[bucket];
    }

    /// <summary>Gives a bucket's pages back; it is empty then.</summary>
    public void Clear(int bucket)
    {
        for (var page = _first[bucket]; page != null;)
        {
            var next = page->Next;
            if (page->IsOwn) NativeMemory.Free(page);
            else _pool.Return(page);
            page = next;
        }

        _first[bucket] = _last[bucket] = null;
        Cursors[bucket] = null;
    }

    /// <summary>Gives everything back; to be called before the pool is disposed.</summary>
    public void Dispose()
    {
        if (Cursors == null) return;
        for (var bucket = 0; bucket < _pool.Buckets; bucket++) Clear(bucket);
        NativeMemory.Free(Cursors);
        Cursors = null;
        _first = _last = null;
    }

    private void AppendOwn(int bucket, byte* from, int length)
    {
        Leave(bucket);
        var own = (PageHeader*)NativeMemory.Alloc((nuint)PagePool.HeaderBytes + (nuint)length);
        own->IsOwn = true;
        own->Length = length;
        Buffer.MemoryCopy(from, own + 1, length, length);
        Add(bucket, own);
        Cursors[bucket] = null;
        _pool.Count(bucket, length);
    }

    private void Leave(int bucket)
    {
        var last = _last[bucket];
        if (last == null || last->IsOwn) return;
        last->Length = (int)(Cursors[bucket] - (byte*)(last + 1));
    }

    private void Add(int bucket, PageHeader* page)
    {
        page->Next = null;
        if (_last[bucket] == null) _first[bucket] = page;
        else _last[bucket]->Next = page;
        _last[bucket] = page;
    }
}

/// <summary>
/// Whether it is worth to compress a stream: after a failure the next ones are left as they are, twice as many each time, up to a bound.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal struct PackingLuck
{
    private const int PenaltyMax = 64;

    private int _penalty;
    private int _skip;

    /// <summary>Whether to try this time.</summary>
    public bool Try()
    {
        if (_skip == 0) return true;
        _skip--;
        return false;
    }

    /// <summary>Tells how a try went.</summary>
    public void Tell(bool worth)
    {
        _penalty = worth ? 0 : Math.Min(PenaltyMax, (2 * _penalty) + 1);
        _skip = _penalty;
    }
}
