using Millrace.Jobs;

namespace Millrace.Runs;

/// <summary>
/// The first moment of a run: from its empty folder to <c>run.json</c>, which makes it one. Whoever makes it holds its lock meanwhile; a
/// folder without <c>run.json</c> whose lock is free is what a killed process has left, and goes when the next run begins.
/// </summary>
internal static class RunBeginning
{
    private const string Manifest = "run.json";

    /// <summary>Makes a run's folder. False: another run that began took it for a dead one's, so that it needs another name.</summary>
    public static bool TryMake(string path, Job job, RunManifest manifest)
    {
        Directory.CreateDirectory(path);
        using var held = Hold(path);
        if (held is null) return false;
        Directory.CreateDirectory(Path.Combine(path, "epochs"));
        Directory.CreateDirectory(Path.Combine(path, "streams"));
        DurableFiles.CreateIfAbsent(Path.Combine(path, "job.json"), JobJson.Write(job));
        DurableFiles.CreateIfAbsent(Path.Combine(path, Manifest), RunJson.Line(manifest, RunJson.Default.RunManifest));
        return true;
    }

    /// <summary>Removes what killed processes have left of runs that never began. What can't be removed stays.</summary>
    public static void RemoveDead(string runs)
    {
        if (!Directory.Exists(runs)) return;
        foreach (var folder in Directory.EnumerateDirectories(runs))
        {
            if (File.Exists(Path.Combine(folder, Manifest))) continue;
            try
            {
                using var held = Hold(folder);
                if (held is not null && !File.Exists(Path.Combine(folder, Manifest))) Directory.Delete(folder, recursive: true);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // Somebody else's, or a full disk: it harms nobody.
            }
        }
    }

    private static FileLock? Hold(string folder)
    {
        try
        {
            return FileLock.TryAcquire(Path.Combine(folder, "lock"), $"process {Environment.ProcessId} on {Environment.MachineName}");
        }
        catch (DirectoryNotFoundException)
        {
            return null;
        }
    }
}
