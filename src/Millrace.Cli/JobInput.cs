using Millrace.Cli.Display;
using Millrace.Cli.Input;
using Millrace.Jobs;
using Millrace.Jobs.Secrets;
using Millrace.Telemetry;

namespace Millrace.Cli;

/// <summary>Reads the job that a verb is about, and tells what is wrong with it in the verb's own style.</summary>
internal static class JobInput
{
    /// <summary>The job, or null after every mistake was told.</summary>
    public static async Task<Job?> ReadAsync(JobArguments arguments, OutputStyle style, Shell shell, CancellationToken cancel)
    {
        var reading = arguments.File is null
            ? JobReader.ReadShortForm(arguments.Overrides, shell.Directory)
            : await JobReader.ReadFileAsync(arguments.File, arguments.Overrides, shell.Directory, cancel).ConfigureAwait(false);
        return Tell(reading, style, shell);
    }

    /// <summary>A state folder is no secret: it is resolved here, and messages may name it.</summary>
    private static Job WithStateResolved(Job job, Shell shell) =>
        job with { State = new SecretResolver(new Redactor(), shell.Directory, shell.Variable).Resolve(job.State, new Mark("state")).Reveal() };

    /// <summary>The job that was read, or null after every mistake was told.</summary>
    public static Job? Tell(JobReading reading, OutputStyle style, Shell shell)
    {
        var printer = new FaultPrinter(shell);
        if (style == OutputStyle.Json)
        {
            var lines = new JsonLines(shell);
            foreach (var warning in reading.Warnings)
            {
                lines.Warn(warning.Describe());
            }

            if (reading.Job is null)
            {
                lines.Finish(new RunSummary { Run = "", Status = RunStatus.Failed, Faults = reading.Faults });
            }
        }
        else if (style == OutputStyle.Human)
        {
            printer.Print(reading.Warnings);
        }

        if (style != OutputStyle.Json)
        {
            printer.Print(reading.Faults);
        }

        return reading.Job is { } job ? WithStateResolved(job, shell) : null;
    }
}
