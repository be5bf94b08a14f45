using System.Text;
using Millrace.Jobs.Reading;

namespace Millrace.Jobs;

/// <summary>The reference of the job file, written from the same table that reads it.</summary>
public static class JobReference
{
    private const string Intro = """
        # The job file

        Written from the table that reads job files (`src/Millrace/Jobs/Reading/KeyTable.cs`); a test keeps the two the same.

        A job file is YAML: maps, lists and plain values. Anchors, aliases, tags and duplicate keys are refused. Every mistake is reported at
        once, with its line. Any key can be set on the command line: `--set limits.memory=512MB`, `--set streams.public.events.mode=append`.

        Sizes are a number with an optional unit: `64KB`, `512MB`, `1.5GB`; K, M, G and T are powers of 1024 (MB and MiB are the same).

        `${NAME}` (an environment variable), `${NAME:-default}` and `${file:/path}` (a file's text without its line end) may stand in `source`,
        `target` and `state`. Those of source and target are secrets: resolved when used, and never written to a plan, a log, a report or an
        error. `$${` stands for a plain `${`, there and in `where` and `query`.

        """;

    /// <summary>The whole page as Markdown.</summary>
    public static string Markdown()
    {
        var page = new StringBuilder(Intro);
        Section(page, "The top of the file", KeyTable.Job);
        Section(page, "limits", KeyTable.Limits);
        Section(page, "streams.NAME", KeyTable.Stream);
        Section(page, "streams.NAME.partition", KeyTable.Partition);
        Section(page, "streams.NAME.read", KeyTable.Read);
        Section(page, "streams.NAME.write", KeyTable.Write);
        return page.ToString();
    }

    private static void Section(StringBuilder page, string title, KeyTable table)
    {
        page.Append($"\n## {title}\n\n| key | value | meaning |\n|---|---|---|\n");
        foreach (var key in table.Keys)
        {
            page.Append($"| `{key.Name}` | {key.Expected} | {key.Meaning}{(key.Built ? "" : " Not built yet: refused.")} |\n");
        }
    }
}
