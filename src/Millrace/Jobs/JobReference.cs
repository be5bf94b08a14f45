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
        `target`, `state`, `shuffle`, and a step's `with` and `in`. But for those of `state` they are secrets: resolved when used, and never written to a plan,
        a log, a report or an error. `$${` stands for a plain `${`, there and in SQL.

        `$NAME` in SQL (`where`, `query`, `map`, `group`, `sql`, expressions of `partition_by`) is a value of `params`. It becomes an SQL literal of the
        type that its value has in YAML (a number, true or false, else text; quotes make a text), never a piece of SQL: it stands for itself inside of texts,
        quoted names, comments and `$$…$$`. `--set params.NAME=...` gives another value of that type.

        """;

    /// <summary>The whole page as Markdown.</summary>
    public static string Markdown()
    {
        var page = new StringBuilder(Intro);
        Section(page, "The top of the file", KeyTable.Job);
        Section(page, "limits", KeyTable.Limits);
        Section(page, "streams.NAME", KeyTable.Stream);
        Section(page, "streams.NAME.transform[]", KeyTable.Step);
        foreach (var step in (string[])["join", "nest", "unnest", "dedupe", "lookup"])
        {
            Section(page, $"streams.NAME.transform[].{step}", KeyTable.BelowStep(step));
        }

        Section(page, "streams.NAME.expect[]", KeyTable.Expect);
        Section(page, "streams.NAME.expect[].row_count", KeyTable.RowCount);
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
