using System.CommandLine;
using Millrace.Jobs;

namespace Millrace.Cli.Input;

/// <summary>What the command line says about the job, as it was typed; nothing is read or checked yet.</summary>
/// <param name="File">The job file; null: the short form.</param>
/// <param name="Overrides">The options.</param>
internal sealed record JobArguments(string? File, JobOverrides Overrides);

/// <summary>The job file and the options that change it or take its place.</summary>
internal sealed class JobOptions
{
    private readonly Argument<string?> file = new("JOB") { Arity = ArgumentArity.ZeroOrOne, Description = "The job file (YAML). Without it, --from and --to are the job." };
    private readonly Option<string?> from = new("--from") { HelpName = "SOURCE", Description = "A path, a glob, '-', or a postgres:// URL. '${NAME}' in single quotes is resolved inside, so that no process list shows it." };
    private readonly Option<string?> to = new("--to") { HelpName = "TARGET", Description = "A folder, a file (.parquet, .csv, .ndjson) or '-'." };
    private readonly Option<string[]> stream = new("--stream", "-s") { HelpName = "NAME", Description = "A table, a wildcard (\"public.*\") or a glob; repeatable. With a job file: which of its streams. Not needed for a single file." };
    private readonly Option<string?> mode = new("--mode") { HelpName = "MODE", Description = "overwrite (default) or append." };
    private readonly Option<string?> consistency = new("--consistency") { HelpName = "MOMENT", Description = "snapshot (default): all rows of one moment; unit: one moment for each unit." };
    private readonly Option<string?> schema = new("--schema") { HelpName = "RULE", Description = "What happens when columns have changed: evolve (default): new ones and wider types go on; freeze: nothing goes on; replace: everything does." };
    private readonly Option<string?> memory = new("--memory") { HelpName = "SIZE", Description = "The ceiling for all processes of the run together, such as 512MB." };
    private readonly Option<string?> workers = new("--workers") { HelpName = "N", Description = "How many units run at once, or auto." };
    private readonly Option<string[]> set = new("--set") { HelpName = "KEY=VALUE", Description = "Any key of the job file by its dotted path, such as streams.public.events.mode=append; repeatable." };
    private readonly Option<string?> state = StateOption.Create(hasJob: true);

    /// <summary>Adds the argument and all options to a verb.</summary>
    public void AddTo(Command verb)
    {
        verb.Add(file);
        foreach (var option in (Option[])[from, to, stream, mode, consistency, schema, memory, workers, set, state])
        {
            verb.Add(option);
        }
    }

    /// <summary>What was typed.</summary>
    public JobArguments Read(ParseResult parsed) => new(
        parsed.GetValue(file),
        new JobOverrides
        {
            From = parsed.GetValue(from),
            To = parsed.GetValue(to),
            Streams = [.. parsed.GetValue(stream) ?? []],
            Mode = parsed.GetValue(mode),
            Consistency = parsed.GetValue(consistency),
            Schema = parsed.GetValue(schema),
            Memory = parsed.GetValue(memory),
            Workers = parsed.GetValue(workers),
            State = parsed.GetValue(state),
            Sets = [.. parsed.GetValue(set) ?? []],
        });
}
