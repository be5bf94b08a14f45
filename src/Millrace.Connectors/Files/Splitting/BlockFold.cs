namespace Millrace.Connectors.Files.Splitting;

/// <summary>
/// Walks over the blocks' summaries in file order. Each tells, given the state that it starts in, the state that it ends in: so the
/// one that is true is known for all, and with it record starts and row numbers. Cuts fall on the first record start in a block.
/// </summary>
internal sealed class BlockFold
{
    private readonly BlockSummary[] blocks;
    private readonly long start;
    private readonly long end;
    private readonly long blockBytes;
    private readonly long targetBytes;
    private readonly List<ByteRange> ranges = [];

    private long rangeStart;
    private long rangeFirstRow;
    private long rangeBlock;
    private long newlines;
    private long notRows;
    private bool inside;
    private bool lineIsSpace;
    private bool hasLf;
    private bool hasCrLf;
    private bool hasComment;
    private bool hasQuote;

    /// <summary>A fold over the blocks of [start, end).</summary>
    public BlockFold(BlockSummary[] blocks, long start, long end, long blockBytes, long targetBytes)
    {
        this.blocks = blocks;
        this.start = start;
        this.end = end;
        this.blockBytes = blockBytes;
        this.targetBytes = targetBytes;
    }

    /// <summary>The ranges found by <see cref="Run"/>.</summary>
    public IReadOnlyList<ByteRange> Ranges => ranges;

    /// <summary>Data rows in all; known when <see cref="Run"/> found nothing unsafe.</summary>
    public long Rows { get; private set; }

    /// <summary>Cuts the file.</summary>
    /// <param name="endsInNewline">The file's last byte is a newline.</param>
    /// <returns>Why it can't be cut, or null.</returns>
    public string? Run(bool endsInNewline)
    {
        rangeStart = start;
        lineIsSpace = true;
        for (var i = 0L; i < blocks.LongLength; i++)
        {
            ref readonly var block = ref blocks[i];
            ref readonly var view = ref inside ? ref block.Inside : ref block.Outside;
            if (view.Problem != SplitProblem.None) return Explain(view.Problem, view.ProblemAt);
            hasLf |= view.HasLf;
            hasCrLf |= view.HasCrLf;
            hasComment |= view.HasComment;
            hasQuote |= block.HasQuote;
            if (hasLf && hasCrLf) return "some records end in \\n and some in \\r\\n";
            if (hasComment && hasQuote) return "it has comments and quotes, and a quote may stand in a comment";
            Take(in block, in view, i);
            inside ^= block.Toggles;
        }
        if (inside) return "a quoted field is not closed at the end of the file";

        Rows = newlines - notRows + (endsInNewline || lineIsSpace ? 0 : 1);
        ranges.Add(new ByteRange(rangeStart, end, rangeFirstRow, Rows - rangeFirstRow));
        return null;
    }

    private void Take(ref readonly BlockSummary block, ref readonly BlockView view, long index)
    {
        if (view.FirstNewline < 0)
        {
            lineIsSpace &= block.HeadIsSpace;
            notRows += view.NotRows;
            return;
        }
        var blankHead = lineIsSpace && block.HeadIsSpace ? 1 : 0;
        var cut = view.FirstNewline + 1;
        var far = (index - rangeBlock) * blockBytes >= targetBytes;
        if (far && cut - rangeStart > 0 && end - cut > targetBytes / 4)
        {
            var row = newlines + 1 - (notRows + view.HeadNotRows + blankHead);
            ranges.Add(new ByteRange(rangeStart, cut, rangeFirstRow, row - rangeFirstRow));
            rangeStart = cut;
            rangeFirstRow = row;
            rangeBlock = index;
        }
        newlines += view.Newlines;
        notRows += view.NotRows + blankHead;
        lineIsSpace = block.TailIsSpace;
    }

    private static string Explain(SplitProblem problem, long at) => problem switch
    {
        SplitProblem.StrayQuote => $"the quote at byte {at} does not enclose a whole field",
        SplitProblem.StrayEscape => $"at byte {at} an escape character outside quotes stands before a delimiter, a quote or a line end",
        SplitProblem.LoneCarriageReturn => $"at byte {at} a record ends in \\r alone",
        SplitProblem.IndentedComment => $"at byte {at} a space stands before the comment character",
        _ => $"before byte {at} there is a long run of escape or delimiter characters",
    };
}
