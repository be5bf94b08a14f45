using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Runs;

namespace Millrace.Worker;

/// <summary>
/// What a worker must know before its first unit. Goes over standard input, never over a command line or a file: the addresses
/// have their secrets in them.
/// </summary>
public sealed record WorkerSettings
{
    /// <summary>The run directory.</summary>
    public required string RunDirectory { get; init; }

    /// <summary>The fencing number of the coordinator.</summary>
    public required int Epoch { get; init; }

    /// <summary>The source's address, secrets resolved.</summary>
    public required string Source { get; init; }

    /// <summary>The addresses of the job's other sources, which its joins read, secrets resolved; by <c>StageHeader.Source</c>.</summary>
    public ImmutableArray<string> Sides { get; init; } = [];

    /// <summary>The addresses of the stores that its lookups ask, secrets resolved; by <c>LookupHeader.Store</c>.</summary>
    public ImmutableArray<string> Stores { get; init; } = [];

    /// <summary>The target's address, secrets resolved.</summary>
    public required string Target { get; init; }

    /// <summary>The address of the store that rows between stages lie on; null: the run directory.</summary>
    public string? Shuffle { get; init; }

    /// <summary>The target's file format.</summary>
    public required FileFormat Format { get; init; }

    /// <summary>Where relative paths start.</summary>
    public required string BaseDirectory { get; init; }

    /// <summary>Units at once.</summary>
    public required int Lanes { get; init; }

    /// <summary>Connections that this worker may have open to the source.</summary>
    public required int Connections { get; init; }

    /// <summary>Connections that this worker may have open to the target.</summary>
    public int TargetConnections { get; init; } = 1;

    /// <summary>Rows a second that this worker may read; null: as many as can be.</summary>
    public long? RowsPerSecond { get; init; }

    /// <summary>Bytes a second that this worker may read; null: as many as can be.</summary>
    public long? BytesPerSecond { get; init; }

    /// <summary>DuckDB's memory, in bytes.</summary>
    public required long DuckDbBytes { get; init; }

    /// <summary>The same for a unit that is alone and needs more; no more than <see cref="DuckDbBytes"/>: there is no more.</summary>
    public long DuckDbBytesAlone { get; init; }

    /// <summary>Whether DuckDB has less for usual units than a large row needs.</summary>
    [JsonIgnore]
    internal bool HasLittleMemory => DuckDbBytesAlone > DuckDbBytes;

    /// <summary>Bytes that a reader of such a store may hold before they are wanted.</summary>
    [JsonIgnore]
    internal long ShuffleAheadBytes => Math.Clamp(DuckDbBytes / Math.Max(1, Lanes) / Limits.ShuffleAheadShare, Limits.ShuffleAheadBytesMin, Limits.ShuffleAheadBytesMax);

    /// <summary>What each DuckDB may spill where an order does not say, in bytes; null: what the disk has.</summary>
    public long? SpillBytes { get; init; }
}

/// <summary>One attempt at one unit.</summary>
public sealed record UnitOrder
{
    /// <summary>The order's number, unique in the coordinator's life: answers carry it.</summary>
    public required long Id { get; init; }

    /// <summary>The stream's name in the source.</summary>
    public required string Stream { get; init; }

    /// <summary>Which stage of it: 0 is the one that writes to the target.</summary>
    public int Stage { get; init; }

    /// <summary>The stage's generation.</summary>
    public required int Generation { get; init; }

    /// <summary>The unit.</summary>
    public required Unit Unit { get; init; }

    /// <summary>What its result must carry.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>Which attempt it is, from 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>Whether no other unit runs beside it.</summary>
    public bool IsAlone { get; init; }

    /// <summary>How many times fewer bytes than usual the writer collects before it writes them: memory runs low. 1: as usual.</summary>
    public int BatchDivisor { get; init; } = 1;

    /// <summary>
    /// What <c>limits.disk</c> leaves as this order is given, in bytes: all that DuckDB may spill, where this order is the first of its stage in
    /// its process. Null: what the disk has.
    /// </summary>
    public long? SpillBytes { get; init; }
}

/// <summary>A line from coordinator to worker: settings first, then orders and withdrawals.</summary>
public sealed record WorkerInput
{
    /// <summary>The first line.</summary>
    public WorkerSettings? Settings { get; init; }

    /// <summary>A unit to run.</summary>
    public UnitOrder? Order { get; init; }

    /// <summary>The id of an order to stop.</summary>
    public long? Withdraw { get; init; }
}

/// <summary>A line from worker to coordinator.</summary>
public sealed record WorkerOutput
{
    /// <summary>True once, before everything else: the process has what it needs and waits for orders.</summary>
    public bool? Ready { get; init; }

    /// <summary>The order that this is about; null for progress.</summary>
    public long? Order { get; init; }

    /// <summary>True when the order's lane is free: its rows are copied, its files are being made durable.</summary>
    public bool? LaneFree { get; init; }

    /// <summary>The order's result: its unit is committed.</summary>
    public UnitResult? Result { get; init; }

    /// <summary>Why the order failed.</summary>
    public Fault? Fault { get; init; }

    /// <summary>How far the orders that run right now are.</summary>
    public ImmutableArray<OrderProgress>? Progress { get; init; }
}

/// <summary>How far one running order is.</summary>
/// <param name="Order">The order's id.</param>
/// <param name="Rows">Rows that have left the source.</param>
/// <param name="Bytes">Bytes that have been read from it.</param>
public sealed record OrderProgress(long Order, long Rows, long Bytes);

/// <summary>How far the running units of an engine are.</summary>
/// <param name="Rows">Rows read by units that have no result yet.</param>
/// <param name="Bytes">Bytes read by units that have no result yet.</param>
/// <param name="Running">Units that run.</param>
public sealed record WorkerSample(long Rows, long Bytes, int Running)
{
    /// <summary>The sum over orders.</summary>
    public static WorkerSample Of(IEnumerable<OrderProgress> orders)
    {
        long rows = 0, bytes = 0;
        var running = 0;
        foreach (var order in orders)
        {
            rows += order.Rows;
            bytes += order.Bytes;
            running++;
        }

        return new WorkerSample(rows, bytes, running);
    }
}

/// <summary>JSON of the lines between coordinator and worker.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    Converters = [typeof(FaultJson)])]
[JsonSerializable(typeof(WorkerInput))]
[JsonSerializable(typeof(WorkerOutput))]
public sealed partial class WorkerJson : JsonSerializerContext;
