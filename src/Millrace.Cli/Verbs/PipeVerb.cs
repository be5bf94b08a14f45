using System.CommandLine;
using Millrace.Cli.Input;

namespace Millrace.Cli.Verbs;

/// <summary>A verb that a coordinator starts and talks to over its pipes; not in the help.</summary>
internal static class PipeVerb
{
    /// <summary>The verb's definition.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="does">What it does.</param>
    /// <param name="run">Runs over standard input and output.</param>
    public static Command Define(string name, string does, Func<Stream, Stream, CancellationToken, Task> run)
    {
        var verb = new Verb(name, $"{does} Started by a coordinator, never by hand.") { Hidden = true };
        verb.SetAction(async (_, cancel) =>
        {
            using var input = Console.OpenStandardInput();
            using var output = Console.OpenStandardOutput();
            await run(input, output, cancel).ConfigureAwait(false);
            return 0;
        });
        return verb;
    }
}
