using System.Collections.Concurrent;

namespace Millrace.DuckDb.Tests.Buckets;

/// <summary>Bucket files that are sorted and read as those of a store are: their frames on this machine, their blocks in pieces that come when they come.</summary>
internal sealed class StoredFiles(ReadAhead ahead) : IRemoteBlockFiles
{
    public ReadAhead Ahead => ahead;

    /// <summary>What was asked for.</summary>
    public ConcurrentQueue<(string Name, long Offset, int Length)> Requests { get; } = [];

    /// <summary>What becomes of a request beside its bytes: an error, or a wait.</summary>
    public Func<string, CancellationToken, Task> Meets { get; init; } = static (_, _) => Task.CompletedTask;

    /// <summary>Puts the blocks of a file in the order of the buckets, in pieces of so many bytes; gives the new file.</summary>
    public static string Sort(string path, int pieceBytes)
    {
        using var sorted = new SortedBuckets(path);
        using (var to = File.Create(path + ".sorted"))
        {
            var piece = new byte[pieceBytes];
            while (sorted.Read(piece) is > 0 and var read) to.Write(piece, 0, read);
            Assert.Equal(sorted.Length, to.Length);
        }

        sorted.SaveFrame(path + ".sorted.index");
        return path + ".sorted";
    }

    public string Shown(string name) => $"store:{Path.GetFileName(name)}";

    public ValueTask<IBlockFile> OpenAsync(string name, CancellationToken cancel) => ValueTask.FromResult<IBlockFile>(BlockFrame.TryOpen(name + ".index", Shown(name))!);

    public async Task ReadAsync(string name, long offset, Memory<byte> bytes, CancellationToken cancel)
    {
        Requests.Enqueue((name, offset, bytes.Length));
        await Meets(name, cancel);
        await Task.Yield();
        cancel.ThrowIfCancellationRequested();
        using var file = new LocalBlockFile(name);
        file.Read(bytes.Span, offset);
    }
}
