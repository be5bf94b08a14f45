using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace Millrace.Connectors.Files.Splitting;

/// <summary>
/// Finds CSV record ends, 64 bytes at a time, without knowing whether the block starts inside quotes: it keeps the answer for both.
/// A quote counts as one that opens only after a field start and as one that closes only before a field's end or another quote;
/// any other makes the parity unsure and is noted as a problem, as readers disagree on it.
/// </summary>
internal sealed partial class CsvBlockScanner : IBlockScanner
{
    private readonly Vector256<byte> newline = Vector256.Create((byte)'\n');
    private readonly Vector256<byte> carriageReturn = Vector256.Create((byte)'\r');
    private readonly Vector256<byte> space = Vector256.Create((byte)' ');
    private readonly Vector256<byte> quote;
    private readonly Vector256<byte> escape;
    private readonly Vector256<byte> comment;
    private readonly Vector256<byte>[] delimiter;
    private readonly bool hasQuote;
    private readonly bool hasEscape;
    private readonly bool hasComment;
    private readonly bool doubled;
    private readonly bool blankIsRow;
    private readonly bool doublePair;
    private readonly bool plain;

    private readonly ulong[] delimiterBefore = new ulong[4];
    private Masks before;
    private BlockView outside;
    private BlockView inside;
    private ulong quotesSeen;
    private long position;
    private bool escapePending;
    private bool pairPending;
    private int lastBytes;

    /// <summary>A scanner for a dialect that <see cref="CsvSplitDialect.UnsafeReason"/> has nothing against.</summary>
    public CsvBlockScanner(CsvSplitDialect dialect)
    {
        hasQuote = dialect.Quote is not null;
        hasComment = dialect.Comment is not null;
        doubled = hasQuote && dialect.Escape == dialect.Quote;
        hasEscape = hasQuote && dialect.Escape is not null && !doubled;
        blankIsRow = dialect.SingleColumn;
        doublePair = dialect.Delimiter.Length == 2 && dialect.Delimiter.Span[0] == dialect.Delimiter.Span[1];
        plain = dialect.Delimiter.Length == 1 && !hasEscape && !hasComment;
        quote = Vector256.Create(dialect.Quote ?? 0);
        escape = Vector256.Create(dialect.Escape ?? 0);
        comment = Vector256.Create(dialect.Comment ?? 0);
        delimiter = new Vector256<byte>[dialect.Delimiter.Length];
        for (var i = 0; i < delimiter.Length; i++) delimiter[i] = Vector256.Create(dialect.Delimiter.Span[i]);
    }

    /// <inheritdoc/>
    public void Begin(ReadOnlySpan<byte> leadIn, long position)
    {
        Span<byte> word = stackalloc byte[ByteMask.Bytes];
        word.Clear();
        leadIn.CopyTo(word[(ByteMask.Bytes - leadIn.Length)..]);
        if (leadIn.Length < ByteMask.Bytes) word[ByteMask.Bytes - leadIn.Length - 1] = (byte)'\n';

        before = default;
        before.Inside = 0;
        Array.Clear(delimiterBefore);
        escapePending = false;
        pairPending = false;
        this.position = position - ByteMask.Bytes;
        var masks = Read(word, ~ByteMask.First(ByteMask.Bytes - Math.Min(ByteMask.Bytes, leadIn.Length + 1)));
        // The state that counts is the one at the block's start, outside: turn the lead-in so that it ends there.
        if (masks.Inside >> 63 != 0) masks.Inside = ~masks.Inside;
        masks.ReturnOnly = masks.CarriageReturn & (masks.Newline << 1);
        before = masks;
        outside = BlockView.Empty;
        inside = BlockView.Empty;
        quotesSeen = 0;
        lastBytes = ByteMask.Bytes;
        this.position = position;
        // A run that fills the lead-in may begin before it, and then nobody knows whether its length is odd.
        var run = doublePair ? masks.FirstOfDelimiter : masks.Escape;
        if (BitOperations.TrailingZeroCount(~run) < 48) return;
        outside.Note(SplitProblem.LongRun, 1, position);
        inside.Note(SplitProblem.LongRun, 1, position);
    }

