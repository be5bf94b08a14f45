using System.Diagnostics;

namespace Millrace;

/// <summary>
/// Every bound of Millrace in one place, the unit last in each name. A bound that depends on another is asserted in
/// <see cref="AssertRelations"/>, which runs once when the program starts.
/// </summary>
public static class Limits
{
    private const long Kilo = 1024;
    private const long Mega = 1024 * Kilo;

    /// <summary>The smallest <c>limits.memory</c> that is taken: below it .NET and DuckDB alone would not fit.</summary>
    public const long MemoryBytesMin = 128 * Mega;

    /// <summary>The most units at once.</summary>
    public const int WorkersMax = 256;

    /// <summary>Connections to one source host at once, the coordinator's among them, when the job does not say.</summary>
    public const int SourceConnectionsDefault = 4;

    /// <summary>The most connections to one source host that a job may ask for.</summary>
    public const int SourceConnectionsMax = 256;

    /// <summary>Estimated rows from which worker processes are used instead of tasks in the coordinator.</summary>
    public const long InProcRowsMax = 1_000_000;

    /// <summary>Estimated source bytes from which worker processes are used instead of tasks in the coordinator.</summary>
    public const long InProcBytesMax = 256 * Mega;

    /// <summary>Source bytes that a unit aims at.</summary>
    public const long UnitBytesTarget = 64 * Mega;

    /// <summary>Units that a plan aims to have for each worker at least, so that none idles at the end.</summary>
    public const int UnitsPerWorkerMin = 4;

    /// <summary>A unit is not made smaller than this to reach <see cref="UnitsPerWorkerMin"/>.</summary>
    public const long UnitBytesMin = 4 * Mega;

    /// <summary>The most units that a stream's plan may have.</summary>
    public const long UnitsMax = 10_000_000;

    /// <summary>Parquet row group rows when the job does not say: larger groups compress in bursts while the source stalls.</summary>
    public const int RowGroupRowsDefault = 20_480;

    /// <summary>The fewest rows in a Parquet row group: DuckDB's vector size.</summary>
    public const int RowGroupRowsMin = 2_048;

    /// <summary>The most rows in a Parquet row group.</summary>
    public const int RowGroupRowsMax = 10_000_000;

    /// <summary>The zstd level when the job does not say.</summary>
    public const int ZstdLevelDefault = 1;

    /// <summary>Times that a unit is tried before the run fails.</summary>
    public const int UnitAttemptsMax = 4;

    /// <summary>Times that a lost worker process is replaced in one run.</summary>
    public const int WorkerReplacementsMax = 16;

    /// <summary>A job file's size.</summary>
    public const long JobFileBytesMax = 4 * Mega;

    /// <summary>Streams in one job after wildcards.</summary>
    public const int StreamsMax = 10_000;

    /// <summary>Columns in one stream.</summary>
    public const int ColumnsMax = 4_096;

    /// <summary>The longest pause between two tries to take a lock that somebody else holds, in milliseconds.</summary>
    public const int LockPollMillisecondsMax = 200;

    /// <summary>Values (keys, scalars, lists, maps) in one job file.</summary>
    public const int JobFileNodesMax = 500_000;

    /// <summary>Levels of lists and maps in one job file.</summary>
    public const int JobFileDepthMax = 16;

    /// <summary>Mistakes of one job that are shown; the rest is counted.</summary>
    public const int JobFaultsMax = 100;

    /// <summary>Characters in a job's name: it becomes part of folder and file names.</summary>
    public const int JobNameCharsMax = 64;

    /// <summary>The most rows that <c>partition.rows</c> may ask for in one unit.</summary>
    public const long UnitRowsMax = 1_000_000_000;

    /// <summary>The smallest <c>limits.disk</c> that is taken.</summary>
    public const long DiskBytesMin = 64 * Mega;

    /// <summary>The smallest <c>write.max_file_bytes</c> that is taken: below it files cost more than their rows.</summary>
    public const long TargetFileBytesMin = 64 * Kilo;

    /// <summary>A secret file's size (<c>${file:/path}</c>).</summary>
    public const int SecretFileBytesMax = 64 * 1024;

    /// <summary>Checks the relations between the bounds.</summary>
    public static void AssertRelations()
    {
        Debug.Assert(UnitBytesMin <= UnitBytesTarget, "units can reach their target");
        Debug.Assert(InProcBytesMax >= UnitBytesTarget, "a single unit runs in-process");
        Debug.Assert(RowGroupRowsMin <= RowGroupRowsDefault && RowGroupRowsDefault <= RowGroupRowsMax, "the default row group is allowed");
        Debug.Assert(SourceConnectionsDefault <= SourceConnectionsMax, "the default connections are allowed");
    }
}
