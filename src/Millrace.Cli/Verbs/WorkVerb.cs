using System.CommandLine;
using Millrace.Worker;

namespace Millrace.Cli.Verbs;

/// <summary><c>millrace work</c>: a worker process; the coordinator starts it and talks to it over its pipes.</summary>
internal static class WorkVerb
{
    /// <summary>The verb's name.</summary>
    public const string Name = "work";

    /// <summary>The verb's definition; not in the help.</summary>
    public static Command Define(Shell shell) => PipeVerb.Define(Name, "Run units that come over standard input.", async (input, output, cancel) =>
    {
        using var loop = new WorkerLoop(input, output, Systems.All, shell.Clock);
        await loop.RunAsync(cancel).ConfigureAwait(false);
    });
}
