namespace Millrace;

/// <summary>The bounds of stages and the buckets between them.</summary>
public static partial class Limits
{
    /// <summary>The fewest buckets that a stage spreads its rows into.</summary>
    public const int BucketsMin = 64;

    /// <summary>The most: each has a block in memory, in every unit that is written.</summary>
    public const int BucketsMax = 1_024;

    /// <summary>The smallest block of a bucket's rows, in bytes: smaller ones pack badly.</summary>
    public const int BlockBytesMin = 16 * 1024;

    /// <summary>The largest block of a bucket's rows, in bytes.</summary>
    public const int BlockBytesMax = 256 * 1024;

    /// <summary>What a block takes in memory while it is read, as it is in its file and unpacked, for each byte that was collected for it; rounded up.</summary>
    public const int BlockTimesRaw = 2;

    /// <summary>Parts in which one bucket is planned to be read at most: each reads all of it.</summary>
    public const int BucketPartsPlannedMax = 64;

    /// <summary>How many times the bytes of a usual bucket a larger one is planned with, where a key's memory does not grow with its rows.</summary>
    public const int UsualBucketTimesMax = 2;

    /// <summary>Parts in which one bucket is read at most when units of it do not fit; what is left then has one key.</summary>
    public const int BucketPartsMax = 4_096;

    /// <summary>What DuckDB has at least for each of the units that are sorted at once, where it has little, in bytes.</summary>
    public const long SortBytesMin = 56 * Mega;

    /// <summary>The fewest threads that DuckDB is told of where it has little and sorts: with one, a run takes all of its memory, and merging finds none.</summary>
    public const int SortThreadsMin = 2;

    /// <summary>How many per cent of a unit's rows one key has, at least, when dividing the unit would not help and the key is named instead.</summary>
    public const int OneKeyRowsPercent = 90;

    /// <summary>The least memory that a unit of a key step plans with, in bytes.</summary>
    public const long LaneBytesMin = 16 * Mega;

    /// <summary>The fewest bytes of rows that a unit of a key step is made for.</summary>
    public const long KeyUnitBytesMin = 1 * Mega;

    /// <summary>The most rows of a stream whose key steps are done at once, without buckets.</summary>
    public const long WholeRowsMax = 200_000;

    /// <summary>The most bytes of such a stream, in its source and in memory.</summary>
    public const long WholeBytesMax = 16 * Mega;

    /// <summary>
    /// How many times the bytes of its left side a join's right side may have for the order of the left one to be kept: units have the right side's rows in
    /// memory then, and of a much larger one that takes much longer.
    /// </summary>
    public const int OrderedRightTimesMax = 4;

    /// <summary>The most bytes of a join's right side that every unit keeps in memory.</summary>
    public const long SideBytesMax = 16 * Mega;

    /// <summary>Bytes that a text is guessed to have before any was read.</summary>
    public const int TextBytesGuess = 24;

    /// <summary>Bytes that a nested value is guessed to have before any was read.</summary>
    public const int NestedBytesGuess = 128;

    /// <summary>How many times larger than its source rows are guessed to be where only the source's bytes are known.</summary>
    public const int PackedTimesMax = 4;
}
