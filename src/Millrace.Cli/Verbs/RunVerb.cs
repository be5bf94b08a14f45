using System.CommandLine;
using Millrace.Cli.Display;
using Millrace.Cli.Input;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Telemetry;

namespace Millrace.Cli.Verbs;

/// <summary><c>millrace run</c>: moves what a job says.</summary>
internal static class RunVerb
{
    /// <summary>The verb's definition.</summary>
    public static Command Define(Shell shell) => JobVerb.Define(
        new Verb(
            "run",
            "Run a job: plan, move, verify, publish.",
            ("run job.yaml", "Run the job file."),
            ("run --from '${PG_URL}' --to ./lake --stream public.events", "Move one table without a job file."),
            ("run --from 'in/*.csv.gz' --to out.parquet", "Turn files into one Parquet file."),
            ("run job.yaml --set limits.memory=256MB --set streams.public.events.mode=append", "Change keys of the job file for this run.")),
        shell,
        RunAsync);

    private static async Task<int> RunAsync(Job job, OutputStyle style, Shell shell, CancellationToken cancel)
    {
        if (style == OutputStyle.Json && EndpointScheme.IsStandardStream(job.Target.Text))
        {
            var fault = new Fault(FaultKind.Usage, "found --json with the target '-', and both write to standard output")
            {
                Side = FaultSide.Job, Where = job.Target.Mark.ToString(), Advice = "Name a file as the target, or leave --json out.",
            };
            new FaultPrinter(shell).Print([fault]);
            return fault.ExitCode;
        }

        var path = new DataPath(RunSetup.Options(shell, RunSetup.Observer(style, shell)));
        RunSummary summary = await path.RunAsync(job, cancel).ConfigureAwait(false);
        return ExitCodes.Of(summary);
    }
}
