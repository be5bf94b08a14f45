using System.CommandLine;
using Millrace.Cli.Display;
using Millrace.Cli.Input;
using Millrace.Jobs;
using Millrace.Runs;

namespace Millrace.Cli.Verbs;

/// <summary><c>millrace resume</c>: goes on with a run that ended before everything was published.</summary>
internal static class ResumeVerb
{
    /// <summary>The verb's definition.</summary>
    public static Command Define(Shell shell)
    {
        var verb = new Verb(
            "resume",
            "Go on with a run that was killed, cancelled or has failed: what is done stays done.",
            ("resume", "Go on with the latest unfinished run."),
            ("resume 20260102T030405-events-1a2b", "Go on with this one."),
            ("resume --from '${PG_URL}'", "Give the source's password again: run directories hold none."));
        var run = new Argument<string?>("RUN") { Arity = ArgumentArity.ZeroOrOne, Description = "The run's id. Default: the latest unfinished one." };
        var options = new ResumeOptions();
        var output = new OutputOptions();
        verb.Add(run);
        options.AddTo(verb);
        output.AddTo(verb);
        verb.SetAction((parsed, cancel) => RunAsync(parsed.GetValue(run), options.Read(parsed), output.Read(parsed), shell, cancel));
        return verb;
    }

    private static async Task<int> RunAsync(string? run, JobOverrides overrides, OutputStyle style, Shell shell, CancellationToken cancel)
    {
        var state = Path.Combine(shell.Directory, overrides.State ?? StateOption.Default);
        var directory = run is null ? RunList.LatestUnfinished(state) : RunDirectory.Open(state, run);
        var reading = JobResumption.Apply(directory.ReadJob(), overrides);
        if (JobInput.Tell(reading, style, shell) is not { } job)
        {
            return 2;
        }

        var path = new DataPath(RunSetup.Options(shell, RunSetup.Observer(style, shell)));
        return ExitCodes.Of(await path.ResumeAsync(directory, job, cancel).ConfigureAwait(false));
    }
}
