using Microsoft.Win32.SafeHandles;

namespace Millrace.Connectors.Files.Splitting;

/// <summary>The steps that all text formats share: pass over the blocks, fold, check that the file is still the same.</summary>
internal sealed class SplitPlanner(SafeFileHandle file, string path, FileStamp stamp, long start)
{
    /// <summary>A plan that reads everything from <paramref name="start"/> as one unit, its rows not counted.</summary>
    public static SplitPlan OneUnit(FileStamp stamp, long start, string reason) => new()
    {
        Ranges = start < stamp.SizeBytes ? [new ByteRange(start, stamp.SizeBytes, 0, -1)] : [],
        OneUnitReason = reason,
        Rows = -1,
        DataStart = start,
        Stamp = stamp,
    };

    /// <summary>Makes the plan.</summary>
    public async ValueTask<SplitPlan> RunAsync(
        Func<IBlockScanner> create, long targetBytes, int threads, long blockBytes, CancellationToken cancel)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(targetBytes, 1);
        var end = stamp.SizeBytes;
        if (start >= end) return new SplitPlan { Ranges = [], Rows = 0, DataStart = end, Stamp = stamp };

        if (blockBytes == 0) blockBytes = BlockSizes.For(end - start, targetBytes);
        var blocks = await new BlockPass(file, path, start, end, blockBytes).RunAsync(create, threads, cancel);
        var fold = new BlockFold(blocks, start, end, blockBytes, targetBytes);
        var reason = fold.Run(EndsInNewline());
        stamp.Check(file, path);
        if (reason is not null) return OneUnit(stamp, start, reason);
        return new SplitPlan { Ranges = fold.Ranges, Rows = fold.Rows, DataStart = start, Stamp = stamp };
    }

    private bool EndsInNewline()
    {
        Span<byte> last = stackalloc byte[1];
        return RandomAccess.Read(file, last, stamp.SizeBytes - 1) == 1 && last[0] == (byte)'\n';
    }
}
