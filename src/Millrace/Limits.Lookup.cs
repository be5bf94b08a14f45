namespace Millrace;

/// <summary>The bounds of <c>lookup</c>.</summary>
public static partial class Limits
{
    /// <summary>Rows of one of DuckDB's chunks: as many keys are looked up at once at most.</summary>
    public const int ChunkRows = 2_048;

    /// <summary>Keys that <c>lookup</c> asks for in one query when the job does not say.</summary>
    public const int LookupBatchKeysDefault = 1_000;

    /// <summary>The most keys that <c>lookup.batch</c> may ask for in one query.</summary>
    public const int LookupBatchKeysMax = 100_000;

    /// <summary>
    /// Bytes of rows that the caches of a process keep at most when the job does not say. Small in debug builds, so that tests see rows go.
    /// </summary>
#if DEBUG
    public const long LookupCacheBytesDefault = 256 * Kilo;
#else
    public const long LookupCacheBytesDefault = 64 * Mega;
#endif

    /// <summary>The largest cache: its places are 32-bit numbers.</summary>
    public const long LookupCacheBytesMax = 2048 * Mega;

    /// <summary>The part of DuckDB's memory that all caches of a process may have is one of so many.</summary>
    public const int LookupCacheParts = 4;

    /// <summary>
    /// Bytes of what the keys of one chunk find: they are in memory at once. Small in debug builds, so that tests reach it.
    /// </summary>
#if DEBUG
    public const int LookupChunkBytesMax = 4 * 1024 * 1024;
#else
    public const int LookupChunkBytesMax = 64 * 1024 * 1024;
#endif

    /// <summary>Bytes of a buffer that a lookup keeps from chunk to chunk.</summary>
    public const int LookupBufferBytesKept = 1024 * 1024;

    /// <summary>What each store may take of a process's memory, beside the caches: the memory of a DuckDB that has a file open.</summary>
    public const long LookupStoreBytes = 48 * Mega;

    /// <summary>Bytes of answers that are decoded before they are taken.</summary>
    public const int LookupAnswerBytes = 1024 * 1024;
}
