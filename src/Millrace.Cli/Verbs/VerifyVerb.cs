using System.Collections.Immutable;
using System.CommandLine;
using Millrace.Cli.Display;
using Millrace.Cli.Input;
using Millrace.Jobs;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Verify;

namespace Millrace.Cli.Verbs;

/// <summary><c>millrace verify</c>: reads source and target of a run again and compares them.</summary>
internal static class VerifyVerb
{
    /// <summary>The verb's definition.</summary>
    public static Command Define(Shell shell)
    {
        var verb = new Verb(
            "verify",
            "Read source and target of a run once more and compare them: every row, down to the keys that differ. Nothing is changed.",
            ("verify", "Verify the latest run that has succeeded."),
            ("verify 20260102T030405-events-1a2b", "Verify this one."),
            ("verify --key day,shop", "Say by which columns a row is known, where the source has no primary key."));
        var run = new Argument<string?>("RUN") { Arity = ArgumentArity.ZeroOrOne, Description = "The run's id. Default: the latest that has succeeded." };
        var options = new VerifyOptions();
        var output = new OutputOptions();
        verb.Add(run);
        options.AddTo(verb);
        output.AddTo(verb);
        verb.SetAction((parsed, cancel) => RunAsync(parsed.GetValue(run), options.Read(parsed), options.Key(parsed), output.Read(parsed), shell, cancel));
        return verb;
    }

    private static async Task<int> RunAsync(string? run, JobOverrides overrides, ImmutableArray<string> key, OutputStyle style, Shell shell, CancellationToken cancel)
    {
        var state = Path.Combine(shell.Directory, overrides.State ?? StateOption.Default);
        var directory = run is null ? RunList.LatestSucceeded(state) : RunDirectory.Open(state, run);
        var reading = JobResumption.Apply(directory.ReadJob(), overrides);
        if (JobInput.Tell(reading, style, shell) is not { } job)
        {
            return 2;
        }

        IRunObserver observer = style switch
        {
            OutputStyle.Json => new VerifyJsonLines(shell),
            OutputStyle.Quiet => new VerifyNarrator(shell, progress: null),
            _ => new VerifyNarrator(shell, shell.IsTerminal ? new LiveLine(shell) : new PlainLines(shell)),
        };
        var summary = await new RunVerification(RunSetup.Options(shell, observer), key).RunAsync(directory, job, cancel).ConfigureAwait(false);
        return ExitCodes.Of(summary);
    }
}
