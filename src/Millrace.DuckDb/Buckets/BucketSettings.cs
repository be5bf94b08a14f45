namespace Millrace.DuckDb;

/// <summary>What one bucket file's rows look like and how they are spread. A bound that is not kept is refused when a writer is opened.</summary>
/// <param name="Buckets">How many buckets, 1 to 4,096.</param>
/// <param name="Keys">
/// The last columns of the SELECT, so many: they say which bucket a row belongs to, and are not stored. 0 puts every row into bucket 0. Values
/// that DuckDB calls equal share a bucket; of numbers so do equal ones of integer types of any width, and of FLOAT and DOUBLE.
/// </param>
/// <param name="BlockBytes">
/// Bytes of a bucket's rows, before they are compressed, that are collected before they are written; 4 KB to 16 MB. A writer takes about
/// this for each bucket that has rows. Rows of many columns may need more: the least is 256 bytes a column.
/// </param>
/// <param name="ByValue">
/// True: each key has a bucket of its own, whose number is a hash (see <see cref="IsShared"/>), and <paramref name="Buckets"/> says how many are
/// collected at once; fewer collect more than <paramref name="BlockBytes"/> each. Keys that come when there are as many already share buckets.
/// </param>
public sealed record BucketSettings(int Buckets, int Keys, int BlockBytes, bool ByValue = false)
{
    /// <summary>The most buckets of a file.</summary>
    public const int BucketsMax = 4_096;

    /// <summary>How many buckets there are that keys share where each has its own: the first numbers.</summary>
    public const int SharedBuckets = 64;

    internal const int BlockBytesMin = 4 * 1024;
    internal const int BlockBytesMax = 16 * 1024 * 1024;

    /// <summary>Whether rows of many keys are in a bucket of a file that was written by value.</summary>
    public static bool IsShared(int bucket) => bucket < SharedBuckets;

    /// <summary>What a file says of how many buckets it has: more than any number.</summary>
    internal int BucketsOfFile => ByValue ? int.MaxValue : Buckets;

    /// <summary>Checks the bounds.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is not kept.</exception>
    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Buckets, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Buckets, BucketsMax);
        if (ByValue) ArgumentOutOfRangeException.ThrowIfLessThan(Buckets, 2 * SharedBuckets);
        ArgumentOutOfRangeException.ThrowIfNegative(Keys);
        ArgumentOutOfRangeException.ThrowIfLessThan(BlockBytes, BlockBytesMin);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(BlockBytes, BlockBytesMax);
    }
}
