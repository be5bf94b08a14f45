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
    public static Command Define(Shell shell)
    {
        var verb = new Verb(
            "run",
            "Run a job: plan, move, verify, publish.",
            ("run job.yaml", "Run the job file."),
            ("run --from '${PG_URL}' --to ./lake --stream public.events", "Move one table without a job file."),
            ("run --from 'in/*.csv.gz' --to out.parquet", "Turn files into one Parquet file."),
            ("run job.yaml --set limits.memory=256MB --set streams.public.events.mode=append", "Change keys of the job file for this run."));
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
