using Millrace.Faults;

namespace Millrace.Runs;

/// <summary>
/// One coordinator's hold on a run: the lock, and a fencing number that goes into every object it writes. Disposing it lets go;
/// so does the death of the process.
/// </summary>
public sealed class RunLease : IDisposable
{
    private readonly RunDirectory _directory;
    private readonly FileStream _lock;

    private RunLease(RunDirectory directory, FileStream held, int epoch)
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
        var held = TryLock(directory.LockPath) ?? throw HeldBy(directory);
        try
        {
            await WaitForWorkersAsync(directory, clock, cancel).ConfigureAwait(false);
            var epoch = (directory.LatestEpoch()?.Epoch ?? 0) + 1;
            var record = new EpochRecord { Epoch = epoch, Host = Environment.MachineName, Pid = Environment.ProcessId, Began = clock.GetUtcNow() };
            if (!directory.TryWriteEpoch(record)) throw HeldBy(directory);
            return new RunLease(directory, held, epoch);
        }
        catch
        {
            await held.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Whether a coordinator holds the run right now.</summary>
    public static bool IsHeld(RunDirectory directory)
    {
        using var held = TryLock(directory.LockPath);
        return held is null;
    }

    /// <summary>Throws when another coordinator has taken the run since: this one may publish nothing more.</summary>
    public void AssertHolder()
    {
        var latest = _directory.LatestEpoch()?.Epoch ?? 0;
        if (latest == Epoch) return;
        throw new Fault(FaultKind.Refused, $"another coordinator has taken the run (number {latest}, this one is {Epoch})")
        {
            Where = _directory.Path,
            Advice = "Let that one finish: this one has stopped without publishing anything.",
        };
    }

    /// <inheritdoc/>
    public void Dispose() => _lock.Dispose();

    // .NET takes flock(LOCK_EX) for FileShare.None and flock(LOCK_SH) for a read-only open with FileShare.Read; the kernel
    // lets go when the process dies, however it dies.
    private static FileStream? TryLock(string path)
    {
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static async ValueTask WaitForWorkersAsync(RunDirectory directory, TimeProvider clock, CancellationToken cancel)
    {
        var deadline = clock.GetUtcNow() + TimeSpan.FromSeconds(Limits.WorkerExitSecondsMax);
        while (true)
        {
            using (var alone = TryLock(directory.WorkersLockPath))
            {
                if (alone is not null) return;
            }

            if (clock.GetUtcNow() > deadline)
            {
                throw new Fault(FaultKind.Limit, $"a worker of the earlier coordinator is still alive after {Limits.WorkerExitSecondsMax} s")
                {
                    Where = directory.Path,
                    Advice = "End the processes named `millrace work` of this run, then resume again.",
                };
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), clock, cancel).ConfigureAwait(false);
        }
    }

    private static Fault HeldBy(RunDirectory directory)
    {
        var epoch = directory.LatestEpoch();
        var who = epoch is null ? "another process" : $"process {epoch.Pid} on {epoch.Host}, since {epoch.Began:u}";
        return new Fault(FaultKind.Refused, $"the run is held by {who}")
        {
            Where = directory.Path,
            Advice = $"Wait for it, or stop it with `millrace cancel {directory.Run}`.",
        };
    }
}
