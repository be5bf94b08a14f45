using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Runs;

namespace Millrace.Transform;

/// <summary>
/// Where a run's bucket files lie: in its folder, or on an object store, with their indexes in its folder. Results name them relative to the run
/// directory; on the store they have the same names below the run's. Thread safe.
/// </summary>
/// <param name="run">The run.</param>
/// <param name="store">The store; null: the run's folder.</param>
/// <param name="aheadBytes">Bytes that one reader of the store may hold.</param>
internal sealed class BucketPlace(RunDirectory run, IShuffleStore? store, long aheadBytes = Limits.ShuffleAheadBytesMin)
{
    /// <summary>What the file with the index of a stored one has behind its name.</summary>
    private const string FrameEnding = ".index";

    /// <summary>Whether files lie on a store.</summary>
    public bool IsStore => store is not null;

    /// <summary>Where files are read; null: on this machine.</summary>
    public IBlockFiles? Files { get; } = store is null ? null : new StoredBuckets(run, store, aheadBytes);

    /// <summary>Files as <see cref="Files"/> names them.</summary>
    public string[] NamesOf(ImmutableArray<string> files) => [.. files.Select(file => store is null ? Path.Combine(run.Path, file) : file)];

    /// <summary>A path's name in results: relative to the run directory, with <c>/</c>.</summary>
    public string NameOf(string path) => Path.GetRelativePath(run.Path, path).Replace(Path.DirectorySeparatorChar, '/');

    /// <summary>Where a stage writes its files first.</summary>
    public string FolderOf(string stream, int stage) => run.Stream(stream, stage).BucketsPath;

    /// <summary>Makes a complete file what readers will find: durable in the run's folder, or on the store, and gone from here but for its index.</summary>
    /// <exception cref="Fault">The store does not take it.</exception>
    /// <exception cref="IOException">The disk does not.</exception>
    public async Task KeepAsync(string path, CancellationToken cancel)
    {
        if (store is not null)
        {
            using (var sorted = new SortedBuckets(path))
            {
                await store.WriteAsync(OnStore(NameOf(path)), sorted.Length, bytes => sorted.Read(bytes.Span), cancel).ConfigureAwait(false);
                sorted.SaveFrame(path + FrameEnding);
            }

            File.Delete(path);
        }

        DurableFiles.SyncFolder(Path.GetDirectoryName(path)!);
    }

    /// <summary>Removes what an attempt has left that did not end well. What a store keeps of it goes with its stage.</summary>
    public void Drop(string path)
    {
        File.Delete(path);
        if (store is not null) File.Delete(path + FrameEnding);
    }

    /// <summary>Removes a stream's files, or a stage's, from the store; those in the run's folder are its owner's matter.</summary>
    /// <param name="folder">The stream's folder, or the stage's.</param>
    /// <param name="before">Throws when it must not go on.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="Fault">The store refuses it.</exception>
    public Task RemoveAsync(StreamFolder folder, Action before, CancellationToken cancel) =>
        store is null ? Task.CompletedTask : store.RemoveAsync(OnStore(NameOf(folder.Path)) + "/", before, cancel);

    /// <summary>Removes all that the run has on the store.</summary>
    /// <param name="before">Throws when it must not go on.</param>
    /// <param name="cancel">Stops it.</param>
    /// <exception cref="Fault">The store refuses it.</exception>
    public Task RemoveAllAsync(Action before, CancellationToken cancel) => store is null ? Task.CompletedTask : store.RemoveAsync(run.Run + "/", before, cancel);

    private string OnStore(string name) => $"{run.Run}/{name}";

    private sealed class StoredBuckets(RunDirectory run, IShuffleStore store, long aheadBytes) : IRemoteBlockFiles
    {
        public ReadAhead Ahead { get; } = new(aheadBytes, Limits.ShuffleRequestBytesMax, Limits.ShuffleFilesAheadMax);

        public string Shown(string name) => $"{store.Place}/{run.Run}/{name}";

        public Task ReadAsync(string name, long offset, Memory<byte> bytes, CancellationToken cancel) => store.ReadAsync($"{run.Run}/{name}", offset, bytes, cancel);

        /// <summary>Opens the index that lies in the run's folder; one that does not is asked for, and kept.</summary>
        public async ValueTask<IBlockFile> OpenAsync(string name, CancellationToken cancel)
        {
            var path = Path.Combine(run.Path, name + FrameEnding);
            if (BlockFrame.TryOpen(path, Shown(name)) is { } known) return known;
            await FetchAsync(name, path, cancel).ConfigureAwait(false);
            return BlockFrame.TryOpen(path, Shown(name)) ?? throw new BucketFileException(Shown(name), 0, $"its index, {path}, has just been removed");
        }

        private async Task FetchAsync(string name, string path, CancellationToken cancel)
        {
            var end = new byte[Limits.ShuffleFileEndBytes];
            var length = await store.ReadEndAsync($"{run.Run}/{name}", end, cancel).ConfigureAwait(false);
            if (length < BlockFrame.HeaderBytes + BlockFrame.FooterBytes) throw new BucketFileException(Shown(name), 0, "it is too short to be a bucket file");
            var known = (int)Math.Min(length, end.Length);
            var index = BlockFrame.IndexOffsetOf(end.AsSpan(known - BlockFrame.FooterBytes, BlockFrame.FooterBytes), length, Shown(name));
            var (header, all) = (new byte[BlockFrame.HeaderBytes], new byte[length - index]);
            await ReadAsync(name, 0, header, cancel).ConfigureAwait(false);
            var missing = Math.Max(0, all.Length - known);
            if (missing > 0) await ReadAsync(name, index, all.AsMemory(0, missing), cancel).ConfigureAwait(false);
            end.AsSpan(known - (all.Length - missing), all.Length - missing).CopyTo(all.AsSpan(missing));
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            BlockFrame.Save(path, header, all);
        }
    }
}
