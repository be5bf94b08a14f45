using Millrace.Faults;

namespace Millrace.Connectors.Files.Target;

/// <summary>
/// Where things lie while they are not visible: <c>.name.millrace</c> beside the target, never inside it. Below it one folder for each
/// run, in that one for each stream; in that <c>units</c> (a file or a folder for each attempt), <c>table</c> (the table as it will be) and, on
/// systems that can't exchange two folders, <c>old</c>.
/// </summary>
/// <param name="Home">The folder beside the target.</param>
internal sealed record StagingPlace(string Home)
{
    /// <summary>The place for a target.</summary>
    /// <exception cref="Fault">There is no folder above the target.</exception>
    public static StagingPlace Of(FileTargetAddress address)
    {
        if (address.Kind == FileTargetKind.StandardOutput) return new StagingPlace(Path.Combine(address.Path, ".stdout.millrace"));
        var above = Path.GetDirectoryName(address.Path) ?? throw new Fault(FaultKind.JobFile, $"{address.Place} has no folder above it to stage in")
        {
            Side = FaultSide.Job, Where = address.Mark.ToString(), Advice = "Name a folder below it, such as /lake.",
        };
        return new StagingPlace(Path.Combine(above, $".{Path.GetFileName(address.Path)}.millrace"));
    }

    /// <summary>All of a run.</summary>
    public string Run(string run) => Path.Combine(Home, FolderName.Of(run));

    /// <summary>A stream of a run.</summary>
    public string Stream(string run, string to) => Path.Combine(Run(run), FolderName.Of(to));

    /// <summary>The lock that commits to one table hold; a stream's name never begins with a dot.</summary>
    public string Lock(string to) => Path.Combine(Home, LockPrefix + FolderName.Of(to));

    /// <summary>How locks' names begin; no run's folder does.</summary>
    public const string LockPrefix = ".lock-";

    /// <summary>Where attempts write, below a stream's folder.</summary>
    public const string Units = "units";

    /// <summary>The table as it will be, below a stream's folder.</summary>
    public const string Table = "table";

    /// <summary>The table as it was, below a stream's folder.</summary>
    public const string Old = "old";
}
