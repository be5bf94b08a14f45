namespace Millrace.Connectors.Files.Splitting;

/// <summary>
/// Cuts a CSV file at record starts, also where fields hold newlines, in one parallel pass that keeps no more than a summary of each
/// block. A file in which readers could disagree on where records end is one unit, with the reason.
/// </summary>
public static class CsvSplitter
{
    /// <summary>Reads the file once and cuts it.</summary>
    /// <param name="path">An uncompressed file.</param>
    /// <param name="dialect">How it is written.</param>
    /// <param name="targetBytes">The size that ranges aim at, at least 1; the last may be a quarter larger, and one record is never cut.</param>
    /// <param name="threads">Threads that read, each with a buffer of 256 KB.</param>
    /// <param name="cancel">Stops the reading.</param>
    /// <exception cref="Faults.Fault">The file can't be opened, or changed while it was read.</exception>
    public static ValueTask<SplitPlan> SplitAsync(string path, CsvSplitDialect dialect, long targetBytes, int threads, CancellationToken cancel) =>
        SplitAsync(path, dialect, targetBytes, threads, blockBytes: 0, cancel);

    /// <summary>The same with a block size, for tests that want to cross every boundary; 0 chooses one.</summary>
    internal static async ValueTask<SplitPlan> SplitAsync(
        string path, CsvSplitDialect dialect, long targetBytes, int threads, long blockBytes, CancellationToken cancel)
    {
        using var file = FileStamp.Open(path);
        var stamp = FileStamp.Of(file);
        var mark = Preamble.ByteOrderMark(file, out var foreign);
        var reason = foreign ?? dialect.UnsafeReason();
        if (reason is not null) return SplitPlanner.OneUnit(stamp, 0, reason);
        var start = Preamble.End(file, mark, dialect, out reason);
        if (reason is not null) return SplitPlanner.OneUnit(stamp, 0, reason);
        var planner = new SplitPlanner(file, path, stamp, start);
        return await planner.RunAsync(() => new CsvBlockScanner(dialect), targetBytes, threads, blockBytes, cancel);
    }
}
