using System.Collections.Immutable;
using System.Numerics;
using Millrace.DuckDb;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Transform;

/// <summary>How many buckets, how large their blocks, and how many bytes of rows a unit of a key step may have, by the memory of one lane.</summary>
/// <param name="budget">The job's limits, divided.</param>
/// <param name="bounds">From which size on rows are cut.</param>
internal sealed class BucketSizing(Budget budget, StageBounds bounds)
{
    /// <summary>Bytes that <c>nest</c> needs for each byte of its rows: a list's state is far larger than what is in it.</summary>
    public const int NestFactor = 8;

    /// <summary>Bytes that <c>group</c> needs, when every row has a key of its own.</summary>
    public const int GroupFactor = 4;

    /// <summary>Bytes that <c>dedupe</c> needs: a row and its place in the order for each key.</summary>
    public const int DedupeFactor = 6;

    /// <summary>Bytes that <c>join</c> needs: its right side, and the table that finds it.</summary>
    public const int JoinFactor = 3;

    /// <summary>Bytes that a sort needs in memory: it spills.</summary>
    public const int SortFactor = 1;

    /// <summary>How many bytes of rows one array may have where <c>nest</c> cuts: two fit a unit.</summary>
    public long NestedRunBytes => UnitBytes(NestFactor) / 2;

    /// <summary>
    /// DuckDB's ceiling while it sorts more than fits. Such a sort takes all that it may, and a quarter of it again that nobody counts, measured; other
    /// steps stay far below theirs. Processes with little memory give that quarter back as it comes.
    /// </summary>
    public long SortMemoryBytes =>
        budget.HasLittleMemory ? budget.DuckDbBytes : Math.Min((budget.WorkerBytes - Limits.ProcessOverheadBytes) / 3 * 2, budget.DuckDbBytes);

    /// <summary>Whether units are written element by element that need not be.</summary>
    public bool NestsByElement => bounds.NestByElement;

    /// <summary>What one lane may take for a unit's rows and state: half of its share, the rest is for what nobody counts.</summary>
    private long LaneBytes =>
        Math.Max(Limits.LaneBytesMin, (Math.Min(budget.WorkerBytes - Limits.ProcessOverheadBytes, budget.DuckDbBytes) / budget.LanesPerProcess(EngineChoice.Local)) / 2);

    /// <summary>Whether all of a stream's rows fit one unit beyond doubt, so that its key steps need no stage of their own.</summary>
    public bool IsSmall(StreamPlan plan) =>
        plan is { EstimatedBytes: <= Limits.WholeBytesMax } && plan.EstimatedRows <= bounds.WholeRowsMax && RowBytes.Estimate(plan) <= Limits.WholeBytesMax;

    /// <summary>The same for work that spills, where the size of a source is known and not its rows.</summary>
    public bool IsSmallEnoughToSpill(StreamPlan plan) =>
        plan.EstimatedRows is null ? plan.EstimatedBytes * Limits.PackedTimesMax <= Limits.WholeBytesMax : IsSmall(plan);

    /// <summary>Whether a join's right side may be kept in memory by every unit.</summary>
    public bool FitsEveryUnit(PlannedStage right) => right.EstimatedBytes <= Math.Min(LaneBytes / JoinFactor / 2, bounds.SideBytesMax);

    /// <summary>How a stage spreads its rows by a key; without one, all are in one bucket.</summary>
    /// <param name="keys">SQL expressions.</param>
    /// <param name="bytes">About how many bytes; null: unknown.</param>
    public BucketOutput OutputOf(ImmutableArray<string> keys, long? bytes)
    {
        if (keys.IsEmpty) return new BucketOutput(1, keys, Limits.BlockBytesMax);
        var wanted = Math.Clamp((bytes ?? 0) / UnitBytes(NestFactor), Limits.BucketsMin, Limits.BucketsMax);
        var buckets = (int)BitOperations.RoundUpToPowerOf2((ulong)wanted);
        return new BucketOutput(buckets, keys, (int)Math.Clamp(LaneBytes / 4 / buckets, Limits.BlockBytesMin, Limits.BlockBytesMax));
    }

    /// <summary>How a stage puts rows together by the values of <c>partition_by</c>.</summary>
    /// <param name="keys">SQL expressions: these values.</param>
    /// <param name="files">How many files there will be, about, where a block of each is in memory to put their rows in order; null: they stay one behind the other.</param>
    public BucketOutput PartitionsOf(ImmutableArray<string> keys, long? files)
    {
        var slots = (int)Math.Clamp(LaneBytes / 4 / Limits.PartitionBlockBytesMin, 2, BucketSettings.BucketsMax);
        var output = new BucketOutput(slots, keys, (int)(LaneBytes / 4 / slots), ByValue: true);
        if (files is null) return output;
        var block = MergeBytes / Math.Max(1, files.Value) / Limits.BlockTimesRaw;
        return output with { ValueBlockBytes = (int)Math.Clamp(block, Limits.BlockBytesMin, BucketSettings.ValueBlockBytesMax), MergeBytes = MergeBytes };
    }

    /// <summary>Bytes that the blocks take at most of which rows are put in order again.</summary>
    public long MergeBytes => LaneBytes / 2;

    /// <summary>
    /// About how many bytes a unit of such rows has. Where files have so many rows at most, a smaller unit makes no more of them.
    /// </summary>
    /// <param name="bytes">All bytes.</param>
    /// <param name="fileRows">How many rows a file may have; null: no bound.</param>
    public long PartitionUnitBytes(long bytes, long? fileRows) => fileRows is null ? UnitBytes(1) : Math.Min(UnitBytes(1), ShareBytes(bytes));

    /// <summary>How many bytes of one partition's rows stay in one unit, whose order is kept: they pass and are not held, but all lanes are to have some.</summary>
    /// <param name="bytes">All bytes.</param>
    public long MergedUnitBytes(long bytes) => Math.Max(UnitBytes(1), ShareBytes(bytes));

    private long ShareBytes(long bytes) => Math.Max(Limits.UnitBytesMin, bytes / ((long)budget.Lanes * Limits.UnitsPerWorkerMin));

    /// <summary>
    /// How many bytes of one partition's rows a unit puts in order at most, where nobody has asked for an order: rows that are near each other lie in one file
    /// only as far as that goes. 0 where lanes are so small that it would gain little, and cost the memory that they have.
    /// </summary>
    public long OrderedBytes => LaneBytes < Limits.OrderedLaneBytesMin ? 0 : LaneBytes;

    /// <summary>How many bytes of rows a unit of a key step may have.</summary>
    /// <param name="factor">How many bytes it needs for each of them.</param>
    public long UnitBytes(int factor) => Math.Min(bounds.KeyUnitBytesMax, Math.Clamp(LaneBytes / factor, Limits.KeyUnitBytesMin, Limits.UnitBytesTarget));
}
