using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Millrace.Faults;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Transform;

namespace Millrace.Cli.Display;

/// <summary>
/// One JSON object a line on standard output, each with <c>event</c>. The last line of a verb that runs is <c>finished</c>, whatever
/// happened. Names and units never change their meaning: programs read them.
/// </summary>
internal sealed class JsonLines : IRunObserver
{
    private readonly Shell shell;
    private readonly ArrayBufferWriter<byte> buffer = new();
    private readonly HashSet<Fault> told = [];

    /// <summary>Lines on the shell's output stream.</summary>
    public JsonLines(Shell shell) => this.shell = shell;

    /// <inheritdoc/>
    public void On(RunEvent happened)
    {
        switch (happened)
        {
            case ProgressSample sample:
                Write("progress", json => Progress(json, sample));
                break;
            case RunStarted started:
                Write("started", json =>
                {
                    json.WriteString("run", started.Run);
                    json.WriteString("directory", started.Directory);
                    json.WriteBoolean("resumed", started.Resumed);
                });
                break;
            case StreamPlanned planned:
                Write("planned", json => Planned(json, planned));
                break;
            case StageBegun stage:
                Write("stage", json => Stage(json, stage));
                break;
            case UnitFinished unit:
                Write("unit", json => Unit(json, unit));
                break;
            case Warned warned:
                Warn(warned.Text);
                break;
            case StreamCommitted committed:
                Write("committed", json => Committed(json, committed));
                break;
            case StreamFailed failed:
                told.Add(failed.Fault);
                Write("failed", json =>
                {
                    json.WriteString("stream", failed.Stream);
                    Fault(json, failed.Fault);
                });
                break;
            case RunFinished finished:
                Finish(finished.Summary);
                break;
            default:
                Recovered(happened);
                break;
        }
    }

    /// <summary>What a run met and went on from.</summary>
    private void Recovered(RunEvent happened)
    {
        switch (happened)
        {
            case UnitRetried retried:
                Write("retry", json =>
                {
                    UnitName(json, retried.Stream, retried.Unit, retried.Label);
                    json.WriteNumber("attempt", retried.Attempt);
                    Fault(json, retried.Reason);
                });
                break;
            case UnitDivided divided:
                Write("divided", json =>
                {
                    UnitName(json, divided.Stream, divided.Unit, divided.Label);
                    Parts(json, divided.Parts);
                    Fault(json, divided.Reason);
                });
                break;
            case UnitSlow slow:
                Write("slow", json =>
                {
                    UnitName(json, slow.Stream, slow.Unit, slow.Label);
                    Parts(json, slow.Parts);
                    json.WriteNumber("seconds", Math.Round(slow.Taken.TotalSeconds, 1));
                    json.WriteNumber("usual_seconds", Math.Round(slow.Usual.TotalSeconds, 1));
                });
                break;
            case RangeLost lost:
                Write("lost", json =>
                {
                    UnitName(json, lost.Stream, lost.Unit, lost.Label);
                    Fault(json, lost.Reason);
                });
                break;
            case WorkerLost lost:
                Write("worker_lost", json =>
                {
                    json.WriteNumber("pid", lost.Pid);
                    Text(json, "message", lost.Reason);
                });
                break;
        }
    }

    /// <summary>A fault outside a run: <c>{"event":"error",...}</c>.</summary>
    public void Error(Fault fault) => Write("error", json => Fault(json, fault));

    /// <summary>A warning.</summary>
    public void Warn(string text) => Write("warning", json => Text(json, "message", text));

    /// <summary>The last line of a run, after those of its faults that no stream's <c>failed</c> has told.</summary>
    public void Finish(RunSummary summary)
    {
        foreach (var fault in summary.Faults)
        {
            if (told.Add(fault))
            {
                Error(fault);
            }
        }

        Write("finished", json => Finished(json, summary));
    }

    /// <summary>Any other line.</summary>
    /// <param name="name">The event's name.</param>
    /// <param name="properties">Writes its properties.</param>
    public void Write(string name, Action<Utf8JsonWriter> properties)
    {
        buffer.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("event", name);
            properties(json);
            json.WriteEndObject();
        }

