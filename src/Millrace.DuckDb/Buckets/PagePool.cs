using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>
/// Pages of native memory that the buckets of one file fill, cut from slabs. A page ends at a multiple of its size, so that a cursor tells by
/// itself that its page is full. Slabs that a very large row needed go back to the system when they are empty. Used under a lock.
/// </summary>
internal sealed unsafe class PagePool : IDisposable
{
    /// <summary>What stands before a page's bytes: a <see cref="PageHeader"/>.</summary>
    public const int HeaderBytes = 16;

    /// <summary>Rows of a block, whatever they take: a block of rows without bytes ends too.</summary>
    public const int BlockRowsMax = 1 << 18;

    private const int SlabBytes = 256 * 1024;
    private const int PageBytesMin = 64;
    private const int PageBytesMax = 4096;
    private const int PagesPerStreamMin = 4;
    private const int PagesPerStreamFew = 2;

    private readonly long[] _bytes;
    private readonly List<int> _full = [];
    private long _blockBytes;
    private readonly int _slabsKept;
    private Slab* _open;
    private Slab* _all;
    private int _slabs;

    /// <summary>A pool.</summary>
    /// <param name="buckets">How many buckets fill its pages.</param>
    /// <param name="streams">How many streams each bucket has.</param>
    /// <param name="blockBytes">Bytes from which a bucket counts as full.</param>
    /// <param name="smallBlocks">Whether a bucket may be full with fewer pages than usual, so that more buckets collect rows in the same memory.</param>
    public PagePool(int buckets, int streams, int blockBytes, bool smallBlocks = false)
    {
        _bytes = new long[buckets];
        Buckets = buckets;
        PageBytes = PageBytesMin;
        while (PageBytes < PageBytesMax && (long)PageBytes * 2 * PagesPerStreamMin * streams <= blockBytes) PageBytes *= 2;
        BlockBytesMin = (long)PageBytes * (smallBlocks ? PagesPerStreamFew : PagesPerStreamMin) * streams;
        _blockBytes = Math.Max(blockBytes, BlockBytesMin);
        _slabsKept = (int)(_blockBytes * buckets / SlabBytes) + 1;
    }

    /// <summary>Bytes of a page, a power of two, its header among them.</summary>
    public int PageBytes { get; }

    /// <summary>The fewest bytes from which a bucket counts as full: some pages for each stream.</summary>
    public long BlockBytesMin { get; }

    /// <summary>How many buckets there are.</summary>
    public int Buckets { get; }

    /// <summary>The buckets that have become full since the list was cleared, each once.</summary>
    public List<int> Full => _full;

    /// <summary>Bytes of native memory in use.</summary>
    internal long HeldBytes => (long)_slabs * SlabBytes;

    /// <summary>Gives a bucket another page, whose header means nothing yet.</summary>
    public PageHeader* Take(int bucket)
    {
        if (_open == null) AddSlab();
        var slab = _open;
        var page = slab->Free;
        if (page != null) slab->Free = page->Next;
        else page = (PageHeader*)((byte*)slab + ((long)++slab->Used * PageBytes));
        if (--slab->Left == 0) Unlink(slab);
        Count(bucket, PageBytes);
        return page;
    }

    /// <summary>Takes a page back.</summary>
    public void Return(PageHeader* page)
    {
        var slab = (Slab*)((nuint)page & ~(nuint)(SlabBytes - 1));
        page->Next = slab->Free;
        slab->Free = page;
        if (slab->Left++ == 0) Link(slab);
        if (slab->Left == PagesOfSlab && _slabs > _slabsKept) Drop(slab);
    }

    /// <summary>Counts bytes that a bucket holds.</summary>
    public void Count(int bucket, long bytes)
    {
        var before = _bytes[bucket];
        _bytes[bucket] = before + bytes;
        if (before < _blockBytes && before + bytes >= _blockBytes) _full.Add(bucket);
    }

    /// <summary>Says that a bucket has rows enough, whatever their bytes.</summary>
    public void CountAsFull(int bucket) => Count(bucket, Math.Max(0, _blockBytes - _bytes[bucket]));

    /// <summary>From now on buckets are full at so many bytes; those that have them already are full now.</summary>
    public void FillTo(long blockBytes)
    {
        var before = _blockBytes;
        blockBytes = Math.Max(blockBytes, BlockBytesMin);
        if (blockBytes == before) return;
        _blockBytes = blockBytes;
        for (var bucket = 0; bucket < _bytes.Length; bucket++)
        {
            if (_bytes[bucket] >= blockBytes && _bytes[bucket] < before) _full.Add(bucket);
        }
    }

    /// <summary>A bucket has been emptied.</summary>
    public void Emptied(int bucket) => _bytes[bucket] = 0;

    /// <inheritdoc/>
    public void Dispose()
    {
        while (_all != null)
        {
            var next = _all->NextOfAll;
            NativeMemory.AlignedFree(_all);
            _all = next;
        }

        _open = null;
        _slabs = 0;
    }

    // The first page is the slab's own.
    private int PagesOfSlab => (SlabBytes / PageBytes) - 1;

    private void AddSlab()
    {
        var slab = (Slab*)NativeMemory.AlignedAlloc(SlabBytes, SlabBytes);
        *slab = new Slab { Left = PagesOfSlab, NextOfAll = _all };
        if (_all != null) _all->PreviousOfAll = slab;
        _all = slab;
        _slabs++;
        Link(slab);
    }

    private void Drop(Slab* slab)
    {
        Unlink(slab);
        if (slab->PreviousOfAll != null) slab->PreviousOfAll->NextOfAll = slab->NextOfAll;
        else _all = slab->NextOfAll;
        if (slab->NextOfAll != null) slab->NextOfAll->PreviousOfAll = slab->PreviousOfAll;
        NativeMemory.AlignedFree(slab);
        _slabs--;
    }

    private void Link(Slab* slab)
    {
        slab->Previous = null;
        slab->Next = _open;
        if (_open != null) _open->Previous = slab;
        _open = slab;
    }

    private void Unlink(Slab* slab)
    {
        if (slab->Previous != null) slab->Previous->Next = slab->Next;
        else _open = slab->Next;
        if (slab->Next != null) slab->Next->Previous = slab->Previous;
    }

    // Fits into the smallest page.
    [StructLayout(LayoutKind.Sequential)]
    private struct Slab
    {
        public Slab* Next;
        public Slab* Previous;
        public Slab* NextOfAll;
        public Slab* PreviousOfAll;
        public PageHeader* Free;
        public int Left;
        public int Used;
    }
}

/// <summary>What stands before the bytes of a page, or of a value that has memory of its own.</summary>
[StructLayout(LayoutKind.Sequential, Size = PagePool.HeaderBytes)]
internal unsafe struct PageHeader
{
    /// <summary>The next one of the same stream.</summary>
    public PageHeader* Next;

    /// <summary>Its bytes, known when it is left.</summary>
    public int Length;

    /// <summary>Whether this is no page of the pool.</summary>
    public bool IsOwn;
}
