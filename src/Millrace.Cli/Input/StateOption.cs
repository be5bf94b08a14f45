using System.CommandLine;

namespace Millrace.Cli.Input;

/// <summary><c>--state</c>: where runs live.</summary>
internal static class StateOption
{
    /// <summary>The folder when nothing says otherwise.</summary>
    public const string Default = ".millrace";

    /// <summary>A new option: each verb has its own.</summary>
    /// <param name="hasJob">True when the verb reads a job, which may name the folder itself.</param>
    public static Option<string?> Create(bool hasJob = false) =>
        new("--state") { HelpName = "DIR", Description = $"The folder that holds the runs. Default: {(hasJob ? "the job's, else " : "")}{Default}." };

    /// <summary>The option that names the state folder of a run again; empty for the default.</summary>
    /// <param name="runDirectory">The run's directory.</param>
    /// <param name="current">The current directory.</param>
    public static string For(string runDirectory, string current)
    {
        var state = Path.GetDirectoryName(Path.GetDirectoryName(runDirectory)) ?? runDirectory;
        return state == Path.GetFullPath(Path.Combine(current, Default)) ? "" : $" --state {Path.GetRelativePath(current, state)}";
    }
}
