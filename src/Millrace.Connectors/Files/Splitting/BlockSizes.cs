namespace Millrace.Connectors.Files.Splitting;

/// <summary>How large the blocks of a pass are: small enough that cuts fall near the target, few enough to keep all summaries.</summary>
internal static class BlockSizes
{
    private const long BlockBytesMax = 8 * 1024 * 1024;

    /// <summary>The block size for a target range size, both in bytes: the target or an even part of it, larger for huge files.</summary>
    public static long For(long dataBytes, long targetBytes)
    {
        var parts = (targetBytes + BlockBytesMax - 1) / BlockBytesMax;
        var block = (targetBytes + parts - 1) / parts;
        return Math.Max(block, (dataBytes + Limits.SplitBlocksMax - 1) / Limits.SplitBlocksMax);
    }
}
