using Millrace.Faults;
using Millrace.Runs;
using Millrace.Worker;

namespace Millrace.Engines;

/// <summary>
/// What gives units a machine. It runs one attempt; it knows nothing of plans, retries or commits: <see cref="Dispatcher"/> is around it.
/// </summary>
internal interface IEngine : IAsyncDisposable
{
    /// <summary>Units at once.</summary>
    int Lanes { get; }

    /// <summary>
    /// One attempt. Throws the attempt's <see cref="Fault"/>; kind <see cref="FaultKind.Died"/> when the process that ran it is gone.
    /// Never called more than <see cref="Lanes"/> times at once, not counting those that have called <paramref name="laneFree"/>.
    /// </summary>
    Task<UnitResult> RunAsync(UnitOrder order, Action laneFree, CancellationToken cancel);

    /// <summary>How far the units that run are.</summary>
    WorkerSample Sample();

    /// <summary>Memory of all processes of the engine, without the coordinator's own, in bytes.</summary>
    long MemoryBytes();
}
