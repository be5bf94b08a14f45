namespace Millrace.DuckDb;

/// <summary>What one bucket file's rows look like and how they are spread. A bound that is not kept is refused when a writer is opened.</summary>
/// <param name="Buckets">How many buckets, 1 to 4,096.</param>
/// <param name="Keys">
/// The last columns of the SELECT, so many: they say which bucket a row belongs to, and are not stored. 0 puts every row into bucket 0. Values
/// that DuckDB calls equal share a bucket; of numbers so do equal ones of integer types of any width, and of FLOAT and DOUBLE.
/// </param>
/// <param name="BlockBytes">
/// Bytes of a bucket's rows, before they are compressed, that are collected before they are written; 1 KB to 16 MB. A writer takes about
/// this for each bucket that has rows. Rows of many columns may need more: the least is 256 bytes a column.
/// </param>
/// <param name="ByValue">
/// True: each key has a bucket of its own, whose number is a hash of 31 bits, and <paramref name="Buckets"/> says how many are collected at once at
/// most: fewer collect more than <paramref name="BlockBytes"/> each, up to <paramref name="ValueBlockBytes"/>, and when another key comes all of them are
/// written.
/// </param>
/// <param name="ValueBlockBytes">See <paramref name="ByValue"/>; larger blocks than the default pack no better.</param>
/// <param name="Durable">Whether the complete file's bytes are on disk; false for one that goes elsewhere at once.</param>
public sealed record BucketSettings(
    int Buckets, int Keys, int BlockBytes, bool ByValue = false, int ValueBlockBytes = BucketSettings.ValueBlockBytesMax, bool Durable = true)
{
    /// <summary>The most buckets of a file.</summary>
    public const int BucketsMax = 4_096;

    /// <summary>The largest <see cref="ValueBlockBytes"/>.</summary>
    public const int ValueBlockBytesMax = 256 * 1024;

    internal const int BlockBytesMin = 1024;
    internal const int BlockBytesMax = 16 * 1024 * 1024;

    /// <summary>What a file says of how many buckets it has: more than any number.</summary>
    internal int BucketsOfFile => ByValue ? int.MaxValue : Buckets;

    /// <summary>Checks the bounds.</summary>
    /// <exception cref="ArgumentOutOfRangeException">One is not kept.</exception>
    internal void Check()
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(Buckets, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Buckets, BucketsMax);
        if (ByValue) ArgumentOutOfRangeException.ThrowIfLessThan(Buckets, 2);
        ArgumentOutOfRangeException.ThrowIfNegative(Keys);
        ArgumentOutOfRangeException.ThrowIfLessThan(BlockBytes, BlockBytesMin);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(BlockBytes, BlockBytesMax);
        ArgumentOutOfRangeException.ThrowIfLessThan(ValueBlockBytes, BlockBytesMin);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(ValueBlockBytes, ValueBlockBytesMax);
    }
}
