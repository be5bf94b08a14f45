using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Millrace.DuckDb;

/// <summary>A bucket file that is being written: it is deleted when it is disposed before it is complete.</summary>
internal sealed class BucketFile : IDisposable
{
    private const int BufferBytes = 256 * 1024;

    private readonly string _path;
    private readonly SafeFileHandle _file;
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferBytes);
    private readonly List<BlockEntry> _blocks = [];
    private readonly int _buckets;
    private readonly ulong _layout;
    private readonly bool _durable;
    private int _buffered;
    private long _written;
    private bool _complete;

    /// <summary>Creates the file.</summary>
    /// <param name="path">The file, which must not exist.</param>
    /// <param name="buckets">How many buckets it has.</param>
    /// <param name="layout">What lies in its blocks.</param>
    /// <param name="durable">Whether its bytes are on disk when it is complete.</param>
    /// <exception cref="IOException">It is there already, or can't be created.</exception>
    public BucketFile(string path, int buckets, ulong layout, bool durable)
    {
        _path = path;
        _durable = durable;
        _buckets = buckets;
        _layout = layout;
        _file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read);
        Put(BucketFormat.HeaderMagic);
        Put(BucketFormat.Version);
    }

    /// <summary>Bytes of the file so far.</summary>
    public long Bytes => _written + _buffered;

    /// <summary>Adds a block.</summary>
    /// <param name="bucket">Its rows' bucket.</param>
    /// <param name="key">The hash of their key, where they have one key.</param>
    /// <param name="rows">How many rows.</param>
    /// <param name="rawBytes">Their bytes before they were packed.</param>
    /// <param name="block">Their bytes.</param>
    public void Add(int bucket, ulong key, int rows, int rawBytes, ReadOnlySpan<byte> block)
    {
        _blocks.Add(new BlockEntry
        {
            Offset = Bytes,
            Checksum = BucketFormat.Checksum(block, (ulong)Bytes),
            Stored = block.Length,
            Key = key,
            Raw = rawBytes,
            Rows = rows,
            Bucket = bucket,
        });
        Put(block);
    }

    /// <summary>Writes the index and, where it is to be, makes the file durable; its name in the folder is its owner's matter.</summary>
    public void Complete()
    {
        _blocks.Sort(static (a, b) => a.Bucket != b.Bucket ? a.Bucket.CompareTo(b.Bucket) : a.Offset.CompareTo(b.Offset));
        var index = CollectionsMarshal.AsSpan(_blocks);
        var footer = new BucketFooter
        {
            IndexOffset = Bytes,
            Blocks = index.Length,
            Buckets = _buckets,
            Layout = _layout,
            Magic = BucketFooter.FooterMagic,
        };
        footer.Checksum = footer.ChecksumOver(index);
        Put(MemoryMarshal.AsBytes(index));
        Put(footer);
        Flush();
        if (_durable) RandomAccess.FlushToDisk(_file);
        _complete = true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file.Dispose();
        if (!_complete) File.Delete(_path);
    }

    private void Put<T>(T value)
        where T : unmanaged => Put(MemoryMarshal.AsBytes(new ReadOnlySpan<T>(in value)));

    private void Put(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > _buffer.Length - _buffered) Flush();
        if (bytes.Length > _buffer.Length)
        {
            Write(bytes);
            return;
        }

        bytes.CopyTo(_buffer.AsSpan(_buffered));
        _buffered += bytes.Length;
    }

    private void Flush()
    {
        var bytes = _buffer.AsSpan(0, _buffered);
        _buffered = 0;
        Write(bytes);
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        RandomAccess.Write(_file, bytes, _written);
        _written += bytes.Length;
    }
}