    /// <inheritdoc/>
    public void Scan(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length >= ByteMask.Bytes)
        {
            if (plain) bytes = bytes[TakeUneventful(bytes)..];
            if (bytes.Length < ByteMask.Bytes) break;
            Take(bytes, ulong.MaxValue);
            bytes = bytes[ByteMask.Bytes..];
        }
        if (bytes.IsEmpty) return;
        Span<byte> word = stackalloc byte[ByteMask.Bytes];
        word.Clear();
        bytes.CopyTo(word);
        lastBytes = bytes.Length;
        Take(word, ByteMask.First(bytes.Length));
    }

    /// <inheritdoc/>
    public BlockSummary End(bool endOfFile)
    {
        var last = 1UL << (lastBytes - 1);
        var wordStart = position - ByteMask.Bytes;
        var endsInside = before.Inside & last;
        if (endOfFile)
        {
            var loneReturn = before.CarriageReturn & last;
            outside.Note(SplitProblem.LoneCarriageReturn, loneReturn & ~endsInside, wordStart);
            inside.Note(SplitProblem.LoneCarriageReturn, loneReturn & endsInside, wordStart);
        }
        return new BlockSummary { Outside = outside, Inside = inside, Toggles = endsInside != 0, HasQuote = quotesSeen != 0 };
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private Masks Read(ReadOnlySpan<byte> bytes, ulong valid)
    {
        var word = new ByteMask(bytes);
        Masks masks = default;
        masks.Newline = word.Equal(newline) & valid;
        masks.CarriageReturn = word.Equal(carriageReturn) & valid;
        masks.Quote = masks.RawQuote = hasQuote ? word.Equal(quote) & valid : 0;
        if (hasEscape)
        {
            masks.Escape = word.Equal(escape) & valid;
            masks.Escaped = ByteMask.Escaped(masks.Escape, ref escapePending) & valid;
            masks.Quote &= ~masks.Escaped;
        }
        if (hasComment)
        {
            masks.Comment = word.Equal(comment) & valid;
            masks.Space = word.Equal(space) & valid;
        }
        if (hasQuote)
        {
            masks.FirstOfDelimiter = masks.Delimiter = masks.SafeDelimiter = word.Equal(delimiter[0]) & valid;
            if (delimiter.Length > 1) FindLongDelimiter(word, valid, ref masks);
            masks.Inside = ByteMask.PrefixXor(masks.Quote) ^ (ulong)((long)before.Inside >> 63);
        }
        return masks;
    }

    /// <summary>Finds where delimiters of several bytes end.</summary>
    private void FindLongDelimiter(in ByteMask word, ulong valid, ref Masks masks)
    {
        var ends = valid;
        for (var i = 0; i < delimiter.Length; i++)
        {
            var found = word.Equal(delimiter[i]) & valid;
            var by = delimiter.Length - 1 - i;
            ends &= by == 0 ? found : ByteMask.After(found, delimiterBefore[i], by);
            delimiterBefore[i] = found;
        }
        if (doublePair)
        {
            // "||||" is two delimiters and "|||" one and a half: readers pair them from the left.
            masks.Delimiter = masks.SafeDelimiter = ByteMask.Escaped(masks.FirstOfDelimiter, ref pairPending) & masks.FirstOfDelimiter;
            return;
        }
        masks.Delimiter = masks.SafeDelimiter = ends;
        // "|~|~|" can be split in two ways: who does it how is not ours to guess.
        for (var by = 1; by < delimiter.Length; by++) masks.SafeDelimiter &= ~ByteMask.After(ends, before.Delimiter, by);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Take(ReadOnlySpan<byte> bytes, ulong valid)
    {
        var masks = Read(bytes, valid);
        if ((masks.Quote | before.Quote | before.DelimiterDue | masks.Escaped) != 0) CheckQuotes(ref masks, valid);

        var afterNewline = ByteMask.After(masks.Newline, before.Newline, 1);
        var crlf = 0UL;
        var blank = masks.Newline & afterNewline;
        if ((masks.CarriageReturn | before.CarriageReturn) != 0)
        {
            masks.ReturnOnly = masks.CarriageReturn & afterNewline;
            var afterReturn = ByteMask.After(masks.CarriageReturn, before.CarriageReturn, 1);
            crlf = masks.Newline & afterReturn;
            blank |= masks.Newline & ByteMask.After(masks.ReturnOnly, before.ReturnOnly, 1);
            var lone = afterReturn & ~masks.Newline & valid;
            var wasInside = ByteMask.After(masks.Inside, before.Inside, 1);
            outside.Note(SplitProblem.LoneCarriageReturn, lone & ~wasInside, position - 1);
            inside.Note(SplitProblem.LoneCarriageReturn, lone & wasInside, position - 1);
        }
        var notRows = blankIsRow ? 0 : blank;
        if (masks.Comment != 0) notRows |= TakeComments(ref masks, afterNewline);

        var ends = masks.Newline & ~masks.Inside;
        outside.Take(ends, notRows & ~masks.Inside, position);
        outside.HasCrLf |= (crlf & ~masks.Inside) != 0;
        outside.HasLf |= (ends & ~crlf) != 0;
        ends = masks.Newline & masks.Inside;
        inside.Take(ends, notRows & masks.Inside, position);
        inside.HasCrLf |= (crlf & masks.Inside) != 0;
        inside.HasLf |= (ends & ~crlf) != 0;

        quotesSeen |= masks.Quote;
        before = masks;
        position += ByteMask.Bytes;
    }

    /// <summary>Looks for quotes and escapes whose meaning depends on the reader.</summary>
    private void CheckQuotes(ref Masks masks, ulong valid)
    {
        var fieldStart = ByteMask.After(masks.SafeDelimiter | masks.Newline, before.SafeDelimiter | before.Newline, 1);
        var fieldEnd = masks.Newline | masks.CarriageReturn | masks.FirstOfDelimiter;
        var afterQuote = ByteMask.After(masks.Quote, before.Quote, 1);
        if (doubled)
        {
            fieldStart |= afterQuote;
            fieldEnd |= masks.Quote;
        }

        var badOpening = masks.Quote & ~fieldStart;
        outside.Note(SplitProblem.StrayQuote, badOpening & masks.Inside, position);
        inside.Note(SplitProblem.StrayQuote, badOpening & ~masks.Inside, position);

        var badClosing = afterQuote & ~fieldEnd & valid;
        var wasInside = ByteMask.After(masks.Inside, before.Inside, 1);
        outside.Note(SplitProblem.StrayQuote, badClosing & ~wasInside, position - 1);
        inside.Note(SplitProblem.StrayQuote, badClosing & wasInside, position - 1);

        if (delimiter.Length > 1) CheckDelimiterAfterQuote(ref masks, afterQuote, valid);
        if (masks.Escaped == 0) return;

        var meaning = masks.Escaped & (masks.Newline | masks.CarriageReturn | masks.RawQuote | masks.FirstOfDelimiter);
        outside.Note(SplitProblem.StrayEscape, meaning & ~masks.Inside, position);
        inside.Note(SplitProblem.StrayEscape, meaning & masks.Inside, position);
    }

    private void CheckDelimiterAfterQuote(ref Masks masks, ulong afterQuote, ulong valid)
    {
        masks.DelimiterDue = afterQuote & masks.FirstOfDelimiter;
        var length = delimiter.Length;
        var broken = ByteMask.After(masks.DelimiterDue, before.DelimiterDue, length - 1) & ~masks.Delimiter & valid;
        var wasInside = ByteMask.After(masks.Inside, before.Inside, length);
        outside.Note(SplitProblem.StrayQuote, broken & ~wasInside, position - length);
        inside.Note(SplitProblem.StrayQuote, broken & wasInside, position - length);
    }

    /// <summary>Notes comments and gives those that are a line of their own.</summary>
    private ulong TakeComments(ref Masks masks, ulong afterNewline)
    {
        outside.HasComment |= (masks.Comment & ~masks.Inside) != 0;
        inside.HasComment |= (masks.Comment & masks.Inside) != 0;
        var indented = masks.Comment & ByteMask.After(masks.Space, before.Space, 1);
        outside.Note(SplitProblem.IndentedComment, indented & ~masks.Inside, position);
        inside.Note(SplitProblem.IndentedComment, indented & masks.Inside, position);
        return masks.Comment & afterNewline;
    }

    /// <summary>What one word holds; bit i speaks of byte i. <see cref="Inside"/> supposes that the block started outside quotes.</summary>
    [StructLayout(LayoutKind.Auto)]
    private struct Masks
    {
        public ulong Newline, CarriageReturn, ReturnOnly, Quote, RawQuote, Escape, Escaped, Comment, Space;
        public ulong FirstOfDelimiter, Delimiter, SafeDelimiter, DelimiterDue, Inside;
    }
}
