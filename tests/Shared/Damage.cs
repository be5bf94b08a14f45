namespace Millrace.Testing;

/// <summary>Damages bytes as disks, networks, editors and attackers do: bits, bytes, pieces lost, doubled, moved, replaced by what formats trip over.</summary>
internal static class Damage
{
    private static readonly byte[][] s_odd =
    [
        [0], [0xFF], [0xC3], [0xEF, 0xBB, 0xBF], "\""u8.ToArray(), "'"u8.ToArray(), "\n"u8.ToArray(), "\r"u8.ToArray(), ","u8.ToArray(), "{"u8.ToArray(), "}"u8.ToArray(),
        "["u8.ToArray(), "]"u8.ToArray(), ":"u8.ToArray(), "null"u8.ToArray(), "-1"u8.ToArray(), "99999999999999999999"u8.ToArray(), "1e999"u8.ToArray(), "\\u"u8.ToArray(),
        "\\ud800"u8.ToArray(), "../.."u8.ToArray(), "&a"u8.ToArray(), "*a"u8.ToArray(), "!!"u8.ToArray(), "${X}"u8.ToArray(), "# "u8.ToArray(), "\t"u8.ToArray(),
    ];

    /// <summary>The bytes with one to four damages.</summary>
    public static byte[] To(ReadOnlySpan<byte> sound, Random random)
    {
        var bytes = sound.ToArray().ToList();
        for (var times = random.Next(1, 5); times > 0; times--)
        {
            var at = random.Next(bytes.Count + 1);
            var count = Math.Min(bytes.Count - at, random.Next(1, random.Next(2) == 0 ? 4 : 60));
            switch (random.Next(7))
            {
                case 0 when at < bytes.Count:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes.RemoveRange(at, count);
                    break;
                case 2:
                    bytes.InsertRange(at, bytes.GetRange(at, count));
                    break;
                case 3:
                    var piece = bytes.GetRange(at, count);
                    bytes.RemoveRange(at, count);
                    bytes.InsertRange(random.Next(bytes.Count + 1), piece);
                    break;
                case 4:
                    bytes.RemoveRange(at, bytes.Count - at);
                    break;
                default:
                    bytes.InsertRange(at, s_odd[random.Next(s_odd.Length)]);
                    break;
            }
        }

        return [.. bytes];
    }
}
