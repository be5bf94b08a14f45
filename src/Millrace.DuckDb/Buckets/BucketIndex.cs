using System.Buffers;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Millrace.DuckDb;

/// <summary>What the index at the end of a bucket file says: for each bucket its rows and its bytes.</summary>
public sealed class BucketIndex
{
    private readonly long[] _rows;
    private readonly long[] _bytes;

    private BucketIndex(int buckets)
    {
        _rows = new long[buckets];
        _bytes = new long[buckets];
    }

    /// <summary>How many buckets there are.</summary>
    public int Buckets => _rows.Length;

    /// <summary>The rows of all buckets.</summary>
    public long Rows { get; private set; }

    /// <summary>Reads a file's index. The blocks are not looked at.</summary>
    /// <exception cref="BucketFileException">The file is damaged, cut, or no bucket file.</exception>
    /// <exception cref="IOException">The file can't be read.</exception>
    public static BucketIndex Read(string path)
    {
        using var file = File.OpenHandle(path);
        using var blocks = BlockList.Read(file, path);
        var index = new BucketIndex(blocks.Buckets);
        foreach (ref readonly var block in blocks.Entries)
        {
            index._rows[block.Bucket] += block.Rows;
            index._bytes[block.Bucket] += block.Raw;
            index.Rows += block.Rows;
        }

        return index;
    }

    /// <summary>A bucket's rows.</summary>
    public long RowsOf(int bucket) => _rows[bucket];

    /// <summary>A bucket's bytes before they were packed: about what its rows take in memory.</summary>
    public long BytesOf(int bucket) => _bytes[bucket];
}

/// <summary>The blocks of a file, as its index lists them: by bucket, and by place.</summary>
internal sealed class BlockList : IDisposable
{
    private readonly byte[] _bytes;
    private readonly int _length;

    private BlockList(byte[] bytes, int length, BucketFooter footer)
    {
        _bytes = bytes;
        _length = length;
        Buckets = (int)footer.Buckets;
        Layout = footer.Layout;
    }

    public int Buckets { get; }

    public ulong Layout { get; }

    public ReadOnlySpan<BlockEntry> Entries => MemoryMarshal.Cast<byte, BlockEntry>(_bytes.AsSpan(0, _length));

    /// <summary>Reads and checks a file's header, index and footer; what is allocated is no more than the file has.</summary>
    /// <exception cref="BucketFileException">The file is damaged, cut, or no bucket file.</exception>
    public static BlockList Read(SafeFileHandle file, string path)
    {
        var length = RandomAccess.GetLength(file);
        if (length < BucketFormat.HeaderBytes + BucketFooter.Bytes) throw new BucketFileException(path, 0, "it is too short to be a bucket file");
        Span<ulong> header = stackalloc ulong[2];
        ReadAt(file, path, MemoryMarshal.AsBytes(header), 0);
        if (header[0] != BucketFormat.HeaderMagic) throw new BucketFileException(path, 0, "it is no bucket file");
        if (header[1] != BucketFormat.Version)
            throw new BucketFileException(path, sizeof(ulong), $"the file has version {header[1]}, expected {BucketFormat.Version}");
        BucketFooter footer = default;
        var at = length - BucketFooter.Bytes;
        ReadAt(file, path, MemoryMarshal.AsBytes(new Span<BucketFooter>(ref footer)), at);
        if (footer.Magic != BucketFooter.FooterMagic)
            throw new BucketFileException(path, at, "the file is cut or damaged: its end is none of a bucket file");
        var indexBytes = at - footer.IndexOffset;
        if (footer.IndexOffset < BucketFormat.HeaderBytes || indexBytes is < 0 or > int.MaxValue
            || indexBytes != footer.Blocks * BlockEntry.Bytes || footer.Buckets is < 1 or > int.MaxValue)
        {
            throw new BucketFileException(path, at, "the footer is damaged");
        }

        var bytes = ArrayPool<byte>.Shared.Rent((int)indexBytes);
        var list = new BlockList(bytes, (int)indexBytes, footer);
        try
        {
            ReadAt(file, path, bytes.AsSpan(0, (int)indexBytes), footer.IndexOffset);
            if (footer.ChecksumOver(list.Entries) != footer.Checksum)
                throw new BucketFileException(path, footer.IndexOffset, "the index is damaged: its checksum differs");
            list.Check(path, footer.IndexOffset);
            return list;
        }
        catch (Exception)
        {
            list.Dispose();
            throw;
        }
    }

    /// <summary>Fills a span from a place of the file.</summary>
    /// <exception cref="BucketFileException">The file ends before.</exception>
    public static void ReadAt(SafeFileHandle file, string path, Span<byte> bytes, long offset)
    {
        for (var done = 0; done < bytes.Length;)
        {
            var step = RandomAccess.Read(file, bytes[done..], offset + done);
            if (step == 0) throw new BucketFileException(path, offset + done, "the file ends here, and it should go on");
            done += step;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => ArrayPool<byte>.Shared.Return(_bytes);

    private void Check(string path, long end)
    {
        foreach (ref readonly var block in Entries)
        {
            if (block.Bucket < 0 || block.Bucket >= Buckets || block.Rows < 1 || block.Raw < 0 || block.Stored < 0
                || block.Offset < BucketFormat.HeaderBytes || block.Offset > end - block.Stored)
            {
                throw new BucketFileException(path, end, "the index is damaged: it lists a block that can't be");
            }
        }
    }
}
