using System.Text;

namespace Millrace.Faults;

/// <summary>How the user's own words are shown in errors, and which known word was probably meant.</summary>
public static class Words
{
    private const int QuotedCharsMax = 60;
    private const int ComparedCharsMax = 64;

    /// <summary>The text in quotes: cut when it is long, control characters escaped.</summary>
    public static string Quote(string text) => $"'{Printable(text, QuotedCharsMax)}'";

    /// <summary>The text with control characters escaped, so that no terminal obeys them, and cut when it is longer than a bound.</summary>
    public static string Printable(string text, int charsMax)
    {
        var shown = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (shown.Length >= charsMax)
            {
                return shown.Append("...").ToString();
            }

            if (Rune.IsControl(rune) || Rune.GetUnicodeCategory(rune) == System.Globalization.UnicodeCategory.Format)
            {
                shown.Append("\\u").Append(rune.Value.ToString("x4"));
            }
            else
            {
                shown.Append(rune);
            }
        }

        return shown.ToString();
    }

    /// <summary>"a, b or c".</summary>
    public static string OneOf(IReadOnlyList<string> words) => words.Count switch
    {
        0 => "nothing",
        1 => words[0],
        _ => $"{string.Join(", ", words.Take(words.Count - 1))} or {words[^1]}",
    };

    /// <summary>The known word that is nearest to what was found, when it is near enough to be a slip; else null.</summary>
    public static string? Nearest(string found, IEnumerable<string> known)
    {
        if (found.Length is 0 or > ComparedCharsMax)
        {
            return null;
        }

        string? nearest = null;
        var best = Math.Max(1, found.Length / 3) + 1;
        foreach (var word in known)
        {
            var distance = word.Length > ComparedCharsMax ? int.MaxValue : Distance(found, word);
            if (distance < best)
            {
                best = distance;
                nearest = word;
            }
        }

        return nearest;
    }

    /// <summary>Edits between two short words, letter case apart: insert, delete, replace, or swap of neighbours count one each.</summary>
    private static int Distance(string left, string right)
    {
        Span<int> beforeLast = stackalloc int[right.Length + 1];
        Span<int> last = stackalloc int[right.Length + 1];
        Span<int> row = stackalloc int[right.Length + 1];
        for (var j = 0; j <= right.Length; j++)
        {
            last[j] = j;
        }

        for (var i = 1; i <= left.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= right.Length; j++)
            {
                var cost = Same(left[i - 1], right[j - 1]) ? 0 : 1;
                row[j] = Math.Min(Math.Min(row[j - 1], last[j]) + 1, last[j - 1] + cost);
                if (i > 1 && j > 1 && Same(left[i - 1], right[j - 2]) && Same(left[i - 2], right[j - 1]))
                {
                    row[j] = Math.Min(row[j], beforeLast[j - 2] + 1);
                }
            }

            last.CopyTo(beforeLast);
            row.CopyTo(last);
        }

        return last[right.Length];
    }

    private static bool Same(char left, char right) =>
        char.ToLowerInvariant(left) == char.ToLowerInvariant(right) || (left is '_' or '-' && right is '_' or '-');
}
