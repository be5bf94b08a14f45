using System.Text.Json;
using Millrace.Telemetry;
using Millrace.Verify;

namespace Millrace.Cli.Display;

/// <summary>A verification as JSON lines: <c>started</c>, <c>progress</c>, <c>verified</c> for each stream, <c>failed</c> for those that could not be compared, <c>finished</c>.</summary>
internal sealed class VerifyJsonLines : IRunObserver
{
    private readonly JsonLines lines;
    private readonly HashSet<Faults.Fault> told = [];

    /// <summary>Lines on the shell's output stream.</summary>
    public VerifyJsonLines(Shell shell) => lines = new JsonLines(shell);

    /// <inheritdoc/>
    public void On(RunEvent happened)
    {
        switch (happened)
        {
            case VerifyStarted started:
                lines.Write("started", json =>
                {
                    json.WriteString("run", started.Run);
                    json.WriteString("directory", started.Directory);
                });
                break;
            case StreamVerified verified:
                lines.Write("verified", json => Verified(json, verified.Verdict));
                break;
            case VerifyFinished finished:
                Finished(finished.Summary);
                break;
            default:
                if (happened is StreamFailed failed)
                {
                    told.Add(failed.Fault);
                }

                lines.On(happened);
                break;
        }
    }

    private void Finished(VerifySummary summary)
    {
        foreach (var fault in summary.Faults)
        {
            if (told.Add(fault))
            {
                lines.Error(fault);
            }
        }

        lines.Write("finished", json =>
        {
            json.WriteString("run", summary.Run);
            json.WriteString("status", summary.Status.ToString().ToLowerInvariant());
            json.WriteNumber("streams", summary.StreamCount);
            json.WriteNumber("equal", summary.Streams.Count(static verdict => verdict.IsEqual));
            json.WriteNumber("units", summary.Streams.Sum(static verdict => verdict.Units));
            json.WriteNumber("rows_in_source", summary.Streams.Sum(static verdict => verdict.RowsInSource));
            json.WriteNumber("rows_in_target", summary.Streams.Sum(static verdict => verdict.RowsInTarget));
            json.WriteNumber("seconds", summary.Seconds);
            json.WriteNumber("peak_memory_bytes", summary.PeakMemoryBytes);
        });
    }

    private void Verified(Utf8JsonWriter json, StreamVerdict verdict)
    {
        json.WriteString("stream", verdict.Stream);
        json.WriteBoolean("equal", verdict.IsEqual);
        lines.Text(json, "place", verdict.Place);
        json.WriteNumber("units", verdict.Units);
        json.WriteNumber("rows_in_source", verdict.RowsInSource);
        json.WriteNumber("rows_in_target", verdict.RowsInTarget);
        json.WriteNumber("rows_written", verdict.RowsWritten);
        json.WriteString("hash_source", verdict.SourceHash);
        json.WriteString("hash_target", verdict.TargetHash);
        json.WriteNumber("bytes_read", verdict.BytesRead);
        Names(json, "key", verdict.Key);
        Names(json, "left_out", verdict.LeftOut);
        json.WriteNumber("change_count", verdict.ChangeCount);
        Places(json, "changes", verdict.Changes);
        if (verdict.Rows is { } rows)
        {
            json.WriteNumber("only_in_source", rows.OnlyInSource);
            json.WriteNumber("only_in_target", rows.OnlyInTarget);
            json.WriteNumber("different", rows.Different);
            json.WriteBoolean("at_least", rows.IsAtLeast);
            Places(json, "places", rows.Places);
            Keys(json, rows);
        }
    }

    private void Keys(Utf8JsonWriter json, RowDifferences rows)
    {
        json.WriteStartArray("keys");
        foreach (var found in rows.Keys)
        {
            json.WriteStartObject();
            json.WriteStartArray("key");
            foreach (var value in found.Key)
            {
                json.WriteStringValue(value);
            }

            json.WriteEndArray();
            json.WriteNumber("rows_in_source", found.InSource);
            json.WriteNumber("rows_in_target", found.InTarget);
            Names(json, "columns", found.Columns);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private void Places(Utf8JsonWriter json, string name, IEnumerable<PlaceChange> changes)
    {
        json.WriteStartArray(name);
        foreach (var change in changes)
        {
            json.WriteStartObject();
            json.WriteString("side", change.Side.ToString().ToLowerInvariant());
            if (change.Unit is { } unit)
            {
                json.WriteNumber("unit", unit);
            }

            lines.Text(json, "where", change.Where);
            lines.Text(json, "message", change.Text);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void Names(Utf8JsonWriter json, string name, IEnumerable<string> values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }
}
