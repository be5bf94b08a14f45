using Millrace.Engines;
using Millrace.Jobs;
using Millrace.Telemetry;

namespace Millrace.Planning;

/// <summary>How a job's limits are divided among the coordinator and its workers.</summary>
/// <param name="Lanes">Units at once.</param>
/// <param name="Processes">Worker processes that these lanes need under the local engine.</param>
/// <param name="ConnectionsPerProcess">Source connections that each worker process may have.</param>
/// <param name="DuckDbBytes">DuckDB's ceiling in each worker process.</param>
/// <param name="MemoryBytes">The ceiling of all processes together: <c>limits.memory</c>.</param>
/// <param name="WorkerBytes">A worker process's share of it: one whose own memory (without files that the system can drop) is more is killed and replaced.</param>
public sealed record Budget(int Lanes, int Processes, int ConnectionsPerProcess, long DuckDbBytes, long MemoryBytes, long WorkerBytes)
{
    /// <summary>
    /// DuckDB's ceiling for a unit that is tried alone because it needs more than <see cref="DuckDbBytes"/>, and where there are no worker processes: at least
    /// what a large row needs.
    /// </summary>
    public long DuckDbBytesAlone { get; private init; } = DuckDbBytes;

    /// <summary>
    /// Whether a worker's share leaves DuckDB less than a large row needs. Then its processes soon give back what they free, which costs time and is what
    /// DuckDB does not count: a quarter of what a sort takes.
    /// </summary>
    public bool HasLittleMemory => DuckDbBytes < Limits.DuckDbBytesAloneMin;

    /// <summary>Target connections that each process that runs units may have: the coordinator has one of its own.</summary>
    public int TargetConnectionsPerProcess { get; private init; } = 1;

    /// <summary>
    /// What <c>limits.memory</c> is when the job does not say: three quarters of what the machine has or the process's memory group allows,
    /// whichever is less.
    /// </summary>
    public static long MemoryBytesDefault => Math.Max(Limits.MemoryBytesMin, MachineMemory.Bytes / 4 * 3);

    /// <summary>About the most that all processes of a run take together under an engine.</summary>
    public long PeakBytes(EngineChoice engine) => engine == EngineChoice.Local
        ? Limits.CoordinatorBytes + (Processes * Math.Min(WorkerBytes, Limits.ProcessOverheadBytes + DuckDbBytesAlone))
        : Math.Max(Limits.WorkerBytesMin, Math.Min(MemoryBytes, Limits.ProcessOverheadBytes + DuckDbBytesAlone));

    /// <summary>Why a run would not keep to its ceiling, and what to change; null when it fits.</summary>
    public string? WhyItDoesNotFit(EngineChoice engine)
    {
        if (MemoryBytes > MachineMemory.Bytes)
            return $"limits.memory is {ByteSize.Format(MemoryBytes)}, more than the {ByteSize.Format(MachineMemory.Bytes)} that this machine, or its memory group, has: lower it";
        if (PeakBytes(engine) <= MemoryBytes) return null;
        var fewer = Math.Max(0, (MemoryBytes - Limits.CoordinatorBytes) / Limits.WorkerBytesMin);
        var advice = engine == EngineChoice.Local && fewer > 0 ? $", or limits.workers to {fewer * Limits.LanesPerProcessMax}" : "";
        return $"limits.memory is {ByteSize.Format(MemoryBytes)}: set it to at least {ByteSize.Format(PeakBytes(engine))}{advice}";
    }

    /// <summary>DuckDB's ceiling in each process that runs units.</summary>
    public long DuckDbBytesOf(EngineChoice engine) => engine == EngineChoice.Local ? DuckDbBytes : DuckDbBytesAlone;

    /// <summary>Processes that run units: the coordinator itself, unless there are workers.</summary>
    public int ProcessesOf(EngineChoice engine) => engine == EngineChoice.Local ? Processes : 1;

    /// <summary>Units at once in each of these processes.</summary>
    public int LanesPerProcess(EngineChoice engine) => (Lanes + ProcessesOf(engine) - 1) / ProcessesOf(engine);

    /// <summary>About the most files and connections that one process of a run has open.</summary>
    public int OpenFiles(EngineChoice engine) =>
        Limits.OpenFilesPerProcess + (LanesPerProcess(engine) * (1 + Limits.FinishingPerLaneMax) * Limits.OpenFilesPerUnit);

    /// <summary>Why the system's limit of open files may end the run, and what to change; null when it allows enough.</summary>
    /// <param name="engine">Who runs the units.</param>
    /// <param name="filesMax">How many files a process may open; null: as many as it likes.</param>
    public string? WhyTooFewFiles(EngineChoice engine, long? filesMax) => filesMax < OpenFiles(engine)
        ? $"a process may open {filesMax} files here, and may need {OpenFiles(engine)}: raise the limit (ulimit -n), or lower limits.workers"
        : null;

    /// <summary>Whether a keeper holds the moment of a run with worker processes: it takes a connection of its own.</summary>
    public static bool Keeps(JobLimits limits) =>
        limits.SnapshotHoldSeconds != 0 && (limits.SourceConnections ?? Limits.SourceConnectionsDefault) > Limits.ConnectionsWithoutKeeperMax;

    /// <summary>
    /// Divides: the coordinator keeps one connection for itself, and each process's overhead is taken off before DuckDB gets the rest.
    /// A ceiling that nobody set is no invitation: DuckDB gets what a large row needs then. A share that is too small for such a row is kept nonetheless.
    /// </summary>
    public static Budget Of(JobLimits limits)
    {
        var connections = Math.Max(1, (limits.SourceConnections ?? Limits.SourceConnectionsDefault) - (Keeps(limits) ? 2 : 1));
        var lanes = Math.Clamp(limits.Workers ?? Environment.ProcessorCount, 1, Limits.WorkersMax);
        var processes = LocalEngine.Processes(lanes);
        var memory = limits.MemoryBytes ?? MemoryBytesDefault;
        var duckDb = (memory - ((1L + processes) * Limits.ProcessOverheadBytes)) / processes;
        if (limits.MemoryBytes is null) duckDb = Math.Min(duckDb, Limits.DuckDbBytesUnasked);
        var alone = Math.Max(duckDb, Limits.DuckDbBytesAloneMin);
        var share = Math.Max((memory - Limits.CoordinatorBytes) / processes, Limits.WorkerBytesMin);
        duckDb = Math.Min(alone, Math.Max(share - Limits.ProcessOverheadBytes, Limits.DuckDbBytesMin));
        var target = (limits.TargetConnections ?? Limits.TargetConnectionsDefault) - 1;
        return new Budget(lanes, processes, Math.Max(1, connections / processes), duckDb, memory, share)
        {
            DuckDbBytesAlone = alone,
            TargetConnectionsPerProcess = Math.Max(1, target / processes),
        };
    }
}
