using Millrace.Cli.Input;
using Millrace.Jobs;
using Millrace.Telemetry;

namespace Millrace.Cli.Display;

/// <summary>Tells a run to people: a line for what matters, and the progress between.</summary>
internal sealed class RunNarrator : IRunObserver
{
    private const int RejectsNamedMax = 20;

    private readonly Shell shell;
    private readonly IProgressLine progress;
    private readonly FaultPrinter faults;
    private readonly HashSet<Faults.Fault> told = [];
    private readonly List<StreamCommitted> rejected = [];
    private int planned;
    private string stateOption = "";

    /// <summary>A narrator whose progress goes to a line.</summary>
    public RunNarrator(Shell shell, IProgressLine progress)
    {
        this.shell = shell;
        this.progress = progress;
        faults = new FaultPrinter(shell);
    }

    /// <inheritdoc/>
    public void On(RunEvent happened)
    {
        switch (happened)
        {
            case ProgressSample sample:
                progress.Show(sample);
                break;
            case RunStarted started:
                stateOption = StateOption.For(started.Directory, shell.Directory);
                Print($"{(started.Resumed ? "resumed" : "run")} {started.Run}");
                break;
            case StreamPlanned stream:
                Planned(stream);
                break;
            case StageBegun stage:
                var before = stage.DoneUnits > 0 ? $", {Figures.Whole(stage.DoneUnits)} of them done before" : "";
                Print($"{stage.Stream}: stage {stage.Stage} of {stage.Of}, {stage.Text}: about {Figures.Count(stage.Units, "unit")}{before}");
                break;
            case UnitRetried retried:
                progress.Print(faults.Warning($"{retried.Stream}: {retried.Label} failed at attempt {retried.Attempt} and is tried again: {retried.Reason.Message}"));
                break;
            case UnitDivided divided:
                var parts = divided.Parts is [var again] ? $"once more, {again}" : $"in {divided.Parts.Length} parts";
                progress.Print(faults.Warning($"{divided.Stream}: {divided.Label} is read {parts}: {divided.Reason.Message}"));
                break;
            case UnitSlow slow:
                progress.Print(faults.Warning($"{slow.Stream}: {slow.Label} has run for {Figures.Duration(slow.Taken)}, others took {Figures.Duration(slow.Usual)}: it is also read in {slow.Parts.Length} parts, what ends first counts"));
                break;
            case RangeLost range:
                progress.Print(faults.Warning($"{range.Stream}: {range.Label} can't be read and can't be divided further; the rest goes on: {range.Reason.Message}"));
                break;
            case WorkerLost lost:
                progress.Print(faults.Warning($"worker {lost.Pid} {lost.Reason}; it is replaced"));
                break;
            case Warned warned:
                progress.Print(faults.Warning(warned.Text));
                break;
            case StreamCommitted committed:
                Committed(committed);
                break;
            case StreamFailed failed:
                Tell(failed.Fault);
                break;
            case RunFinished finished:
                progress.End();
                Finish(finished.Summary);
                break;
        }
    }

    private void Committed(StreamCommitted committed)
    {
        var receipt = committed.Receipt;
        var aside = committed.Rejected > 0 ? $"; {Figures.Count(committed.Rejected, "row")} rejected" : "";
        Print($"{committed.Stream} is in {receipt.Place}: {Figures.Of(receipt)}{(receipt.AlreadyDone ? " (it already was)" : "")}{aside}{(RuleLines.Sum(committed.Rules) is { } rules ? $"; {rules}" : "")}");
        if (committed.Lookups is { } found)
            Print($"  looked up {Figures.Count(found.Keys, "key")}: {Figures.Whole(found.Hits)} from memory, {Figures.Whole(found.Queries)} queries, {Figures.Whole(found.Missing)} not there");
        if (committed.Rejected > 0 && rejected.Count < RejectsNamedMax) rejected.Add(committed);
    }

    private void Planned(StreamPlanned stream)
    {
        var plan = stream.Plan;
        var rows = plan.EstimatedRows is { } estimate ? $"about {Figures.Short(estimate)} {(estimate == 1 ? "row" : "rows")}, " : "";
        var done = stream.DoneUnits > 0 ? $", {Figures.Whole(stream.DoneUnits)} of them done before" : "";
        Print($"{plan.Stream.Name}: {rows}about {Figures.Count(plan.EstimatedUnits, "unit")} by {PlanPrinter.Strategy(plan.Strategy)}{done}, {Engine(stream.Engine)}");
        foreach (var remark in planned++ < 20 ? plan.Remarks : [])
        {
            Print($"  {remark}");
        }
    }

    private void Finish(RunSummary summary)
    {
        foreach (var fault in summary.Faults)
        {
            Tell(fault);
        }

        var figures = $"{Figures.Count(summary.RowsWritten, "row")}, {Figures.Bytes(summary.BytesWritten)} in {Figures.Duration(TimeSpan.FromSeconds(summary.Seconds))}"
            + $" ({Figures.Short(summary.RowsRead / Math.Max(summary.Seconds, 0.001))} rows/s, peak memory {Figures.Bytes(summary.PeakMemoryBytes)})";
        var again = summary.Run.Length > 0 ? $"; 'millrace resume {summary.Run}{stateOption}' goes on where it stopped" : "";
        Print(summary.Status switch
        {
            RunStatus.Succeeded => $"done: {figures}",
            RunStatus.Cancelled => $"cancelled after {Figures.Duration(TimeSpan.FromSeconds(summary.Seconds))}{again}",
            _ => $"failed after {Figures.Duration(TimeSpan.FromSeconds(summary.Seconds))}{again}",
        });
        if (summary.RowsRejected > 0) Print($"in quarantine, not in the target: {Figures.Count(summary.RowsRejected, "row")}");
        foreach (var stream in rejected) Print($"  {stream.Stream}: {Figures.Count(stream.Rejected, "row")} in {stream.Rejects}");
    }

    /// <summary>A stream's fault comes with its failure and again with the summary: it is told once.</summary>
    private void Tell(Faults.Fault fault)
    {
        if (told.Add(fault))
        {
            progress.Print(faults.Text(fault));
        }
    }

    private void Print(string line) => progress.Print(shell.Safe(line));

    private static string Engine(EngineChoice engine) => engine == EngineChoice.Local ? "in worker processes" : "in this process";
}
