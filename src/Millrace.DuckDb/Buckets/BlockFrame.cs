using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Millrace.DuckDb;

/// <summary>
/// What stands around the blocks of a bucket file that lies elsewhere: its header, index and footer, in a file of their own, so that the index need not
/// be asked for by each who reads some buckets of it. Places are those of the bucket file.
/// </summary>
public sealed class BlockFrame : IBlockFile
{
    private readonly SafeFileHandle _file;
    private readonly long _indexOffset;

    private BlockFrame(SafeFileHandle file, string shown)
    {
        _file = file;
        Shown = shown;
        var length = RandomAccess.GetLength(file);
        if (length < HeaderBytes + FooterBytes) throw new BucketFileException(shown, 0, "its index on this machine is cut");
        BucketFooter footer = default;
        ReadFrame(MemoryMarshal.AsBytes(new Span<BucketFooter>(ref footer)), length - FooterBytes);
        _indexOffset = footer.IndexOffset;
        Length = _indexOffset + length - HeaderBytes;
    }

    /// <summary>Bytes at the start of a bucket file that belong to its frame.</summary>
    public const int HeaderBytes = BucketFormat.HeaderBytes;

    /// <summary>Bytes at the end of a bucket file that say where its index is.</summary>
    public const int FooterBytes = BucketFooter.Bytes;

    /// <inheritdoc/>
    public string Shown { get; }

    /// <inheritdoc/>
    public long Length { get; }

    /// <summary>Opens a frame; null when there is none.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="shown">The bucket file as people name it.</param>
    /// <exception cref="IOException">It can't be read.</exception>
    public static BlockFrame? TryOpen(string path, string shown)
    {
        if (!File.Exists(path)) return null;
        var file = File.OpenHandle(path);
        try
        {
            return new BlockFrame(file, shown);
        }
        catch (Exception)
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Where the index of a bucket file begins.</summary>
    /// <param name="footer">The file's last <see cref="FooterBytes"/>.</param>
    /// <param name="length">The file's length.</param>
    /// <param name="shown">The file as people name it.</param>
    /// <exception cref="BucketFileException">These are no such bytes.</exception>
    public static long IndexOffsetOf(ReadOnlySpan<byte> footer, long length, string shown)
    {
        var read = MemoryMarshal.Read<BucketFooter>(footer);
        return length - FooterBytes - read.IndexBytesIn(length, shown);
    }

    /// <summary>Saves a frame: it is there whole, or not at all.</summary>
    /// <param name="path">Its file.</param>
    /// <param name="header">The bucket file's first <see cref="HeaderBytes"/>.</param>
    /// <param name="end">Its index and footer.</param>
    /// <exception cref="IOException">It can't be written.</exception>
    public static void Save(string path, ReadOnlySpan<byte> header, ReadOnlySpan<byte> end)
    {
        var temporary = Path.Combine(Path.GetDirectoryName(path)!, $".{Path.GetRandomFileName()}.tmp");
        try
        {
            using (var file = File.OpenHandle(temporary, FileMode.CreateNew, FileAccess.Write))
            {
                RandomAccess.Write(file, header, 0);
                RandomAccess.Write(file, end, header.Length);
                RandomAccess.FlushToDisk(file);
            }

            File.Move(temporary, path, overwrite: true);
        }
        catch (Exception)
        {
            File.Delete(temporary);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Read(Span<byte> bytes, long offset)
    {
        if (offset >= HeaderBytes && offset < _indexOffset) throw new BucketFileException(Shown, offset, "the file is damaged: a block is where its index should be");
        ReadFrame(bytes, offset < HeaderBytes ? offset : offset - _indexOffset + HeaderBytes);
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private void ReadFrame(Span<byte> bytes, long offset)
    {
        for (var done = 0; done < bytes.Length;)
        {
            var step = RandomAccess.Read(_file, bytes[done..], offset + done);
            if (step == 0) throw new BucketFileException(Shown, offset + done, "its index on this machine is cut");
            done += step;
        }
    }
}
