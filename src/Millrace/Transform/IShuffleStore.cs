using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Transform;

/// <summary>Knows one kind of object store that rows between stages can lie on.</summary>
public interface IShuffleConnector
{
    /// <summary>The store's name, for people.</summary>
    string Name { get; }

    /// <summary>Whether an address is one of this kind.</summary>
    bool Claims(string address);

    /// <summary>Opens a store. Does no I/O yet.</summary>
    /// <exception cref="Fault">The address is wrong.</exception>
    IShuffleStore Open(ShuffleContext context);
}

/// <summary>What a store is opened with.</summary>
/// <param name="Address">Its address; it holds no secret.</param>
/// <param name="Mark">Where the address stands.</param>
public sealed record ShuffleContext(string Address, Mark Mark);

/// <summary>
/// An object store with files that are written once, read in pieces and removed. Names are those below its prefix, with <c>/</c>. What can pass is tried
/// again a few times; then, and for all else, a <see cref="Fault"/> names bucket and object. Thread safe.
/// </summary>
public interface IShuffleStore : IAsyncDisposable
{
    /// <summary>Bucket and prefix, as people and errors name them: no secret, no slash at the end.</summary>
    string Place { get; }

    /// <summary>Fills memory from a place of a file.</summary>
    /// <exception cref="Fault">The file is gone, shorter, or can't be read.</exception>
    Task ReadAsync(string name, long offset, Memory<byte> bytes, CancellationToken cancel);

    /// <summary>Reads the end of a file: as much as there is room for, from the start of the memory on.</summary>
    /// <returns>The file's length.</returns>
    /// <exception cref="Fault">The file is gone, or can't be read.</exception>
    Task<long> ReadEndAsync(string name, Memory<byte> bytes, CancellationToken cancel);

    /// <summary>Writes a file, which is there as a whole when this returns, and not at all when it fails.</summary>
    /// <param name="name">Its name, which no other file has had.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="next">Gives the next bytes: as many as are asked for, fewer only at the end.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="Fault">It can't be written.</exception>
    Task WriteAsync(string name, long length, Func<Memory<byte>, int> next, CancellationToken cancel);

    /// <summary>Removes all files whose names begin so, and what was begun and never completed. None is there, or the bucket is gone: nothing happens.</summary>
    /// <param name="prefix">How the names begin.</param>
    /// <param name="before">Called before each of several steps: throws when it must not go on.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="Fault">They can't be listed or removed.</exception>
    Task RemoveAsync(string prefix, Action before, CancellationToken cancel);
}

/// <summary>Tries a store before a run relies on it.</summary>
internal static class ShuffleProbe
{
    /// <summary>Writes a small file, reads it, lists it and removes it.</summary>
    /// <returns>What was found, for people.</returns>
    /// <exception cref="Fault">Something of it can't be done.</exception>
    public static async Task<string> RunAsync(IShuffleStore store, CancellationToken cancel)
    {
        var name = $"millrace-probe-{Guid.NewGuid():N}";
        var (written, read) = (Guid.NewGuid().ToByteArray(), Guid.Empty.ToByteArray());
        await store.WriteAsync(
            name,
            written.Length,
            bytes =>
            {
                written.CopyTo(bytes);
                return written.Length;
            },
            cancel).ConfigureAwait(false);
        await store.ReadAsync(name, 0, read, cancel).ConfigureAwait(false);
        await store.RemoveAsync(name, static () => { }, cancel).ConfigureAwait(false);
        if (written.AsSpan().SequenceEqual(read)) return "files can be written, read and removed";
        throw new Fault(FaultKind.Refused, $"{store.Place} gives other bytes than were written there")
        {
            Where = "shuffle", Advice = "Something between this machine and the store changes what passes: ask who runs it.",
        };
    }
}