        shell.Out.Write(Encoding.UTF8.GetString(buffer.WrittenSpan));
        shell.Out.Write('\n');
        shell.Out.Flush();
    }

    /// <summary>A text for people, without secrets; null stays null.</summary>
    public void Text(Utf8JsonWriter json, string name, string? text) => json.WriteString(name, text is null ? null : shell.Redactor.Scrub(text));

    /// <summary>A fault's properties.</summary>
    public void Fault(Utf8JsonWriter json, Fault fault)
    {
        json.WriteString("kind", JsonNamingPolicy.SnakeCaseLower.ConvertName(fault.Kind.ToString()));
        json.WriteString("side", JsonNamingPolicy.SnakeCaseLower.ConvertName(fault.Side.ToString()));
        Text(json, "where", fault.Where);
        Text(json, "message", fault.Message);
        Text(json, "advice", fault.Advice);
        Text(json, "code", fault.Code);
        json.WriteNumber("exit_code", fault.ExitCode);
        FaultJson.WriteFrames(json, fault);
    }

    /// <summary>The properties of <c>finished</c>, in their published order.</summary>
    public static void Finished(Utf8JsonWriter json, RunSummary summary)
    {
        json.WriteString("run", summary.Run.Length == 0 ? null : summary.Run);
        json.WriteString("status", summary.Status.ToString().ToLowerInvariant());
        json.WriteNumber("rows_read", summary.RowsRead);
        json.WriteNumber("rows_written", summary.RowsWritten);
        json.WriteNumber("rows_rejected", summary.RowsRejected);
        Lookups(json, summary.Lookups);
        json.WriteNumber("bytes_read", summary.BytesRead);
        json.WriteNumber("bytes_written", summary.BytesWritten);
        json.WriteNumber("units", summary.Units);
        json.WriteNumber("retries", summary.Retries);
        json.WriteNumber("splits", summary.Splits);
        json.WriteNumber("seconds", summary.Seconds);
        json.WriteNumber("peak_memory_bytes", summary.PeakMemoryBytes);
        json.WriteStartObject("hashes");
        foreach (var (stream, hash) in summary.Hashes)
        {
            json.WriteString(stream, hash);
        }

        json.WriteEndObject();
        json.WriteStartObject("rules");
        foreach (var (stream, rules) in summary.Rules) RuleLines.Write(json, stream, rules, withSamples: false);
        json.WriteEndObject();
    }

    private static void Progress(Utf8JsonWriter json, ProgressSample sample)
    {
        json.WriteNumber("rows_read", sample.RowsRead);
        json.WriteNumber("bytes_read", sample.BytesRead);
        json.WriteNumber("units_done", sample.UnitsDone);
        json.WriteNumber("units_total", sample.UnitsTotal);
        if (sample.Fraction is { } fraction)
        {
            json.WriteNumber("fraction", Math.Round(fraction, 4));
        }
        else
        {
            json.WriteNull("fraction");
        }

        json.WriteNumber("seconds", Math.Round(sample.Elapsed.TotalSeconds, 3));
        json.WriteNumber("memory_bytes", sample.MemoryBytes);
        json.WriteNumber("running", sample.Running);
        json.WriteNumber("retries", sample.Retries);
    }

    private void Planned(Utf8JsonWriter json, StreamPlanned planned)
    {
        PlanJson.Write(json, planned.Plan, this);
        json.WriteString("to", planned.To);
        json.WriteString("engine", planned.Engine.ToString().ToLowerInvariant());
        json.WriteNumber("done_units", planned.DoneUnits);
    }

    private void Stage(Utf8JsonWriter json, StageBegun stage)
    {
        Text(json, "stream", stage.Stream);
        json.WriteNumber("stage", stage.Stage);
        json.WriteNumber("of", stage.Of);
        Text(json, "does", stage.Text);
        json.WriteNumber("units", stage.Units);
        json.WriteNumber("done_units", stage.DoneUnits);
    }

    private void Unit(Utf8JsonWriter json, UnitFinished unit)
    {
        UnitName(json, unit.Stream, unit.Unit, unit.Label);
        json.WriteNumber("rows", unit.Rows);
        json.WriteNumber("rows_rejected", unit.Rejected);
        Lookups(json, unit.Lookups);
        json.WriteNumber("bytes_read", unit.BytesRead);
        json.WriteNumber("bytes_written", unit.BytesWritten);
        json.WriteNumber("seconds", Math.Round(unit.Seconds, 3));
    }

    private void UnitName(Utf8JsonWriter json, string stream, long unit, string label)
    {
        json.WriteString("stream", stream);
        json.WriteNumber("unit", unit);
        Text(json, "label", label);
    }

    private void Parts(Utf8JsonWriter json, ImmutableArray<string> parts)
    {
        json.WriteStartArray("parts");
        foreach (var part in parts) json.WriteStringValue(shell.Redactor.Scrub(part));
        json.WriteEndArray();
    }

    private static void Lookups(Utf8JsonWriter json, LookupCounts? lookups)
    {
        if (lookups is null) return;
        json.WriteStartObject("lookups");
        json.WriteNumber("keys", lookups.Keys);
        json.WriteNumber("hits", lookups.Hits);
        json.WriteNumber("missing", lookups.Missing);
        json.WriteNumber("queries", lookups.Queries);
        json.WriteEndObject();
    }

    private void Committed(Utf8JsonWriter json, StreamCommitted committed)
    {
        json.WriteString("stream", committed.Stream);
        json.WriteNumber("rows", committed.Receipt.Rows);
        json.WriteNumber("rows_rejected", committed.Rejected);
        Lookups(json, committed.Lookups);
        json.WriteNumber("files", committed.Receipt.Files);
        json.WriteNumber("bytes", committed.Receipt.Bytes);
        json.WriteString("hash", committed.Hash);
        json.WriteBoolean("already_done", committed.Receipt.AlreadyDone);
        Text(json, "place", committed.Receipt.Place);
        Text(json, "rejects", committed.Rejects);
        RuleLines.Write(json, "rules", committed.Rules, withSamples: true);
    }
}
