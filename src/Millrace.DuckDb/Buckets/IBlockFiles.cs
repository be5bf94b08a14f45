using Microsoft.Win32.SafeHandles;

namespace Millrace.DuckDb;

/// <summary>Where bucket files are read. Thread safe.</summary>
public interface IBlockFiles
{
    /// <summary>A file as people name it.</summary>
    string Shown(string name);

    /// <summary>Opens a file.</summary>
    /// <exception cref="IOException">It can't be read.</exception>
    ValueTask<IBlockFile> OpenAsync(string name, CancellationToken cancel);
}

/// <summary>Bucket files of a store that answers late: what a reader will want is asked for before it does, much of it in one request.</summary>
public interface IRemoteBlockFiles : IBlockFiles
{
    /// <summary>How far ahead each reader goes.</summary>
    ReadAhead Ahead { get; }

    /// <summary>Reads a piece of a file.</summary>
    Task ReadAsync(string name, long offset, Memory<byte> bytes, CancellationToken cancel);
}

/// <summary>A bucket file that is open. By one thread at a time.</summary>
public interface IBlockFile : IDisposable
{
    /// <summary>The file as people name it.</summary>
    string Shown { get; }

    /// <summary>Its bytes.</summary>
    long Length { get; }

    /// <summary>Fills a span from a place of the file.</summary>
    /// <exception cref="BucketFileException">The file ends before.</exception>
    void Read(Span<byte> bytes, long offset);
}

/// <summary>How far a reader goes ahead.</summary>
/// <param name="BytesMax">Bytes that it holds or has asked for, at most; a piece that is larger is read when it is wanted.</param>
/// <param name="RequestBytesMax">Bytes of blocks that lie side by side and are asked for at once.</param>
/// <param name="FilesMax">Files whose indexes are read before the first of them is wanted.</param>
public sealed record ReadAhead(long BytesMax, int RequestBytesMax, int FilesMax);

/// <summary>Bucket files on a disk, by their paths.</summary>
internal sealed class LocalBlockFiles : IBlockFiles
{
    public static LocalBlockFiles Instance { get; } = new();

    public string Shown(string name) => name;

    public ValueTask<IBlockFile> OpenAsync(string name, CancellationToken cancel) => ValueTask.FromResult<IBlockFile>(new LocalBlockFile(name));
}

/// <summary>A bucket file on a disk.</summary>
internal sealed class LocalBlockFile(string path) : IBlockFile
{
    private readonly SafeFileHandle _file = File.OpenHandle(path);

    public string Shown => path;

    public long Length => RandomAccess.GetLength(_file);

    public void Read(Span<byte> bytes, long offset)
    {
        for (var done = 0; done < bytes.Length;)
        {
            var step = RandomAccess.Read(_file, bytes[done..], offset + done);
            if (step == 0) throw new BucketFileException(path, offset + done, "the file ends here, and it should go on");
            done += step;
        }
    }

    public void Dispose() => _file.Dispose();
}
