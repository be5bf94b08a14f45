using System.Collections.Immutable;
using Millrace.Faults;
using Millrace.Telemetry;
using Millrace.Verify;

namespace Millrace.Cli.Display;

/// <summary>Tells a verification to people: what was found on standard output, progress and faults on standard error.</summary>
internal sealed class VerifyNarrator : IRunObserver
{
    private readonly Shell shell;
    private readonly IProgressLine? progress;
    private readonly FaultPrinter faults;
    private readonly HashSet<Fault> told = [];

    /// <summary>A narrator.</summary>
    /// <param name="shell">Where it talks.</param>
    /// <param name="progress">Where the progress goes; null: only faults are told.</param>
    public VerifyNarrator(Shell shell, IProgressLine? progress)
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
                progress?.Show(sample);
                break;
            case VerifyStarted started:
                progress?.Print(shell.Safe($"verifying run {started.Run}"));
                break;
            case StreamVerified verified when progress is not null:
                progress.End();
                Tell(verified.Verdict);
                break;
            case StreamFailed failed:
                Tell(failed.Fault);
                break;
            case VerifyFinished finished:
                Finish(finished.Summary);
                break;
        }
    }

    private void Tell(StreamVerdict verdict)
    {
        var left = verdict.LeftOut.IsEmpty ? "" : $" (not compared: {string.Join(", ", verdict.LeftOut)})";
        var rows = verdict.RowsInSource == verdict.RowsInTarget ? Figures.Count(verdict.RowsInSource, "row") : $"{Figures.Count(verdict.RowsInSource, "row")} in the source, {Figures.Whole(verdict.RowsInTarget)} in the target";
        Line($"{verdict.Stream}: {(verdict.IsEqual ? "equal" : "DIFFERENT")}: {rows}, {Figures.Count(verdict.Units, "unit")}{left}");
        foreach (var change in verdict.Changes)
        {
            Line($"  {Side(change)}{change.Where}: {change.Text}");
        }

        More(verdict.ChangeCount - verdict.Changes.Length, "change");
        if (verdict.Rows is { } differences)
        {
            Tell(verdict, differences);
        }

        shell.Out.Flush();
    }

    private void Tell(StreamVerdict verdict, RowDifferences rows)
    {
        var least = rows.IsAtLeast ? "at least " : "";
        if (verdict.Key.IsEmpty)
        {
            Line($"  rows without a key (--key names one): {least}{Figures.Whole(rows.OnlyInSource)} only in the source, {Figures.Whole(rows.OnlyInTarget)} only in the target");
        }
        else
        {
            Line($"  by {string.Join(", ", verdict.Key)}: {least}{Figures.Whole(rows.OnlyInSource)} only in the source, {Figures.Whole(rows.OnlyInTarget)} only in the target, {Figures.Whole(rows.Different)} different");
        }

        foreach (var place in rows.Places)
        {
            Line($"    in the {place.Side.ToString().ToLowerInvariant()}, {place.Where}: {place.Text}");
        }

        foreach (var key in rows.Keys)
        {
            Line($"    {Key(verdict.Key, key.Key)}: {Found(key)}");
        }

        More(rows.Keys.IsEmpty ? 0 : rows.OnlyInSource + rows.OnlyInTarget + rows.Different - rows.Keys.Length, "key");
    }

    private void Finish(VerifySummary summary)
    {
        progress?.End();
        foreach (var fault in summary.Faults)
        {
            Tell(fault);
        }

        var equal = summary.Streams.Count(static verdict => verdict.IsEqual);
        var time = Figures.Duration(TimeSpan.FromSeconds(summary.Seconds));
        progress?.Print(summary.Status == RunStatus.Cancelled
            ? $"cancelled after {time}"
            : $"{(summary.Status == RunStatus.Succeeded ? "verified" : "not verified")}: {equal} of {Figures.Count(summary.StreamCount, "stream")} equal, "
                + $"{Figures.Count(summary.Streams.Sum(static verdict => verdict.Units), "unit")}, {Figures.Count(summary.Streams.Sum(static verdict => verdict.RowsInSource), "row")} in {time} (peak memory {Figures.Bytes(summary.PeakMemoryBytes)})");
    }

    private static string Side(PlaceChange change) => change.Side switch
    {
        FaultSide.Source => change.Unit is { } unit ? $"source changed since the run: unit {unit}, " : "source changed since the run: ",
        FaultSide.Target => "target changed since the run: ",
        _ => "",
    };

    /// <summary>A key as people read it: numbers as they are, other text in quotes, so that NULL and '' differ.</summary>
    private static string Key(ImmutableArray<string> columns, ImmutableArray<string?> values) =>
        string.Join(", ", columns.Select((column, i) => $"{column} = {(values[i] is not { } value ? "NULL" : value.Length > 0 && value.All(static c => char.IsAsciiDigit(c) || c is '-' or '.') ? value : Words.Quote(value))}"));

    private static string Found(KeyDifference key) => (key.InSource, key.InTarget) switch
    {
        (_, 0) => "only in the source" + Times(key.InSource),
        (0, _) => "only in the target" + Times(key.InTarget),
        var (source, target) when source != target => $"{source} rows in the source, {target} in the target",
        _ => key.Columns.IsEmpty ? "its rows have other combinations of values" : $"differs in {string.Join(", ", key.Columns)}",
    };

    private static string Times(long rows) => rows == 1 ? "" : $", {rows} rows";

    private void More(long count, string noun)
    {
        if (count > 0)
        {
            Line($"    and {Figures.Count(count, $"more {noun}")}");
        }
    }

    private void Tell(Fault fault)
    {
        if (!told.Add(fault))
        {
            return;
        }

        if (progress is null)
        {
            faults.Print([fault]);
        }
        else
        {
            progress.Print(faults.Text(fault));
        }
    }

    private void Line(string text) => shell.Out.Write($"{shell.Safe(text)}\n");
}
