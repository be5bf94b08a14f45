using System.Buffers;
using System.Runtime.InteropServices;

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

    /// <summary>The file as people name it.</summary>
    public string Shown { get; private init; } = "";

    /// <summary>How many buckets there are.</summary>
    public int Buckets => _rows.Length;

    /// <summary>The rows of all buckets.</summary>
    public long Rows { get; private set; }

    /// <summary>Reads the index of a file on this machine. The blocks are not looked at.</summary>
    /// <exception cref="BucketFileException">The file is damaged, cut, or no bucket file.</exception>
    /// <exception cref="IOException">The file can't be read.</exception>
    public static BucketIndex Read(string path) => ReadAll([path]).Single();

    /// <summary>Reads the indexes of files, in their order. The blocks are not looked at.</summary>
    /// <param name="names">The files.</param>
    /// <param name="files">Where they lie; null: on this machine.</param>
    /// <exception cref="BucketFileException">A file is damaged, cut, or no bucket file.</exception>
    /// <exception cref="IOException">A file can't be read.</exception>
    public static IEnumerable<BucketIndex> ReadAll(IReadOnlyList<string> names, IBlockFiles? files = null) =>
        BlockLists.Alone(files ?? LocalBlockFiles.Instance, names).Select(Of);

    private static BucketIndex Of(BlockList blocks)
    {
        var index = new BucketIndex(blocks.Buckets) { Shown = blocks.Shown };
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

    private BlockList(string shown, byte[] bytes, int length, BucketFooter footer)
    {
        Shown = shown;
        _bytes = bytes;
        _length = length;
        Buckets = (int)footer.Buckets;
        Layout = footer.Layout;
    }

    /// <summary>The file as people name it.</summary>
    public string Shown { get; }

    public int Buckets { get; }

    public ulong Layout { get; }

    public ReadOnlySpan<BlockEntry> Entries => MemoryMarshal.Cast<byte, BlockEntry>(_bytes.AsSpan(0, _length));

    /// <summary>Reads and checks a file's header, index and footer; what is allocated is no more than the file has.</summary>
    /// <exception cref="BucketFileException">The file is damaged, cut, or no bucket file.</exception>
    public static BlockList Read(IBlockFile file)
    {
        var (path, length) = (file.Shown, file.Length);
        if (length < BucketFormat.HeaderBytes + BucketFooter.Bytes) throw new BucketFileException(path, 0, "it is too short to be a bucket file");
        Span<ulong> header = stackalloc ulong[2];
        file.Read(MemoryMarshal.AsBytes(header), 0);
        if (header[0] != BucketFormat.HeaderMagic) throw new BucketFileException(path, 0, "it is no bucket file");
        if (header[1] != BucketFormat.Version)
            throw new BucketFileException(path, sizeof(ulong), $"the file has version {header[1]}, expected {BucketFormat.Version}");
        BucketFooter footer = default;
        file.Read(MemoryMarshal.AsBytes(new Span<BucketFooter>(ref footer)), length - BucketFooter.Bytes);
        var indexBytes = footer.IndexBytesIn(length, path);
        var bytes = ArrayPool<byte>.Shared.Rent(indexBytes);
        var list = new BlockList(path, bytes, indexBytes, footer);
        try
        {
            file.Read(bytes.AsSpan(0, indexBytes), footer.IndexOffset);
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
