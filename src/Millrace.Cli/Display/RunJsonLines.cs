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
}
