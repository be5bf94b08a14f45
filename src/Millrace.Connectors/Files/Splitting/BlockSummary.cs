using System.Numerics;

namespace Millrace.Connectors.Files.Splitting;

/// <summary>What makes a file unsafe to cut, or a row count unsure.</summary>
internal enum SplitProblem : byte
{
    None = 0,
    StrayQuote = 1,
    StrayEscape = 2,
    LoneCarriageReturn = 3,
    IndentedComment = 4,
    LongRun = 5,
}

/// <summary>
/// What a block of a file holds if it starts in one state: outside quotes, or inside. Positions are offsets in the file.
/// </summary>
internal struct BlockView
{
    /// <summary>The first newline that ends a record; -1 when the block has none.</summary>
    public long FirstNewline;

    /// <summary>Of <see cref="NotRows"/>, those up to and with <see cref="FirstNewline"/>.</summary>
    public long HeadNotRows;

    /// <summary>Newlines that end a record.</summary>
    public long Newlines;

    /// <summary>Newlines that end a blank line, and starts of comment lines.</summary>
    public long NotRows;

    /// <summary>Where the first problem is.</summary>
    public long ProblemAt;

    /// <summary>The first problem.</summary>
    public SplitProblem Problem;

    /// <summary>A record ends in a bare line feed.</summary>
    public bool HasLf;

    /// <summary>A record ends in carriage return and line feed.</summary>
    public bool HasCrLf;

    /// <summary>The comment byte stands outside quotes.</summary>
    public bool HasComment;

    /// <summary>A view that has seen nothing yet.</summary>
    public static BlockView Empty => new() { FirstNewline = -1, ProblemAt = -1 };

    /// <summary>Takes the record ends of one 64-byte word, and what is no row.</summary>
    public void Take(ulong newlines, ulong notRows, long wordStart)
    {
        if (FirstNewline < 0 && newlines != 0)
        {
            var bit = BitOperations.TrailingZeroCount(newlines);
            FirstNewline = wordStart + bit;
            var upToFirst = ulong.MaxValue >> (63 - bit);
            HeadNotRows = NotRows + BitOperations.PopCount(notRows & upToFirst);
        }
        Newlines += BitOperations.PopCount(newlines);
        NotRows += BitOperations.PopCount(notRows);
    }

    /// <summary>Notes a problem unless there is one already.</summary>
    public void Note(SplitProblem problem, ulong where, long wordStart)
    {
        if (where == 0 || Problem != SplitProblem.None) return;
        Problem = problem;
        ProblemAt = wordStart + BitOperations.TrailingZeroCount(where);
    }
}

/// <summary>A block's summary under both hypotheses. Which one holds is known once all blocks before it are.</summary>
internal struct BlockSummary
{
    /// <summary>The block as it is when it starts outside quotes.</summary>
    public BlockView Outside;

    /// <summary>The block as it is when it starts inside quotes.</summary>
    public BlockView Inside;

    /// <summary>The block has an odd number of quotes: it ends in the other state than it started in.</summary>
    public bool Toggles;

    /// <summary>The block has a quote.</summary>
    public bool HasQuote;

    /// <summary>Nothing but white space before the first newline, or in the whole block. Always false where that does not matter.</summary>
    public bool HeadIsSpace;

    /// <summary>Nothing but white space after the last newline, or in the whole block. Always false where that does not matter.</summary>
    public bool TailIsSpace;

    /// <summary>A problem whichever state the block starts in.</summary>
    public readonly bool IsHopeless => Outside.Problem != SplitProblem.None && Inside.Problem != SplitProblem.None;
}
