namespace Millrace.Connectors.Files.Splitting;

/// <summary>Cuts newline-delimited JSON at line starts.</summary>
public static class NdjsonSplitter
{
    /// <summary>Reads the file once and cuts it.</summary>
    /// <param name="path">An uncompressed file.</param>
    /// <param name="encoding">Its encoding's name; UTF-8 is the only one that is cut.</param>
    /// <param name="targetBytes">The size that ranges aim at, at least 1; the last may be a quarter larger.</param>
    /// <param name="threads">Threads that read, each with a buffer of 256 KB.</param>
    /// <param name="cancel">Stops the reading.</param>
    /// <exception cref="Faults.Fault">The file can't be opened, or changed while it was read.</exception>
    public static ValueTask<SplitPlan> SplitAsync(string path, string encoding, long targetBytes, int threads, CancellationToken cancel) =>
        SplitAsync(path, encoding, targetBytes, threads, blockBytes: 0, cancel);

    /// <summary>The same with a block size, for tests that want to cross every boundary; 0 chooses one.</summary>
    internal static async ValueTask<SplitPlan> SplitAsync(
        string path, string encoding, long targetBytes, int threads, long blockBytes, CancellationToken cancel)
    {
        using var file = FileStamp.Open(path);
        var stamp = FileStamp.Of(file);
        var start = Preamble.ByteOrderMark(file, out var foreign);
        var reason = foreign ?? (encoding.ToLowerInvariant() is "utf-8" or "utf8" ? null : $"the encoding is {encoding}");
        if (reason is not null) return SplitPlanner.OneUnit(stamp, start, reason);
        var planner = new SplitPlanner(file, path, stamp, start);
        return await planner.RunAsync(static () => new NdjsonBlockScanner(), targetBytes, threads, blockBytes, cancel);
    }
}
