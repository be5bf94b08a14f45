using System.Numerics;
using System.Runtime.Intrinsics;

namespace Millrace.Connectors.Files.Splitting;

/// <summary>
/// Finds line ends of newline-delimited JSON. A raw newline can't stand inside a JSON string, so that every one ends a line; a line of
/// white space only is no row, as DuckDB's reader has it.
/// </summary>
internal sealed class NdjsonBlockScanner : IBlockScanner
{
    private readonly Vector256<byte> newline = Vector256.Create((byte)'\n');
    private readonly Vector256<byte> space = Vector256.Create((byte)' ');
    private readonly Vector256<byte> beforeTab = Vector256.Create((byte)('\t' - 1));
    private readonly Vector256<byte> carriageReturn = Vector256.Create((byte)'\r');

    private BlockView view;
    private long position;
    private bool headIsSpace;
    private bool lineIsSpace;
    private ulong contentBefore;
    private ulong newlineBefore;

    /// <inheritdoc/>
    public void Begin(ReadOnlySpan<byte> leadIn, long position)
    {
        this.position = position;
        view = BlockView.Empty;
        headIsSpace = true;
        lineIsSpace = true;
        contentBefore = 0;
        newlineBefore = 0;
    }

    /// <inheritdoc/>
    public void Scan(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= ByteMask.Bytes)
        {
            Take(bytes, ulong.MaxValue);
            bytes = bytes[ByteMask.Bytes..];
        }
        if (bytes.IsEmpty) return;
        Span<byte> word = stackalloc byte[ByteMask.Bytes];
        word.Clear();
        bytes.CopyTo(word);
        Take(word, ByteMask.First(bytes.Length));
    }

    /// <inheritdoc/>
    public BlockSummary End(bool endOfFile) =>
        new() { Outside = view, Inside = view, HeadIsSpace = headIsSpace, TailIsSpace = lineIsSpace };

    private void Take(ReadOnlySpan<byte> bytes, ulong valid)
    {
        var word = new ByteMask(bytes);
        var newlines = word.Equal(newline) & valid;
        var content = valid & ~word.Equal(space) & (~word.Above(beforeTab) | word.Above(carriageReturn));
        var blank = 0UL;
        if (newlines != 0)
        {
            // Nearly every line ends in a byte of content, or in one and a carriage return.
            var oneAfter = ByteMask.After(content, contentBefore, 1);
            var twoAfter = ByteMask.After(content, contentBefore, 2) & ~ByteMask.After(newlines, newlineBefore, 1);
            var unsure = newlines & ~(oneAfter | twoAfter);
            if (view.FirstNewline < 0) unsure |= newlines & (0 - newlines);
            while (unsure != 0)
            {
                var bit = BitOperations.TrailingZeroCount(unsure);
                if (IsBlank(newlines, content, bit)) blank |= 1UL << bit;
                unsure &= unsure - 1;
            }
        }
        view.Take(newlines, blank, position);
        var lastNewline = BitOperations.LeadingZeroCount(newlines);
        if (newlines != 0) lineIsSpace = lastNewline == 0 || (content >> (64 - lastNewline)) == 0;
        else lineIsSpace &= content == 0;
        if (view.FirstNewline < 0) headIsSpace = lineIsSpace;
        contentBefore = content;
        newlineBefore = newlines;
        position += ByteMask.Bytes;
    }

    /// <summary>Whether the line that ends at a bit holds nothing. The block's first line may begin before it: that is left to the fold.</summary>
    private bool IsBlank(ulong newlines, ulong content, int bit)
    {
        var before = ByteMask.First(bit);
        var earlier = newlines & before;
        if (earlier != 0)
        {
            var start = 64 - BitOperations.LeadingZeroCount(earlier);
            return (content & before & ~ByteMask.First(start)) == 0;
        }
        var empty = lineIsSpace && (content & before) == 0;
        if (view.FirstNewline >= 0) return empty;
        headIsSpace = empty;
        return false;
    }
}
