using System.CommandLine;
using Millrace.Cli.Input;
using Millrace.Keeper;

namespace Millrace.Cli.Verbs;

/// <summary><c>millrace keep</c>: the process that holds a run's moment when its coordinator is gone; the coordinator starts it.</summary>
internal static class KeepVerb
{
    /// <summary>The verb's name.</summary>
    public const string Name = "keep";

    /// <summary>The verb's definition; not in the help.</summary>
    public static Command Define(Shell shell)
    {
        var verb = new Verb(Name, "Hold a run's moment. Started by a coordinator, never by hand.") { Hidden = true };
        verb.SetAction(async (_, cancel) =>
        {
            using var input = Console.OpenStandardInput();
            using var output = Console.OpenStandardOutput();
            await new KeeperLoop(input, output, Systems.All, shell.Clock).RunAsync(cancel).ConfigureAwait(false);
            return 0;
        });
        return verb;
    }
}
