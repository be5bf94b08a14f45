namespace Millrace;

/// <content>The bounds of rows between stages on an object store.</content>
public static partial class Limits
{
    /// <summary>Bytes of a part of an upload; a file has at most <see cref="ShufflePartsMax"/>. S3 takes no smaller ones than 5 MB but the last.</summary>
    public const int ShufflePartBytes = 5 * 1024 * 1024;

    /// <summary>Parts of one upload: S3 takes no more.</summary>
    public const int ShufflePartsMax = 10_000;

    /// <summary>The largest part; files that would need larger ones are refused.</summary>
    public const int ShufflePartBytesMax = 64 * 1024 * 1024;

    /// <summary>Parts that a process sends at once, of all its uploads together: each is in memory.</summary>
    public const int ShufflePartsAtOnceMax = 4;

    /// <summary>Requests for pieces of files that a process has open at once.</summary>
    public const int ShuffleReadsAtOnceMax = 32;

    /// <summary>Bytes that one reader of a unit holds or has asked for, at most.</summary>
    public const long ShuffleAheadBytesMax = 8 * Mega;

    /// <summary>The same where there is little memory.</summary>
    public const long ShuffleAheadBytesMin = 1 * Mega;

    /// <summary>The part of a lane's share of DuckDB's memory that a reader may hold.</summary>
    public const int ShuffleAheadShare = 16;

    /// <summary>Bytes that are asked for at once where blocks lie side by side.</summary>
    public const int ShuffleRequestBytesMax = 1024 * 1024;

    /// <summary>Files whose indexes are read before they are wanted.</summary>
    public const int ShuffleFilesAheadMax = 4;

    /// <summary>The end of a file that is asked for to find its index: that of a usual one.</summary>
    public const int ShuffleFileEndBytes = 128 * 1024;

    /// <summary>Times that a request is sent again that the store did not answer, or with an error that can pass.</summary>
    public const int ShuffleRetriesMax = 4;

    /// <summary>Times that a piece is asked for again whose bytes stopped coming.</summary>
    public const int ShuffleReadRetriesMax = 3;

    /// <summary>How long a store may take to answer, and between two pieces of an answer, in seconds.</summary>
    public const int ShuffleAnswerSecondsMax = 100;

    /// <summary>How long connecting to a store may take, in seconds.</summary>
    public const int ShuffleConnectSecondsMax = 15;

    /// <summary>Objects that are removed by one request: S3 takes no more.</summary>
    public const int ShuffleRemovedAtOnceMax = 1_000;
}
