using System.Globalization;
using Millrace.Faults;
using Millrace.Runs;

namespace Millrace.Verify;

/// <summary>
/// Where a verification keeps what does not fit into memory: <c>verify/</c> in the run's folder. It is there while the run is being verified,
/// by one process at a time; what a killed one has left goes when the next begins.
/// </summary>
internal sealed class VerifyFolder : IDisposable
{
    /// <summary>How the files end whose rows are compared; others were not read to their end.</summary>
    public const string PickedEnding = ".parquet";

    private readonly FileLock _lock;
    private readonly string _path;

    private VerifyFolder(FileLock held, string path)
    {
        _lock = held;
        _path = path;
    }

    /// <summary>Where DuckDB may spill.</summary>
    public string Spill => Path.Combine(_path, "spill");

    /// <summary>The same for the target, where it is read through a database of its own.</summary>
    public string TargetSpill => Path.Combine(_path, "target-spill");

    /// <summary>Rows of the source that are compared one by one: a file a unit.</summary>
    public string Source => Path.Combine(_path, "source");

    /// <summary>The same of the target.</summary>
    public string Target => Path.Combine(_path, "target");

    /// <summary>Units of the source that are read a second time, as lines.</summary>
    public string SourceUnits => Path.Combine(_path, "source.ndjson");

    /// <summary>What is read a second time of the target, as lines: results of units, or parts of its table.</summary>
    public string TargetUnits => Path.Combine(_path, "target.ndjson");

    /// <summary>Takes a run's folder, empty.</summary>
    /// <exception cref="Fault">Somebody else verifies the run, or the folder can't be written.</exception>
    public static VerifyFolder Take(RunDirectory run)
    {
        try
        {
            var held = FileLock.TryAcquire(run.Path + "/verify.lock", string.Create(CultureInfo.InvariantCulture, $"process {Environment.ProcessId} on {Environment.MachineName}"))
                ?? throw new Fault(FaultKind.Refused, $"the run is being verified already, by {FileLock.HolderOf(run.Path + "/verify.lock") ?? "somebody"}")
                {
                    Where = run.Path, Advice = "Wait for it.",
                };
            var folder = new VerifyFolder(held, Path.Combine(run.Path, "verify"));
            folder.Clear();
            return folder;
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw FileFaults.From(error, run.Path, FaultSide.Run);
        }
    }

    /// <summary>Empties it, for the next stream.</summary>
    public void Clear()
    {
        if (Directory.Exists(_path)) Directory.Delete(_path, recursive: true);
        foreach (var folder in (string[])[Spill, TargetSpill, Source, Target]) Directory.CreateDirectory(folder);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Directory.Exists(_path)) Directory.Delete(_path, recursive: true);
        _lock.RemoveFiles();
        _lock.Dispose();
    }
}
