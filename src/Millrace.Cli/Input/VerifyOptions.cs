using System.Collections.Immutable;
using System.CommandLine;
using Millrace.Jobs;

namespace Millrace.Cli.Input;

/// <summary>What may be given when a run is verified.</summary>
internal sealed class VerifyOptions
{
    private readonly Option<string?> key = new("--key") { HelpName = "COLUMNS", Description = "The columns that a row is known by, such as id or day,shop. Default: the source's primary key." };
    private readonly Option<string?> from = new("--from") { HelpName = "SOURCE", Description = "The same source once more, with its password." };
    private readonly Option<string?> memory = new("--memory") { HelpName = "SIZE", Description = "The ceiling of memory, such as 512MB. Default: the job's." };
    private readonly Option<string?> workers = new("--workers") { HelpName = "N", Description = "How many units are read at once, or auto. Default: the job's." };
    private readonly Option<string?> state = StateOption.Create();

    /// <summary>Adds the options to a verb.</summary>
    public void AddTo(Command verb)
    {
        foreach (var option in (Option[])[key, from, memory, workers, state])
        {
            verb.Add(option);
        }
    }

    /// <summary>What of it changes the job.</summary>
    public JobOverrides Read(ParseResult parsed) => new()
    {
        From = parsed.GetValue(from),
        Memory = parsed.GetValue(memory),
        Workers = parsed.GetValue(workers),
        State = parsed.GetValue(state),
    };

    /// <summary>The key; empty when it was not given.</summary>
    public ImmutableArray<string> Key(ParseResult parsed) =>
        [.. (parsed.GetValue(key) ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];
}
