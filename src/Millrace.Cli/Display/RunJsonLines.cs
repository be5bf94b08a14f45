using System.Text.Json;
using Millrace.Runs;

namespace Millrace.Cli.Display;

/// <summary>A run of a state folder as JSON properties.</summary>
internal static class RunJsonLines
{
    /// <summary>Writes them into an object that is open: <c>status</c> is how the run stands now, the figures are its last report's.</summary>
    public static void Write(Utf8JsonWriter json, RunListing run)
    {
        json.WriteString("run", run.Directory.Run);
        json.WriteString("job", run.Directory.Manifest.Job);
        json.WriteString("status", run.Status.ToString().ToLowerInvariant());
        json.WriteString("began", run.Directory.Manifest.Began);
        json.WriteString("version", run.Directory.Manifest.Version);
        json.WriteString("directory", run.Directory.Path);
        if (run.Report is { } report)
        {
            json.WriteString("ended", report.Ended);
            json.WriteStartObject("report");
            JsonLines.Finished(json, report.Summary);
            json.WriteEndObject();
        }
    }

    /// <summary>Writes <c>schema_changes</c>: what each stream has changed in the columns of its table; streams that have changed none are left out.</summary>
    public static void SchemaChanges(Utf8JsonWriter json, IEnumerable<(string Stream, IReadOnlyList<string> Changes)> streams)
    {
        json.WriteStartObject("schema_changes");
        foreach (var (stream, changes) in streams)
        {
            if (changes.Count > 0) PlanJson.Texts(json, stream, changes);
        }

        json.WriteEndObject();
    }

    /// <summary>Writes one line of a run's story.</summary>
    public static void Write(Utf8JsonWriter json, StoryLine told)
    {
        json.WriteString("at", told.At);
        json.WriteNumber("coordinator", told.Epoch);
        json.WriteString("what", told.What);
        if (told.Stream is not null) json.WriteString("stream", told.Stream);
        if (told.Unit is { } unit) json.WriteNumber("unit", unit);
        json.WriteString("text", told.Text);
    }
}
