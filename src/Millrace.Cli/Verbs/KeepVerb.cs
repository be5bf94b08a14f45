using System.CommandLine;
using Millrace.Keeper;

namespace Millrace.Cli.Verbs;

/// <summary><c>millrace keep</c>: the process that holds a run's moment when its coordinator is gone; the coordinator starts it.</summary>
internal static class KeepVerb
{
    /// <summary>The verb's name.</summary>
    public const string Name = "keep";

    /// <summary>The verb's definition; not in the help.</summary>
    public static Command Define(Shell shell) => PipeVerb.Define(
        Name, "Hold a run's moment.", (input, output, cancel) => new KeeperLoop(input, output, Systems.All, shell.Clock).RunAsync(cancel));
}
