using System.Diagnostics;

namespace Millrace;

/// <summary>
/// Every bound of Millrace in one place (others in <c>Limits.*.cs</c> beside it), the unit last in each name. A bound that
/// depends on another is asserted in <see cref="AssertRelations"/>, which runs once when the program starts.
/// </summary>
public static partial class Limits
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

    /// <summary>Below this ceiling auto means worker processes, however small the job.</summary>
    public const long InProcMemoryBytesMin = 512 * Mega;

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

    /// <summary>Times that a unit is tried before it is given up or divided.</summary>
    public const int UnitAttemptsMax = 4;

    /// <summary>Times that a unit is tried beside others; when its worker has died each time, it is tried alone.</summary>
    public const int UnitAttemptsTogetherMax = 2;

    /// <summary>Times that units of one stream are divided in one reading.</summary>
    public const int DivisionsMax = 10_000;

    /// <summary>Ranges of one stream that may be lost (no smaller part can be read) before the rest is given up too.</summary>
    public const int LostRangesMax = 16;

    /// <summary>Times that a lost worker process is replaced in one run: enough to find some bad rows by dividing, too few to go on for ever.</summary>
    public const int WorkerReplacementsMax = 512;

    /// <summary>How long a worker process may say nothing before it counts as hanging, in seconds; it reports every <see cref="SampleMilliseconds"/>.</summary>
    public const int WorkerSilenceSecondsMax = 20;

    /// <summary>How long a unit's rows may stand still between the first and the last before its worker counts as hanging, in seconds.</summary>
    public const int UnitStallSecondsMax = 1800;

    /// <summary>A unit that has run for less is never taken for slow.</summary>
    public const int SlowUnitSecondsMin = 10;

    /// <summary>A unit is slow when it has run for so many times as long as others took.</summary>
    public const int SlowUnitTimesMin = 3;

    /// <summary>Units, the latest, whose time says what a unit takes.</summary>
    public const int SlowUnitComparedMax = 64;

    /// <summary>How often a run looks for slow units at the end of a stream.</summary>
    public const int SlowUnitLookMilliseconds = 1_000;

    /// <summary>Looks in a row that must find an idle lane before a slow unit is read in parts.</summary>
    public const int SlowUnitLooksMin = 3;

    /// <summary>What a worker adds to its score when Linux chooses a process to kill because memory has run out; 0 to 1000.</summary>
    public const int WorkerOomScore = 500;

    /// <summary>How long a killed run's moment is kept when the job does not say, in seconds.</summary>
    public const int SnapshotHoldSecondsDefault = 15 * 60;

    /// <summary>The longest that a job may ask for, in seconds: an open snapshot keeps the server from cleaning up.</summary>
    public const int SnapshotHoldSecondsMax = 24 * 60 * 60;

    /// <summary>How long a run waits for its keeper to hold the moment before it goes on without one, in seconds.</summary>
    public const int KeeperStartSecondsMax = 30;

    /// <summary>How often a keeper looks whether it is still needed, in milliseconds.</summary>
    public const int KeeperLookMilliseconds = 500;

    /// <summary>How many samples of the progress share one sign of life to the keeper.</summary>
    public const int SamplesPerSign = 4;

    /// <summary>The most connections to one source host that leave none for a keeper.</summary>
    public const int ConnectionsWithoutKeeperMax = 2;

    /// <summary>Memory in use, in per cent of <c>limits.memory</c>, from which the user is warned and batches get smaller.</summary>
    public const int MemoryWarnPercent = 80;

    /// <summary>How much smaller batches get at most when memory runs low; the next half would lower the peak no more, measured.</summary>
    public const int BatchDivisorMax = 4;

    /// <summary>Readings of memory from one halving of batches to the next: the units that are to be smaller must begin first.</summary>
    public const int MemoryReadingsPerStep = 3;

    /// <summary>Memory in use, in per cent of <c>limits.memory</c>, from which fewer units run at once.</summary>
    public const int MemoryNarrowPercent = 90;

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

    /// <summary>Bytes on disk, in per cent of <c>limits.disk</c>, from which the user is warned.</summary>
    public const int DiskWarnPercent = 80;

    /// <summary>The smallest <c>limits.disk</c> that is taken.</summary>
    public const long DiskBytesMin = 64 * Mega;

    /// <summary>The smallest <c>write.max_file_bytes</c> that is taken: below it files cost more than their rows.</summary>
    public const long TargetFileBytesMin = 64 * Kilo;

    /// <summary>A secret file's size (<c>${file:/path}</c>).</summary>
    public const int SecretFileBytesMax = 64 * 1024;
    /// <summary>Bytes of a name that becomes a folder or file name, before a hash is put behind it.</summary>
    public const int NameBytesMax = 100;

    /// <summary>Unit results in one folder of the run directory.</summary>
    public const int ResultsPerFolder = 1_000;

    /// <summary>How long a new coordinator waits for the workers of the one before it, in seconds.</summary>
    public const int WorkerExitSecondsMax = 20;

    /// <summary>Units that one worker process runs at once: threads before processes, since a second DuckDB costs 60 MB.</summary>
    public const int LanesPerProcessMax = 16;

    /// <summary>Orders that wait between planning and running: enough that no lane idles, few enough that a plan never sits in memory.</summary>
    public const int OrdersWaitingMax = 256;

    /// <summary>Units that have given back their lane and are not done: their last rows are written, or their files made durable. For each lane.</summary>
    public const int FinishingPerLaneMax = 2;

    /// <summary>Units of a worker whose last row has left the source while DuckDB still writes; their lanes run the next units already.</summary>
    public const int UnitsAheadMax = 1;

    /// <summary>The first wait before a unit is tried again, in milliseconds; doubled each time.</summary>
    public const int RetryWaitMilliseconds = 500;

    /// <summary>How often a run's progress is sampled, in milliseconds.</summary>
    public const int SampleMilliseconds = 500;

    /// <summary>How many samples share one reading of the processes' memory: the kernel walks every page for it.</summary>
    public const int SamplesPerMemoryReading = 4;

    /// <summary>A message between coordinator and worker, in bytes.</summary>
    public const int WorkerMessageBytesMax = 16 * 1024 * 1024;

    /// <summary>Lines of a run's story that are kept.</summary>
    public const int StoryLinesMax = 10_000;

    /// <summary>Calls that an internal fault remembers, from where it came up outwards.</summary>
    public const int FaultFramesMax = 40;

    /// <summary>Calls of these that are shown with it.</summary>
    public const int FaultFramesShownMax = 4;

    /// <summary>Units that a plan makes readable one by one; later ones in batches of as many.</summary>
    public const int PlanUnitsFlushedAtOnce = 64;

    /// <summary>Finished units of an earlier generation that are looked up when a stream is planned again; further ones are read again.</summary>
    public const int CarriedUnitsMax = 1_000_000;

    /// <summary>Streams that are planned before the engine is picked; a job with more uses worker processes.</summary>
    public const int StreamsSizedUpMax = 64;

    /// <summary>Streams whose units are all handed out and that wait for results or commit.</summary>
    public const int StreamsFinishingMax = 16;

    /// <summary>The end of what a worker process wrote to its standard error, in characters.</summary>
    public const int WorkerErrorCharsMax = 2_000;

    /// <summary>How long `cancel` waits for the run's coordinator to stop, in seconds.</summary>
    public const int CancelWaitSecondsMax = 30;

    /// <summary>How long a worker may take to end after its input was closed, in seconds; then it is killed.</summary>
    public const int WorkerStopSecondsMax = 10;

    /// <summary>From here on a receive buffer that a large row needed is given back to the system before the row is written.</summary>
    public const int LargeBufferBytes = 16 * 1024 * 1024;

    /// <summary>Source bytes in one chunk of vectors: a chunk ends early rather than hold 2,048 values of 40 MB.</summary>
    public const int ChunkBytesMax = 4 * 1024 * 1024;

    /// <summary>Bytes that a Parquet row group collects before it is written, whatever its rows: rows can have 40 MB.</summary>
    public const long RowGroupBytesMax = 16 * Mega;

    /// <summary>Rows that a write into partition folders collects before it hands them to the folders' files.</summary>
    public const int PartitionedWriteRowsMax = 20_480;

    /// <summary>Files of one writer that are open at once, however many partitions it has: their rows come one partition after the other.</summary>
    public const int PartitionFilesOpenMax = 8;

    /// <summary>Files that a process has open beside those of its units: the program, its libraries, pipes, locks.</summary>
    public const int OpenFilesPerProcess = 96;

    /// <summary>Files and connections that a unit has open: its source, its staged files, spill and rejects.</summary>
    public const int OpenFilesPerUnit = PartitionFilesOpenMax + 4;

    /// <summary>Commits that a table of files remembers: an older one that is done again would come in twice.</summary>
    public const int TableCommitsMax = 1_000;

    /// <summary>A table's marker file: <see cref="TableCommitsMax"/> commits with long names fit, and any columns that a worker can be told.</summary>
    public const long TableMarkerBytesMax = (4 * Mega) + WorkerMessageBytesMax;

    /// <summary>How long a commit waits for another one to the same table.</summary>
    public const int TableLockSecondsMax = 60;

    /// <summary>Blocks that a text file's pre-pass summarises at most; larger files get larger blocks.</summary>
    public const int SplitBlocksMax = 65_536;

    /// <summary>How far into a CSV file its header may reach for the file to be read in pieces.</summary>
    public const int CsvHeaderBytesMax = 2 * 1024 * 1024;

    /// <summary>A text file that DuckDB's reader reads as a whole, and whose rows are counted for a quarantine: one thread has to read it then.</summary>
    public const long CountedFileBytesMax = 16 * Mega;

    /// <summary>Rows of a text file that its types are found in.</summary>
    public const int SampleRowsMax = 20_480;

    /// <summary>Files of a stream that are looked into at planning.</summary>
    public const int SampleFilesMax = 8;

    /// <summary>Bytes of a packed or converted text file that are looked at when it is planned.</summary>
    public const long SampleBytesMax = 8 * Mega;

    /// <summary>How long looking at these first rows may take: a packed file of few bytes can expand without end.</summary>
    public const int SampleSecondsMax = 60;

    /// <summary>Files that are listed before the first unit of a stream is made; estimates of larger streams come from these.</summary>
    public const int FilesListedAtPlanMax = 10_000;

    /// <summary>Small files that one unit reads at most.</summary>
    public const int FilesPerUnitMax = 256;

    /// <summary>The longest record of a CSV file, or line of an NDJSON file, that is read with the small buffers.</summary>
    public const long TextLineBytesSmall = 1 * Mega;

    /// <summary>The longest with the buffers of the second try.</summary>
    public const long TextLineBytesMedium = 12 * Mega;

    /// <summary>The longest that is read at all.</summary>
    public const long TextLineBytesMax = 64 * Mega;

    /// <summary>Names of one folder that are held while it is listed; a folder with more is read again for the next ones.</summary>
    public const long FolderNamesBytesMax = 6 * Mega;

    /// <summary>The same while only the first files are listed.</summary>
    public const long FolderNamesBytesFirst = 2 * Mega;

    /// <summary>Paths of all files of one unit, in characters, when they must be one unit: the unit is a message to a worker.</summary>
    public const long UnitPathCharsMax = 6 * Mega;

    /// <summary>Standard input that is copied at once.</summary>
    public const int SpoolBufferBytes = 256 * 1024;

    /// <summary>A plan of as many units leaves memory that is worth to be given back at its end: it takes some milliseconds.</summary>
    public const int PlanCollectedUnitsMin = 1_000;

    /// <summary>The least that <c>limits.source_rows_per_second</c> takes: rows go in chunks, and a unit that waits longer would look dead.</summary>
    public const int SourceRowsPerSecondMin = 10;

    /// <summary>The most that <c>limits.source_rows_per_second</c> takes.</summary>
    public const long SourceRowsPerSecondMax = 1_000_000_000_000;

    /// <summary>The least that <c>limits.source_bytes_per_second</c> takes, for the same reason.</summary>
    public const long SourceBytesPerSecondMin = 64 * Kilo;

    /// <summary>How long a worker waits at most between two chunks to keep the pace; well below <see cref="UnitStallSecondsMax"/>.</summary>
    public const int PaceWaitSecondsMax = 900;

    /// <summary>Buckets that rows are added up in by their keys when a run is verified: as many sums are held for either side.</summary>
    public const int VerifyBuckets = 65_536;

    /// <summary>Rows of source and target together that are compared key by key when a run is verified; what differs beyond them is not counted.</summary>
    public const long VerifyRowsMax = 2_000_000;

    /// <summary>Bytes of <c>limits.memory</c> for each of these rows: with less, fewer are compared. Grouping them takes a quarter of it.</summary>
    public const int VerifyBytesPerRow = 512;

    /// <summary>Keys, units and files of a stream that are named when they differ; the others are counted.</summary>
    public const int VerifyNamedMax = 100;

    /// <summary>
    /// Rows of one stream that may go to quarantine when the job does not say. A number and no share: it is what somebody can still look at,
    /// and it stops a flood early, however large the table is.
    /// </summary>
    public const long RejectRowsDefault = 10_000;

    /// <summary>Characters of a rejected value that its reason shows; the row beside it is whole where the source gave it.</summary>
    public const int RejectValueCharsMax = 1_000;

    /// <summary>Characters of a rejected row that <c>show</c> prints.</summary>
    public const int RejectCharsShown = 400;

    /// <summary>Bytes of rejected rows that a unit collects before it writes them.</summary>
    public const int RejectBufferBytes = 64 * 1024;

    /// <summary>Differences between a stream's columns and its table's that an error names; the others are counted.</summary>
    public const int SchemaDifferencesNamedMax = 20;

    /// <summary>The latest runs that are asked which columns a single file has; a file that was written before them counts as new.</summary>
    public const int RunsAskedMax = 200;

    /// <summary>Connections to one target server at once, the coordinator's among them, when the job does not say.</summary>
    public const int TargetConnectionsDefault = 4;

    /// <summary>The most connections to one target server that a job may ask for.</summary>
    public const int TargetConnectionsMax = 256;

    /// <summary>Checks the relations between the bounds.</summary>
    public static void AssertRelations()
    {
        Debug.Assert(UnitBytesMin <= UnitBytesTarget, "units can reach their target");
        Debug.Assert(InProcBytesMax >= UnitBytesTarget, "a single unit runs in-process");
        Debug.Assert(RowGroupRowsMin <= RowGroupRowsDefault && RowGroupRowsDefault <= RowGroupRowsMax, "the default row group is allowed");
        Debug.Assert(SourceConnectionsDefault <= SourceConnectionsMax, "the default connections are allowed");
        Debug.Assert(TargetConnectionsDefault <= TargetConnectionsMax, "the default connections are allowed");
        Debug.Assert(TextLineBytesSmall < TextLineBytesMedium && TextLineBytesMedium < TextLineBytesMax, "each try takes longer lines");
        Debug.Assert(PgConnectSecondsDefault <= PgConnectSecondsMax, "the default connect timeout is allowed");
        Debug.Assert(FolderNamesBytesFirst <= FolderNamesBytesMax, "listing the first files holds fewer names");
        Debug.Assert(BlockBytesMin <= BlockBytesMax && BucketsMin <= BucketsMax, "buckets have a size");
        Debug.Assert(BucketPartsPlannedMax <= BucketPartsMax, "what is planned in parts can be divided further");
        Debug.Assert(ShuffleRequestBytesMax <= ShuffleAheadBytesMin && ShuffleAheadBytesMin <= ShuffleAheadBytesMax, "a reader goes ahead");
        Debug.Assert(ShufflePartBytes <= ShufflePartBytesMax, "a file has parts");
        Debug.Assert(SortBytesMin <= DuckDbBytesMin, "one unit can be sorted");
        Debug.Assert(DuckDbBytesMin <= DuckDbBytesAloneMin && DuckDbBytesAloneMin <= DuckDbBytesUnasked, "a unit alone has no less than others");
        Debug.Assert(SideBytesMax >= WholeBytesMax, "a stream that fits a unit fits every unit");
        Debug.Assert(UnitPathCharsMax < WorkerMessageBytesMax, "a unit of many files fits into its message");
        Debug.Assert(LookupCacheBytesDefault <= LookupCacheBytesMax && LookupChunkBytesMax <= LookupCacheBytesMax, "a cache has room for a chunk's rows");
        Debug.Assert(PgStartupBytesMax <= PgControlBytesMax && PgControlBytesMax <= PgRowBytesMax, "a row is the largest message");
    }
}
