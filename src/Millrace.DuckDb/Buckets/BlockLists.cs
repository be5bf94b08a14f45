namespace Millrace.DuckDb;

/// <summary>A file of several, with its index. The index is whoever's who takes it; so is the file.</summary>
/// <param name="File">Its number.</param>
/// <param name="Open">The file, to read blocks of; null where they are asked for ahead.</param>
/// <param name="List">Its index.</param>
internal sealed record OpenedBlocks(int File, IBlockFile? Open, BlockList List);

/// <summary>Reads the indexes of files in their order; those of a store several at a time.</summary>
internal static class BlockLists
{
    /// <summary>The files with their indexes.</summary>
    /// <exception cref="BucketFileException">A file is damaged, cut, or no bucket file.</exception>
    /// <exception cref="IOException">A file can't be read.</exception>
    public static IEnumerable<OpenedBlocks> Of(IBlockFiles files, IReadOnlyList<string> names, CancellationToken stop) =>
        files is IRemoteBlockFiles remote ? Ahead(remote, names, stop) : OneByOne(files, names, stop);

    /// <summary>The indexes alone, which the enumeration disposes.</summary>
    public static IEnumerable<BlockList> Alone(IBlockFiles files, IReadOnlyList<string> names, CancellationToken stop = default)
    {
        foreach (var opened in Of(files, names, stop))
        {
            opened.Open?.Dispose();
            using var list = opened.List;
            yield return list;
        }
    }

    private static IEnumerable<OpenedBlocks> OneByOne(IBlockFiles files, IReadOnlyList<string> names, CancellationToken stop)
    {
        for (var i = 0; i < names.Count; i++)
        {
            stop.ThrowIfCancellationRequested();
            var file = Waiting.For(files.OpenAsync(names[i], stop));
            BlockList list;
            try
            {
                list = BlockList.Read(file);
            }
            catch (Exception)
            {
                file.Dispose();
                throw;
            }

            yield return new OpenedBlocks(i, file, list);
        }
    }

    private static IEnumerable<OpenedBlocks> Ahead(IRemoteBlockFiles files, IReadOnlyList<string> names, CancellationToken stop)
    {
        var coming = new Queue<Task<BlockList>>();
        try
        {
            for (var (i, asked) = (0, 0); i < names.Count; i++)
            {
                while (asked < names.Count && coming.Count < files.Ahead.FilesMax) coming.Enqueue(ReadAsync(files, names[asked++], stop));
                yield return new OpenedBlocks(i, Open: null, Waiting.For(coming.Dequeue()));
            }
        }
        finally
        {
            // What was not taken goes when it has come.
            foreach (var late in coming)
            {
                _ = late.ContinueWith(
                    static ended =>
                    {
                        if (ended.IsCompletedSuccessfully) ended.Result.Dispose();
                        else _ = ended.Exception;
                    },
                    CancellationToken.None,
                    TaskContinuationOptions.ExecuteSynchronously,
                    TaskScheduler.Default);
            }
        }
    }

    private static Task<BlockList> ReadAsync(IRemoteBlockFiles files, string name, CancellationToken stop) => Task.Run(
        async () =>
        {
            using var file = await files.OpenAsync(name, stop).ConfigureAwait(false);
            return BlockList.Read(file);
        },
        stop);
}
