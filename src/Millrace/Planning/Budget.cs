using Millrace.Engines;
using Millrace.Jobs;

namespace Millrace.Planning;

/// <summary>How a job's limits are divided among the coordinator and its workers.</summary>
/// <param name="Lanes">Units at once.</param>
/// <param name="Processes">Worker processes that these lanes need under the local engine.</param>
/// <param name="ConnectionsPerProcess">Source connections that each worker process may have.</param>
/// <param name="DuckDbBytes">DuckDB's ceiling in each process that runs units.</param>
public sealed record Budget(int Lanes, int Processes, int ConnectionsPerProcess, long DuckDbBytes)
{
    /// <summary>Divides: the coordinator keeps one connection for itself, and each process's overhead is taken off before DuckDB gets the rest.</summary>
    public static Budget Of(JobLimits limits)
    {
        var connections = Math.Max(1, (limits.SourceConnections ?? Limits.SourceConnectionsDefault) - 1);
        var lanes = Math.Clamp(limits.Workers ?? Environment.ProcessorCount, 1, Limits.WorkersMax);
        var processes = LocalEngine.Processes(lanes);
        var perProcess = (lanes + processes - 1) / processes;
        var wanted = Limits.DuckDbBytesBase + (perProcess * Limits.DuckDbBytesPerLane);
        if (limits.MemoryBytes is { } memory)
        {
            var left = (memory - ((1L + processes) * Limits.ProcessOverheadBytes)) / processes;
            wanted = Math.Clamp(left, Limits.DuckDbBytesMin, Math.Max(wanted, left));
        }

        return new Budget(lanes, processes, Math.Max(1, connections / processes), wanted);
    }
}
