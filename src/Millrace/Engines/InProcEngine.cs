using Millrace.Runs;
using Millrace.Worker;

namespace Millrace.Engines;

/// <summary>Units as tasks in the coordinator's own process: nothing to start, nothing to ship, but a crash takes all.</summary>
internal sealed class InProcEngine(UnitRunner runner, int lanes) : IEngine
{
    /// <inheritdoc/>
    public int Lanes => lanes;

    /// <inheritdoc/>
    public async Task<UnitResult> RunAsync(UnitOrder order, Action laneFree, CancellationToken cancel) =>
        await Task.Run(() => runner.RunAsync(order, laneFree, cancel), cancel).ConfigureAwait(false);

    /// <inheritdoc/>
    public WorkerSample Sample() => WorkerSample.Of(runner.Progress());

    /// <inheritdoc/>
    public long MemoryBytes() => 0;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => runner.DisposeAsync();
}
