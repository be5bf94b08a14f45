using System.CommandLine;
using Millrace.Cli.Input;
using Millrace.Worker;

namespace Millrace.Cli.Verbs;

/// <summary><c>millrace work</c>: a worker process; the coordinator starts it and talks to it over its pipes.</summary>
internal static class WorkVerb
{
    /// <summary>The verb's name.</summary>
    public const string Name = "work";

    /// <summary>The verb's definition; not in the help.</summary>
    public static Command Define(Shell shell)
    {
        var verb = new Verb(Name, "Run units that come over standard input. Started by a coordinator, never by hand.") { Hidden = true };
        verb.SetAction(async (_, cancel) =>
        {
            using var input = Console.OpenStandardInput();
            using var output = Console.OpenStandardOutput();
            using var loop = new WorkerLoop(input, output, Systems.All, shell.Clock);
            await loop.RunAsync(cancel).ConfigureAwait(false);
            return 0;
        });
        return verb;
    }
}
