using Millrace.Faults;

namespace Millrace.Runs;

/// <summary>
/// One coordinator's hold on a run: the lock, and a fencing number that goes into every object it writes. Disposing it lets go;
/// so does the death of the process.
/// </summary>
public sealed class RunLease : IDisposable
{
    private readonly RunDirectory _directory;
    private readonly FileLock _lock;

    private RunLease(RunDirectory directory, FileLock held, int epoch)
    {
        _directory = directory;
        _lock = held;
        Epoch = epoch;
    }

    /// <summary>The fencing number, from 1.</summary>
    public int Epoch { get; }

    /// <summary>Takes the run, after every worker of an earlier coordinator has gone. A run that somebody holds is a fault that says who.</summary>
    public static async ValueTask<RunLease> TakeAsync(RunDirectory directory, TimeProvider clock, CancellationToken cancel)
    {
        var me = $"process {Environment.ProcessId} on {Environment.MachineName}";
        var held = FileLock.TryAcquire(directory.LockPath, me) ?? throw HeldBy(directory);
        try
        {
            await WaitForWorkersAsync(directory, me, clock, cancel).ConfigureAwait(false);
            var epoch = (directory.LatestEpoch()?.Epoch ?? 0) + 1;
            var record = new EpochRecord { Epoch = epoch, Host = Environment.MachineName, Pid = Environment.ProcessId, Began = clock.GetUtcNow() };
            if (!directory.TryWriteEpoch(record)) throw HeldBy(directory);
            directory.RemoveTemporaries();
            return new RunLease(directory, held, epoch);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Whether a coordinator holds the run right now.</summary>
    public static bool IsHeld(RunDirectory directory)
    {
        try
        {
            // Shared, so that two who ask never take each other for a holder.
            using var asked = new FileStream(directory.LockPath, FileMode.Open, FileAccess.Read, FileShare.Read);
            return false;
        }
        catch (FileNotFoundException)
        {
            return false;
        }
        catch (IOException)
        {
            return true;
        }
    }

    /// <summary>Why this coordinator may do nothing more: another one has taken the run since. Null while it holds the run.</summary>
    public Fault? Replaced()
    {
        var latest = _directory.LatestEpoch()?.Epoch ?? 0;
        if (latest == Epoch) return null;
        return new Fault(FaultKind.Refused, $"another coordinator has taken the run (number {latest}, this one is {Epoch})")
        {
            Where = _directory.Path,
            Advice = "Let that one finish: this one has stopped without publishing anything.",
        };
    }

    /// <summary>Throws when another coordinator has taken the run since: this one may publish nothing more.</summary>
    public void AssertHolder()
    {
        if (Replaced() is { } fault) throw fault;
    }

    /// <inheritdoc/>
    public void Dispose() => _lock.Dispose();

    /// <summary>Workers hold their lock shared while they live, so that having it alone means that none does.</summary>
    private static async ValueTask WaitForWorkersAsync(RunDirectory directory, string me, TimeProvider clock, CancellationToken cancel)
    {
        var wait = TimeSpan.FromSeconds(Limits.WorkerExitSecondsMax);
        using var alone = await FileLock.AcquireAsync(directory.WorkersLockPath, me, wait, clock, cancel).ConfigureAwait(false);
        if (alone is not null) return;
        throw new Fault(FaultKind.Limit, $"a worker of the earlier coordinator is still alive after {Limits.WorkerExitSecondsMax} s")
        {
            Where = directory.Path,
            Advice = "End the processes named `millrace work` of this run, then resume again.",
        };
    }

    private static Fault HeldBy(RunDirectory directory)
    {
        var who = FileLock.HolderOf(directory.LockPath) ?? "another process";
        return new Fault(FaultKind.Refused, $"the run is held by {who}")
        {
            Where = directory.Path,
            Advice = $"Wait for it, or stop it with `millrace cancel {directory.Run}`.",
        };
    }
}
