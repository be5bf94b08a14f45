using System.Numerics;

namespace Millrace.Connectors.Files.Splitting;

/// <content>The short way through text in which nothing is new: most of every file, and what decides the scanner's speed.</content>
internal sealed partial class CsvBlockScanner
{
    /// <summary>
    /// Takes whole words for as long as they change nothing but the counts of one view: the other is known to be wrong, or as silent as
    /// before. For dialects with a delimiter of one byte, without escape and comment characters.
    /// </summary>
    /// <returns>How many bytes were taken: a multiple of 64, 0 when the first word needs <see cref="Take"/>.</returns>
    private int TakeUneventful(ReadOnlySpan<byte> bytes)
    {
        var alone = outside.Problem != SplitProblem.None || inside.Problem != SplitProblem.None;
        var flip = outside.Problem != SplitProblem.None ? ulong.MaxValue : 0;
        ref var view = ref flip == 0 ? ref outside : ref inside;
        // Both wrong: nobody will look at either.
        if (view.Problem != SplitProblem.None) return bytes.Length & -ByteMask.Bytes;
        if (view.FirstNewline < 0) return 0;

        var quotes = hasQuote ? ulong.MaxValue : 0;
        var doubling = doubled ? ulong.MaxValue : 0;
        var last = before;
        long newlines = 0, blanks = 0;
        ulong seen = 0, lf = 0, crlf = 0;
        var taken = 0;
        for (; taken <= bytes.Length - ByteMask.Bytes; taken += ByteMask.Bytes)
        {
            var word = new ByteMask(bytes[taken..]);
            var newlineAt = word.Equal(newline);
            var returnAt = word.Equal(carriageReturn);
            var quoteAt = word.Equal(quote) & quotes;
            var delimiterAt = word.Equal(delimiter[0]);
            var within = (ByteMask.PrefixXor(quoteAt) ^ (ulong)((long)last.Inside >> 63)) & quotes;

            var afterQuote = ByteMask.After(quoteAt, last.Quote, 1);
            var afterReturn = ByteMask.After(returnAt, last.CarriageReturn, 1);
            var badOpening = quoteAt & ~(ByteMask.After(newlineAt | delimiterAt, last.Newline | last.Delimiter, 1) | (afterQuote & doubling));
            var badClosing = afterQuote & ~(newlineAt | returnAt | delimiterAt | (quoteAt & doubling));
            var wasWithin = ByteMask.After(within, last.Inside, 1);
            var odd = (badOpening & (within ^ flip)) | ((badClosing | (afterReturn & ~newlineAt)) & ~(wasWithin ^ flip));
            if (!alone) odd |= badOpening | badClosing | (afterReturn & ~newlineAt) | (newlineAt & within);
            if (odd != 0) break;

            var afterNewline = ByteMask.After(newlineAt, last.Newline, 1);
            var returnOnly = returnAt & afterNewline;
            var ends = newlineAt & ~(within ^ flip);
            newlines += BitOperations.PopCount(ends);
            blanks += BitOperations.PopCount(ends & (afterNewline | ByteMask.After(returnOnly, last.ReturnOnly, 1)));
            crlf |= ends & afterReturn;
            lf |= ends & ~afterReturn;
            seen |= quoteAt;
            last.Newline = newlineAt;
            last.CarriageReturn = returnAt;
            last.ReturnOnly = returnOnly;
            last.Quote = quoteAt;
            last.Delimiter = delimiterAt;
            last.Inside = within;
        }

        last.RawQuote = last.Quote;
        last.FirstOfDelimiter = last.SafeDelimiter = last.Delimiter;
        before = last;
        view.Newlines += newlines;
        view.NotRows += blankIsRow ? 0 : blanks;
        view.HasCrLf |= crlf != 0;
        view.HasLf |= lf != 0;
        quotesSeen |= seen;
        position += taken;
        return taken;
    }
}
