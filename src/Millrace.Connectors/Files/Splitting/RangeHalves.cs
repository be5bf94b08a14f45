using Microsoft.Win32.SafeHandles;

namespace Millrace.Connectors.Files.Splitting;

/// <summary>
/// Cuts a range of a text file, which begins and ends at records, in two at the record start that is nearest to its middle. The range is
/// read a few times, never held: memory is a buffer for each thread and a summary for each block.
/// </summary>
internal sealed class RangeHalves(SafeFileHandle file, string path, Func<IBlockScanner> create, int threads)
{
    private const int BlocksMax = 1024;

    /// <summary>The two parts, each with at least one row.</summary>
    /// <param name="range">The range; its rows are known.</param>
    /// <param name="cancel">Stops the reading.</param>
    /// <returns>Null: there is one row, or it can't be told where records begin.</returns>
    public async Task<(ByteRange Lower, ByteRange Upper)?> CutAsync(ByteRange range, CancellationToken cancel)
    {
        var (low, high) = (range.Start, range.End);
        while (range.Rows > 1)
        {
            var middle = low + ((high - low) / 2);
            var (before, after) = await NearestAsync(low, high, middle, cancel);
            var isAfter = before == low || (after < high && after - middle < middle - before);
            var cut = isAfter ? after : before;
            if (cut >= high || await RowsAsync(range.Start, cut, cancel) is not { } rows) return null;
            // Blank lines and comments are no rows: the cut goes to where the rows are.
            if (rows == 0) low = cut;
            else if (rows == range.Rows) high = cut;
            else return (new ByteRange(range.Start, cut, range.FirstRow, rows), new ByteRange(cut, range.End, range.FirstRow + rows, range.Rows - rows));
        }

        return null;
    }

    /// <summary>The last record start up to a byte, or the range's start, and the first one behind it, or the range's end.</summary>
    private async Task<(long Before, long After)> NearestAsync(long start, long end, long middle, CancellationToken cancel)
    {
        var (before, after) = (start, end);
        var (from, to) = (start, end);
        while (true)
        {
            var blockBytes = Math.Max(1, (to - from + BlocksMax - 1) / BlocksMax);
            var blocks = await new BlockPass(file, path, from, to, blockBytes).RunAsync(create, threads, cancel);
            var hiddenUpTo = from;
            var inside = false;
            for (var i = 0; i < blocks.Length; i++)
            {
                var view = inside ? blocks[i].Inside : blocks[i].Outside;
                if (view.FirstNewline >= 0 && view.FirstNewline + 1 > middle) after = Math.Min(after, view.FirstNewline + 1);
                if (view.Problem != SplitProblem.None || view.FirstNewline + 1 > middle) break;
                if (view.FirstNewline + 1 > before) (before, hiddenUpTo) = (view.FirstNewline + 1, Math.Min(to, from + ((i + 1) * blockBytes)));
                inside ^= blocks[i].Toggles;
            }

            // A block tells of its first record start: others may stand behind it.
            if (blockBytes == 1 || hiddenUpTo <= before) return (before, after);
            (from, to) = (before, hiddenUpTo);
        }
    }

    /// <summary>The rows from one record start up to another; null when a record's end can't be told.</summary>
    private async Task<long?> RowsAsync(long start, long end, CancellationToken cancel)
    {
        // One block: it begins at a record, so that nothing has to be guessed.
        var blocks = await new BlockPass(file, path, start, end, end - start).RunAsync(create, threads, cancel);
        var fold = new BlockFold(blocks, start, end, end - start, targetBytes: long.MaxValue);
        return fold.Run(endsInNewline: true) is null ? fold.Rows : null;
    }
}
