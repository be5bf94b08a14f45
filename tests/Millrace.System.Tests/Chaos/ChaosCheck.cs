using System.Diagnostics;
using Millrace.SystemTests.Moves;

namespace Millrace.SystemTests.Chaos;

/// <summary>What a run that has ended well must have left: the rows, each once, and nothing else.</summary>
/// <param name="Losses">Rows that are not there, or not as they were.</param>
/// <param name="Doubles">Rows that are there more than once, or should not be there any more.</param>
/// <param name="Litter">What should not be there, one text each.</param>
internal sealed record ChaosCheck(int Losses, int Doubles, IReadOnlyList<string> Litter)
{
    /// <summary>Counts a server's sessions of the program.</summary>
    public const string Sessions =
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() AND application_name LIKE '%illrace%'";

    private static readonly TimeSpan s_wait = TimeSpan.FromSeconds(10);

    /// <summary>How a folder is looked through.</summary>
    public static EnumerationOptions Everything => new() { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None };

    /// <summary>Looks at everything.</summary>
    public static async Task<ChaosCheck> LookAsync(ChaosWorld world)
    {
        int losses = 0, doubles = 0;
        var found = await world.Target.ReadAsync();
        for (var table = 0; table < found.Count; table++)
        {
            var (there, must) = (found[table], world.Expected[table]);
            losses += Math.Max(0, must.Ids - there.Ids) + (there != must && there.Rows == must.Rows && there.Ids == must.Ids ? 1 : 0);
            doubles += there.Rows - there.Ids + Math.Max(0, there.Ids - must.Ids);
        }

        var litter = new List<string>();
        litter.AddRange(Files(world));
        litter.AddRange(await world.Target.LitterAsync());
        if (!await SoonAsync(() => Task.FromResult(world.Keepers().Count == 0))) litter.Add("a keeper that lives on");
        if (!await SoonAsync(() => Task.FromResult(world.Processes().Count == 0))) litter.Add("a process that lives on");
        if (world.Server is not null && !await SoonAsync(async () => await world.NumberAsync(Sessions) == 0)) litter.Add("a session on the server");
        var runs = await world.AskAsync("runs");
        if (runs.Stdout.Split('\n').Any(static line => line.Length > 0 && !line.Contains("\"succeeded\"", StringComparison.Ordinal))) litter.Add($"a run that did not succeed: {runs.Stdout}");
        return new ChaosCheck(losses, doubles, litter);
    }

    private static IEnumerable<string> Files(ChaosWorld world)
    {
        foreach (var folder in new HashSet<string> { world.Folder, world.Home })
        {
            foreach (var path in Directory.EnumerateFileSystemEntries(folder))
            {
                if (Path.GetFileName(path) is not ("in" or "lake" or "state" or "job.yaml")) yield return path;
            }
        }

        foreach (var path in Directory.EnumerateFileSystemEntries(world.State, "*", Everything))
        {
            if (path.EndsWith(".tmp", StringComparison.Ordinal) || path.EndsWith("/cancel", StringComparison.Ordinal)) yield return path;
            if (path.Contains("/spill/", StringComparison.Ordinal)) yield return path;
        }

        foreach (var path in Directory.EnumerateFileSystemEntries(world.Temporary)) yield return path;
    }

    /// <summary>Whether it is so, at once or in a while: some go a moment after the run, they look every half second whether they are needed.</summary>
    public static async Task<bool> SoonAsync(Func<Task<bool>> ask)
    {
        var began = Stopwatch.GetTimestamp();
        while (!await ask())
        {
            if (Stopwatch.GetElapsedTime(began) > s_wait) return false;
            await Task.Delay(TimeSpan.FromMilliseconds(20), TestContext.Current.CancellationToken);
        }

        return true;
    }
}
