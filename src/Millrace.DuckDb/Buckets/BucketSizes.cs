using System.Runtime.InteropServices;

namespace Millrace.DuckDb;

/// <summary>What files that were written by value have of each bucket, added up.</summary>
public sealed class BucketSizes
{
    private readonly Dictionary<int, (BucketSize Size, ulong Key)> _sizes = [];

    /// <summary>Adds files. The blocks are not looked at.</summary>
    /// <param name="names">The files.</param>
    /// <param name="files">Where they lie; null: on this machine.</param>
    /// <exception cref="BucketFileException">A file is damaged, cut, or no bucket file.</exception>
    /// <exception cref="IOException">A file can't be read.</exception>
    public void Add(IReadOnlyList<string> names, IBlockFiles? files = null)
    {
        foreach (var blocks in BlockLists.Alone(files ?? LocalBlockFiles.Instance, names)) Add(blocks);
    }

    private void Add(BlockList blocks)
    {
        foreach (ref readonly var block in blocks.Entries)
        {
            var (size, key) = _sizes.TryGetValue(block.Bucket, out var known) ? known : (default, block.Key);
            _sizes[block.Bucket] = (new BucketSize(block.Bucket, size.Rows + block.Rows, size.Bytes + block.Raw, size.IsShared || key != block.Key), key);
        }
    }

    /// <summary>All buckets that have rows, by their numbers.</summary>
    public BucketSize[] Sorted()
    {
        BucketSize[] sizes = [.. _sizes.Values.Select(static entry => entry.Size)];
        Array.Sort(sizes, static (a, b) => a.Bucket.CompareTo(b.Bucket));
        return sizes;
    }
}

/// <summary>What there is of one bucket.</summary>
/// <param name="Bucket">Its number.</param>
/// <param name="Rows">Its rows.</param>
/// <param name="Bytes">Its bytes before they were packed: about what its rows take in memory.</param>
/// <param name="IsShared">Whether it has several keys, whose hashes have the bucket's number in common.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct BucketSize(int Bucket, long Rows, long Bytes, bool IsShared);
