using System.CommandLine;
using Millrace.Cli.Display;
using Millrace.Cli.Input;
using Millrace.Runs;

namespace Millrace.Cli.Verbs;

/// <summary><c>millrace cancel</c>: stops a run and removes what it has staged.</summary>
internal static class CancelVerb
{
    /// <summary>The verb's definition.</summary>
    public static Command Define(Shell shell)
    {
        var verb = new Verb(
            "cancel",
            "Stop a run, wherever on this file system its coordinator lives, and remove what it has staged. Published streams stay.",
            ("cancel 20260102T030405-events-1a2b", "Stop this run and clean up."));
        var run = new Argument<string>("RUN") { Description = "The run's id; 'millrace runs' lists them." };
        var state = StateOption.Create();
        var output = new OutputOptions();
        verb.Add(run);
        verb.Add(state);
        output.AddTo(verb);
        verb.SetAction((parsed, cancel) => RunAsync(parsed.GetRequiredValue(run), parsed.GetValue(state), output.Read(parsed), shell, cancel));
        return verb;
    }

    private static async Task<int> RunAsync(string run, string? state, OutputStyle style, Shell shell, CancellationToken cancel)
    {
        var directory = RunDirectory.Open(Path.Combine(shell.Directory, state ?? StateOption.Default), run);
        var summary = await new RunCancellation(RunSetup.Options(shell, new Unheard())).CancelAsync(directory, directory.ReadJob(), cancel).ConfigureAwait(false);
        if (style == OutputStyle.Json)
        {
            new JsonLines(shell).Write("cancelled", json => JsonLines.Finished(json, summary));
        }
        else if (style == OutputStyle.Human)
        {
            shell.Error.Write($"cancelled {shell.Safe(run)}\n");
        }

        return 0;
    }
}
