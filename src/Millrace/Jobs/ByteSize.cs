using System.Buffers;
using System.Globalization;

namespace Millrace.Jobs;

/// <summary>
/// Sizes as people write them: <c>512MB</c>, <c>64KiB</c>, <c>1.5 GB</c>, <c>1048576</c>. K, M, G and T stand for powers of 1024
/// (so do KB and KiB, MB and MiB, ...), as memory is counted; a number without a unit is bytes.
/// </summary>
public static class ByteSize
{
    private const string Units = "BKMGT";

    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789.");

    /// <summary>What a size looks like, for error messages.</summary>
    public const string Expected = "a size such as 512MB, 64KiB or 1.5GB";

    /// <summary>Reads a size. False when it is none, negative, or beyond what a 64-bit number holds.</summary>
    public static bool TryParse(string text, out long bytes)
    {
        bytes = 0;
        var span = text.AsSpan().Trim();
        var digits = span.IndexOfAnyExcept(NumberCharacters);
        var number = digits < 0 ? span : span[..digits];
        var unit = digits < 0 ? "" : span[digits..].Trim().ToString().ToUpperInvariant();
        if (unit.EndsWith("IB", StringComparison.Ordinal))
        {
            unit = unit[..^2];
        }
        else if (unit.Length == 2 && unit[1] == 'B')
        {
            unit = unit[..1];
        }

        var power = unit.Length switch { 0 => 0, 1 => Units.IndexOf(unit[0], StringComparison.Ordinal), _ => -1 };
        if (power < 0 || number.Length > 24 || !decimal.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value))
        {
            return false;
        }

        try
        {
            bytes = (long)decimal.Truncate(value * (1L << (10 * power)));
            return true;
        }
        catch (OverflowException)
        {
            return false;
        }
    }

    /// <summary>Writes a size for people: the largest unit that leaves at least 1, with one decimal where it is not whole.</summary>
    public static string Format(long bytes)
    {
        var power = 0;
        var value = (double)bytes;
        while (Math.Abs(value) >= 1024 && power < Units.Length - 1)
        {
            value /= 1024;
            power++;
        }

        var number = value.ToString("0.#", CultureInfo.InvariantCulture);
        return power == 0 ? $"{number} B" : $"{number} {Units[power]}B";
    }
}
