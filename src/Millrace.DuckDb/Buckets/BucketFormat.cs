using System.Runtime.InteropServices;
using System.Text;

namespace Millrace.DuckDb;

/// <summary>
/// The form of a bucket file: a header, blocks, the index (a <see cref="BlockEntry"/> for each block, by bucket and then by place), a footer.
/// All numbers are little-endian, as on every machine that .NET runs on. Each byte is told by a magic number or a checksum.
/// </summary>
internal static unsafe class BucketFormat
{
    /// <summary>What the first eight bytes are: the letters MRBUCKET.</summary>
    public const ulong HeaderMagic = 0x5445_4B43_5542_524D;

    /// <summary>The format's version, in the next eight bytes.</summary>
    public const ulong Version = 2;

    /// <summary>Bytes before the first block.</summary>
    public const int HeaderBytes = 16;

    /// <summary>What a checksum of few bytes is filled up to.</summary>
    private const int ChecksumBytesMin = 16;

    /// <summary>The hash of bytes that lie at a place of a file.</summary>
    public static ulong Checksum(ReadOnlySpan<byte> bytes, ulong place)
    {
        var seed = HashMixing.Mix(place ^ HeaderMagic);
        if (bytes.Length < ChecksumBytesMin)
        {
            Span<byte> filled = stackalloc byte[ChecksumBytesMin];
            filled.Clear();
            bytes.CopyTo(filled);
            fixed (byte* few = filled) return HashMixing.LongText(seed + (ulong)bytes.Length, few, ChecksumBytesMin);
        }

        fixed (byte* start = bytes) return HashMixing.LongText(seed, start, (uint)bytes.Length);
    }

    /// <summary>A hash of what lies in the blocks: the columns' kinds and sizes, not their names.</summary>
    public static ulong LayoutOf(IEnumerable<DuckDbType> types)
    {
        var text = new StringBuilder();
        foreach (var type in types) Describe(type, text);
        return Checksum(Encoding.UTF8.GetBytes(text.ToString()), Version);
    }

    private static void Describe(DuckDbType type, StringBuilder text)
    {
        text.Append((int)type.Kind).Append('.').Append(type.ValueBytes).Append('.').Append(type.Scale).Append('.').Append(type.ArraySize).Append('(');
        foreach (var field in type.Fields) Describe(field.Type, text);
        foreach (var label in type.Labels) text.Append(label.Length).Append(':').Append(label);
        text.Append(')');
    }
}

/// <summary>A block as the index has it.</summary>
[StructLayout(LayoutKind.Sequential, Size = Bytes)]
internal struct BlockEntry
{
    /// <summary>Bytes of an entry.</summary>
    public const int Bytes = 40;

    /// <summary>Where the block begins.</summary>
    public long Offset;

    /// <summary>The block's checksum.</summary>
    public ulong Checksum;

    /// <summary>Where each key has a bucket of its own: its whole hash, of which the bucket's number is a part. 0 elsewhere.</summary>
    public ulong Key;

    /// <summary>Its bytes in the file.</summary>
    public int Stored;

    /// <summary>Its bytes before they were packed.</summary>
    public int Raw;

    /// <summary>Its rows, at least one.</summary>
    public int Rows;

    /// <summary>The bucket of all its rows.</summary>
    public int Bucket;
}

/// <summary>The end of a bucket file.</summary>
[StructLayout(LayoutKind.Sequential, Size = Bytes)]
internal struct BucketFooter
{
    /// <summary>Bytes of the footer.</summary>
    public const int Bytes = 48;

    /// <summary>What the last eight bytes are: the letters MRBUCEND.</summary>
    public const ulong FooterMagic = 0x444E_4543_5542_524D;

    /// <summary>Where the index begins.</summary>
    public long IndexOffset;

    /// <summary>How many blocks there are.</summary>
    public long Blocks;

    /// <summary>How many buckets there are.</summary>
    public long Buckets;

    /// <summary>What the blocks hold: <see cref="BucketFormat.LayoutOf"/>.</summary>
    public ulong Layout;

    /// <summary>The checksum of the index, and of the four numbers before this one.</summary>
    public ulong Checksum;

    /// <summary><see cref="FooterMagic"/>.</summary>
    public ulong Magic;

    /// <summary>How many bytes the index has; the numbers must agree with each other and with the file's length.</summary>
    /// <param name="length">The file's length.</param>
    /// <param name="shown">The file as people name it.</param>
    /// <exception cref="BucketFileException">They do not, or this is no footer.</exception>
    public readonly int IndexBytesIn(long length, string shown)
    {
        var at = length - Bytes;
        if (Magic != FooterMagic) throw new BucketFileException(shown, at, "the file is cut or damaged: its end is none of a bucket file");
        var bytes = at - IndexOffset;
        if (IndexOffset < BucketFormat.HeaderBytes || bytes is < 0 or > int.MaxValue - Bytes || bytes != Blocks * BlockEntry.Bytes || Buckets is < 1 or > int.MaxValue)
            throw new BucketFileException(shown, at, "the footer is damaged");
        return (int)bytes;
    }

    /// <summary>What <see cref="Checksum"/> must be.</summary>
    public readonly ulong ChecksumOver(ReadOnlySpan<BlockEntry> index)
    {
        var blocks = BucketFormat.Checksum(MemoryMarshal.AsBytes(index), (ulong)IndexOffset);
        ReadOnlySpan<ulong> words = [blocks, (ulong)IndexOffset, (ulong)Blocks, (ulong)Buckets, Layout];
        return BucketFormat.Checksum(MemoryMarshal.AsBytes(words), FooterMagic);
    }
}
