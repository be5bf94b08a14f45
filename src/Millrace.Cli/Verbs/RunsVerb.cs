using System.CommandLine;
using System.Globalization;
using Millrace.Cli.Display;
using Millrace.Cli.Input;
using Millrace.Faults;
using Millrace.Runs;
using Millrace.Telemetry;

namespace Millrace.Cli.Verbs;

/// <summary><c>millrace runs</c>: lists runs; <c>runs prune</c> removes old ones.</summary>
internal static class RunsVerb
{
    private const int KeepDefault = 20;

    /// <summary>The verb's definition.</summary>
    public static Command Define(Shell shell)
    {
        var verb = new Verb(
            "runs",
            "List the runs of a state folder, the latest first.",
            ("runs", "List them."),
            ("runs prune --keep 5", "Remove all but the latest five that have ended."));
        var state = StateOption.Create();
        var output = new OutputOptions();
        verb.Add(state);
        output.AddTo(verb);
        verb.SetAction(parsed => List(parsed.GetValue(state), output.Read(parsed), shell));
        verb.Add(Prune(shell));
        return verb;
    }

    private static Verb Prune(Shell shell)
    {
        var verb = new Verb(
            "prune",
            "Remove runs that have ended, with whatever they have staged. Published tables stay. Runs that can be resumed stay, unless --unfinished.",
            ("runs prune --keep 5", "Remove all but the latest five."));
        var keep = new Option<int>("--keep") { HelpName = "N", DefaultValueFactory = _ => KeepDefault, Description = "How many of the latest runs stay." };
        var unfinished = new Option<bool>("--unfinished") { Description = "Remove failed, cancelled and interrupted runs too: they can't be resumed then." };
        var state = StateOption.Create();
        var output = new OutputOptions();
        keep.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && int.TryParse(result.Tokens[0].Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number < 0)
            {
                result.AddError($"found --keep {number}, expected 0 or more");
            }
        });
        verb.Add(keep);
        verb.Add(unfinished);
        verb.Add(state);
        output.AddTo(verb);
        verb.SetAction((parsed, cancel) => PruneAsync(parsed.GetValue(state), parsed.GetValue(keep), parsed.GetValue(unfinished), output.Read(parsed), shell, cancel));
        return verb;
    }

    private static int List(string? state, OutputStyle style, Shell shell)
    {
        var lines = new JsonLines(shell);
        foreach (var run in RunList.Enumerate(Path.Combine(shell.Directory, state ?? StateOption.Default)))
        {
            if (style == OutputStyle.Json)
            {
                lines.Write("run", json => RunJsonLines.Write(json, run));
                continue;
            }

            var summary = run.Report?.Summary;
            var figures = summary is null ? "" : $"  {Figures.Count(summary.RowsWritten, "row")}, {Figures.Bytes(summary.BytesWritten)} in {Figures.Duration(TimeSpan.FromSeconds(summary.Seconds))}";
            shell.Out.Write($"{shell.Safe($"{run.Directory.Run}  {run.Status.ToString().ToLowerInvariant(),-11}{figures}")}\n");
        }

        return 0;
    }

    private static async Task<int> PruneAsync(string? state, int keep, bool unfinished, OutputStyle style, Shell shell, CancellationToken cancel)
    {
        var lines = new JsonLines(shell);
        var cancellation = new RunCancellation(RunSetup.Options(shell, new Unheard()));
        var faults = new List<Fault>();
        var ended = RunList.Enumerate(Path.Combine(shell.Directory, state ?? StateOption.Default))
            .Where(run => run.Status != RunStatus.Running && (unfinished || !run.CanResume));
        foreach (var run in ended.Skip(keep).ToArray())
        {
            try
            {
                await RemoveAsync(run, cancellation, cancel).ConfigureAwait(false);
            }
            catch (Fault fault)
            {
                faults.Add(fault);
                continue;
            }

            if (style == OutputStyle.Json)
            {
                lines.Write("removed", json => json.WriteString("run", run.Directory.Run));
            }
            else if (style == OutputStyle.Human)
            {
                shell.Out.Write($"removed {run.Directory.Run}\n");
            }
        }

        new FaultPrinter(shell).Print(faults);
        return ExitCodes.Of(faults);
    }

    /// <summary>A run that could be resumed may have staged something: that goes first, or it would lie there for ever.</summary>
    private static async Task RemoveAsync(RunListing run, RunCancellation cancellation, CancellationToken cancel)
    {
        var job = run.Directory.ReadJob();
        if (run.CanResume)
        {
            await cancellation.CancelAsync(run.Directory, job, cancel).ConfigureAwait(false);
        }
        else
        {
            await cancellation.RemoveStoredAsync(run.Directory, job, cancel).ConfigureAwait(false);
        }

        RunList.Remove(RunList.Describe(run.Directory));
    }
}
