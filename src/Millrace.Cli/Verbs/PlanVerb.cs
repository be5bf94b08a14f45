using System.CommandLine;
using Millrace.Cli.Display;
using Millrace.Cli.Input;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Cli.Verbs;

/// <summary><c>millrace plan</c>: says how a job would be run, and why.</summary>
internal static class PlanVerb
{
    /// <summary>The verb's definition.</summary>
    public static Command Define(Shell shell)
    {
        var verb = new Verb(
            "plan",
            "Show how a job would run: strategy, units, estimated rows and bytes, memory, and why. Moves nothing.",
            ("plan job.yaml", "Plan every stream of the job file."),
            ("plan --from '${PG_URL}' --to ./lake --stream 'public.*' --json", "Plan a whole schema, for a program to read."));
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

        var faults = new List<Fault>();
        var lines = new JsonLines(shell);
        var printer = new PlanPrinter(shell);
        InspectedStream? last = null;
        await foreach (var stream in new JobInspection(RunSetup.Options(shell, new Unheard())).PlanAsync(job, cancel).ConfigureAwait(false))
        {
            if (stream.Fault is { } fault)
            {
                faults.Add(fault);
                continue;
            }

            last = stream;
            if (style == OutputStyle.Json)
            {
                lines.Write("plan", json => PlanJson.Write(json, stream, lines));
            }
            else if (style == OutputStyle.Human)
            {
                printer.Stream(stream, job.Target);
            }
        }

        if (style == OutputStyle.Json)
        {
            faults.ForEach(lines.Error);
        }
        else
        {
            new FaultPrinter(shell).Print(faults);
        }

        // The engine follows from all streams together: the last one knows.
        if (last is not null && style == OutputStyle.Json)
        {
            lines.Write("engine", json => PlanJson.Engine(json, last.Engine, last.Budget, last.WhyTooLittleDisk, job.Shuffle));
        }
        else if (last is not null && style == OutputStyle.Human)
        {
            printer.Engine(last.Engine, last.Budget, last.WhyTooLittleDisk, job.Shuffle);
        }

        return ExitCodes.Of(faults);
    }
}
