using System.CommandLine;
using Millrace.Cli.Input;
using Millrace.Jobs;

namespace Millrace.Cli.Verbs;

/// <summary>What the verbs that take a job have in common: its options, and that the job is read before anything is done.</summary>
internal static class JobVerb
{
    /// <summary>Gives a verb its options and what it does.</summary>
    /// <param name="verb">The verb.</param>
    /// <param name="shell">Where it runs.</param>
    /// <param name="run">Does it with a job that has no mistake; gives the exit code.</param>
    public static Command Define(Verb verb, Shell shell, Func<Job, OutputStyle, Shell, CancellationToken, Task<int>> run)
    {
        var options = new JobOptions();
        var output = new OutputOptions();
        options.AddTo(verb);
        output.AddTo(verb);
        verb.SetAction(async (parsed, cancel) =>
        {
            var style = output.Read(parsed);
            var job = await JobInput.ReadAsync(options.Read(parsed), style, shell, cancel).ConfigureAwait(false);
            return job is null ? 2 : await run(job, style, shell, cancel).ConfigureAwait(false);
        });
        return verb;
    }
}
