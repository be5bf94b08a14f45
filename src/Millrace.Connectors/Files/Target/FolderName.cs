using System.Security.Cryptography;
using System.Text;

namespace Millrace.Connectors.Files.Target;

/// <summary>
/// A stream's or run's name as the name of one folder: usual names stay as they are, everything that could leave the folder, hide it, or
/// mean something to a reader is percent-encoded. Two names never become the same.
/// </summary>
internal static class FolderName
{
    /// <summary>The longest name in bytes; with the other parts of a file name it stays below what file systems take.</summary>
    public const int BytesMax = 100;

    private const int KeptBytesOfLong = 60;

    /// <summary>The name; at most <see cref="BytesMax"/> bytes of UTF-8.</summary>
    public static string Of(string name)
    {
        var encoded = new StringBuilder();
        Span<byte> utf8 = stackalloc byte[4];
        for (var i = 0; i < name.Length;)
        {
            if (Rune.DecodeFromUtf16(name.AsSpan(i), out var rune, out var length) != System.Buffers.OperationStatus.Done)
            {
                // Half a surrogate pair has no UTF-8: its number stands for it, so that two such halves stay different.
                encoded.Append("%u").Append(((int)name[i]).ToString("X4"));
                i++;
                continue;
            }

            if (IsPlain(rune, first: i == 0, last: i + length == name.Length))
            {
                encoded.Append(name.AsSpan(i, length));
            }
            else
            {
                var bytes = rune.EncodeToUtf8(utf8);
                foreach (var value in utf8[..bytes]) encoded.Append('%').Append(value.ToString("X2"));
            }

            i += length;
        }

        var text = encoded.Length == 0 ? "%" : encoded.ToString();
        return Encoding.UTF8.GetByteCount(text) <= BytesMax ? text : Shortened(text);
    }

    /// <summary>
    /// Letters and digits of any script and a few signs. Not <c>=</c> (a partition to readers), <c>~</c> (marks a shortened name), a dot or
    /// space at an end (hidden files, and what Windows drops), nor marks that some file systems join with the letter before.
    /// </summary>
    private static bool IsPlain(Rune rune, bool first, bool last) => rune.Value switch
    {
        '_' or '-' or '+' or '@' or ',' => true,
        '.' or ' ' => !first && !last,
        _ => Rune.IsLetterOrDigit(rune),
    };

    private static string Shortened(string text)
    {
        var kept = new StringBuilder();
        var bytes = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            bytes += rune.Utf8SequenceLength;
            if (bytes > KeptBytesOfLong) break;
            kept.Append(rune);
        }

        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(text));
        return $"{kept}~{Convert.ToHexStringLower(hash.AsSpan(0, 16))}";
    }
}
