using System.CommandLine;

namespace Millrace.Cli.Input;

/// <summary><c>--state</c>: where runs live.</summary>
internal static class StateOption
{
    /// <summary>The folder when nothing says otherwise.</summary>
    public const string Default = ".millrace";

    /// <summary>A new option: each verb has its own.</summary>
    public static Option<string?> Create() => new("--state") { HelpName = "DIR", Description = $"The folder that holds the runs. Default: the job's, else {Default}." };
}
