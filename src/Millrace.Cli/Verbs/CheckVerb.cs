using System.CommandLine;
using Millrace.Cli.Display;
using Millrace.Cli.Input;
using Millrace.Planning;

namespace Millrace.Cli.Verbs;

/// <summary><c>millrace check</c>: finds every mistake before a run does.</summary>
internal static class CheckVerb
{
    /// <summary>The verb's definition.</summary>
    public static Command Define(Shell shell)
    {
        var verb = new Verb(
            "check",
            "Find every mistake in a job at once: keys, connections, rights, types, free disk. Moves nothing.",
            ("check job.yaml", "Check the job file, the source and the target."));
        var job = new JobOptions();
        var output = new OutputOptions();
        job.AddTo(verb);
        output.AddTo(verb);
        verb.SetAction((parsed, cancel) => RunAsync(job.Read(parsed), output.Read(parsed), shell, cancel));
        return verb;
    }

    private static async Task<int> RunAsync(JobArguments arguments, OutputStyle style, Shell shell, CancellationToken cancel)
    {
        if (await JobInput.ReadAsync(arguments, style, shell, cancel).ConfigureAwait(false) is not { } job)
        {
            return 2;
        }

        var check = await new JobInspection(RunSetup.Options(shell, new Unheard())).CheckAsync(job, cancel).ConfigureAwait(false);
        if (style == OutputStyle.Json)
        {
            Tell(check, new JsonLines(shell));
        }
        else
        {
            foreach (var text in style == OutputStyle.Human ? check.Found : [])
            {
                shell.Out.Write($"ok  {shell.Safe(text)}\n");
            }

            await shell.Out.FlushAsync(cancel).ConfigureAwait(false);
            new FaultPrinter(shell).Print(check.Faults);
        }

        return ExitCodes.Of(check.Faults);
    }

    private static void Tell(JobCheck check, JsonLines lines)
    {
        foreach (var text in check.Found)
        {
            lines.Write("found", json => lines.Text(json, "message", text));
        }

        foreach (var fault in check.Faults)
        {
            lines.Error(fault);
        }

        lines.Write("checked", json => json.WriteNumber("mistakes", check.Faults.Length));
    }
}
