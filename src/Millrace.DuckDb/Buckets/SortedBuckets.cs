using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>
/// A bucket file once more with its blocks in the order of the buckets, so that those of one bucket, and of the next ones, are read at once. It is made
/// while it is read, from the start to the end. By one thread at a time.
/// </summary>
public sealed class SortedBuckets : IDisposable
{
    private readonly LocalBlockFile _file;
    private readonly BlockEntry[] _old;
    private readonly BlockEntry[] _blocks;
    private readonly byte[] _header = new byte[BucketFormat.HeaderBytes];
    private BucketFooter _footer;
    private byte[] _large = [];
    private long _at;
    private int _next;

    /// <summary>Opens a complete file.</summary>
    /// <param name="path">The file.</param>
    /// <exception cref="BucketFileException">It is damaged.</exception>
    public SortedBuckets(string path)
    {
        _file = new LocalBlockFile(path);
        try
        {
            using var list = BlockList.Read(_file);
            _old = list.Entries.ToArray();
            _blocks = list.Entries.ToArray();
            _footer = new BucketFooter { Blocks = _old.Length, Buckets = list.Buckets, Layout = list.Layout, Magic = BucketFooter.FooterMagic };
            _file.Read(_header, 0);
        }
        catch (Exception)
        {
            _file.Dispose();
            throw;
        }

        _footer.IndexOffset = BucketFormat.HeaderBytes;
        foreach (ref var block in _blocks.AsSpan())
        {
            block.Offset = _footer.IndexOffset;
            _footer.IndexOffset += block.Stored;
        }

        Length = _footer.IndexOffset + ((long)_blocks.Length * BlockEntry.Bytes) + BucketFooter.Bytes;
    }

    /// <summary>How many bytes it has.</summary>
    public long Length { get; }

    /// <summary>Fills a span with the next bytes; fewer only at the end.</summary>
    /// <returns>How many.</returns>
    /// <exception cref="BucketFileException">A block is damaged.</exception>
    public int Read(Span<byte> bytes)
    {
        var done = 0;
        while (done < bytes.Length && _at < Length)
        {
            var step = Step(bytes[done..]);
            done += step;
            _at += step;
        }

        return done;
    }

    /// <summary>Saves its frame, when all of it has been read.</summary>
    /// <param name="path">The frame's file.</param>
    /// <exception cref="IOException">It can't be written.</exception>
    public void SaveFrame(string path)
    {
        if (_at < Length) throw new InvalidOperationException("the index is not complete yet");
        var end = new byte[Length - _footer.IndexOffset];
        MemoryMarshal.AsBytes(_blocks.AsSpan()).CopyTo(end);
        MemoryMarshal.Write(end.AsSpan(end.Length - BucketFooter.Bytes), _footer);
        BlockFrame.Save(path, _header, end);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private int Step(Span<byte> bytes)
    {
        if (_at < BucketFormat.HeaderBytes) return Copy(_header, _at, bytes);
        if (_at < _footer.IndexOffset) return NextOfBlock(bytes);
        var index = MemoryMarshal.AsBytes(_blocks.AsSpan());
        if (_at - _footer.IndexOffset < index.Length) return Copy(index, _at - _footer.IndexOffset, bytes);
        _footer.Checksum = _footer.ChecksumOver(_blocks);
        return Copy(MemoryMarshal.AsBytes(new ReadOnlySpan<BucketFooter>(in _footer)), _at - _footer.IndexOffset - index.Length, bytes);
    }

    /// <summary>The rest of a block that was begun, or all of the next one, at once into its place where there is room.</summary>
    private int NextOfBlock(Span<byte> bytes)
    {
        if (_next > 0 && _at < _blocks[_next - 1].Offset + _blocks[_next - 1].Stored)
            return Copy(_large.AsSpan(0, _blocks[_next - 1].Stored), _at - _blocks[_next - 1].Offset, bytes);
        var old = _old[_next];
        ref var block = ref _blocks[_next++];
        var fits = old.Stored <= bytes.Length;
        if (!fits && _large.Length < old.Stored) _large = GC.AllocateUninitializedArray<byte>(old.Stored);
        var whole = fits ? bytes[..old.Stored] : _large.AsSpan(0, old.Stored);
        _file.Read(whole, old.Offset);
        if (BucketFormat.Checksum(whole, (ulong)old.Offset) != old.Checksum) throw new BucketFileException(_file.Shown, old.Offset, "the block is damaged: its checksum differs");
        block.Checksum = BucketFormat.Checksum(whole, (ulong)block.Offset);
        return fits ? old.Stored : Copy(whole, 0, bytes);
    }

    private static int Copy(ReadOnlySpan<byte> from, long at, Span<byte> to)
    {
        var count = (int)Math.Min(from.Length - at, to.Length);
        from.Slice((int)at, count).CopyTo(to);
        return count;
    }
}
