using System.Globalization;

namespace Millrace.Jobs;

/// <summary>How long something may last, as people write it: <c>90s</c>, <c>15m</c>, <c>1h</c>, or <c>0</c>.</summary>
public static class Duration
{
    /// <summary>What is expected, for messages.</summary>
    public const string Expected = "a time such as 90s, 15m or 1h";

    /// <summary>Reads a whole number with its unit, in seconds; 0 needs none.</summary>
    public static bool TryParse(string text, out int seconds)
    {
        seconds = 0;
        if (text == "0") return true;
        var unit = text.Length < 2 ? 0 : text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, _ => 0 };
        if (unit == 0 || !int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return false;
        if ((long)number * unit > int.MaxValue) return false;
        seconds = number * unit;
        return true;
    }
}
