using System.Globalization;

namespace Millrace.DuckDb;

/// <summary>
/// Carries C# exceptions through DuckDB, which passes only text. A callback that fails records its exception under a number and
/// hands DuckDB a text that begins with that number; whoever gets the text back claims the exception by it. Several scans that
/// fail at once can't be mixed up, because each has its own number. DuckDB reports one error per query and drops the others, so
/// unclaimed ones are overwritten after <see cref="Slots"/> newer ones.
/// </summary>
internal static class CallbackErrors
{
    private const int Slots = 1024;
    private const string Open = "[millrace-callback:";
    private const string Close = "] ";

    private static readonly Lock Gate = new();
    private static readonly (long Number, Exception? Error)[] Recorded = new (long, Exception?)[Slots];
    private static long _last;

    /// <summary>Records an exception and gives the text to hand to DuckDB.</summary>
    public static string Record(Exception error)
    {
        long number;
        lock (Gate)
        {
            number = ++_last;
            Recorded[number % Slots] = (number, error);
        }

        // A NUL would end the C string early.
        return Open + number.ToString(CultureInfo.InvariantCulture) + Close + error.Message.Replace('\0', ' ');
    }

    /// <summary>Takes the recorded exception that a text stands for, and the number out of the text. Null when there is none.</summary>
    public static Exception? Claim(ref string text)
    {
        var start = text.IndexOf(Open, StringComparison.Ordinal);
        if (start < 0) return null;
        var end = text.IndexOf(Close, start, StringComparison.Ordinal);
        if (end < 0) return null;
        if (!long.TryParse(text.AsSpan(start + Open.Length, end - start - Open.Length), CultureInfo.InvariantCulture, out var number)) return null;
        text = text.Remove(start, end + Close.Length - start);
        lock (Gate)
        {
            ref var slot = ref Recorded[number % Slots];
            if (slot.Number != number) return null;
            var error = slot.Error;
            slot = default;
            return error;
        }
    }
}
