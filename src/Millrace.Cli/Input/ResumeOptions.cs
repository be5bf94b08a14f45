using System.CommandLine;
using Millrace.Jobs;

namespace Millrace.Cli.Input;

/// <summary>What may be given anew when a run is resumed.</summary>
internal sealed class ResumeOptions
{
    private readonly Option<string?> from = new("--from") { HelpName = "SOURCE", Description = "The same source once more, with its password." };
    private readonly Option<string?> consistency = new("--consistency") { HelpName = "MOMENT", Description = "unit: finished units of a lost snapshot count." };
    private readonly Option<string?> memory = new("--memory") { HelpName = "SIZE", Description = "The ceiling for all processes of the run together, such as 512MB." };
    private readonly Option<string?> workers = new("--workers") { HelpName = "N", Description = "How many units run at once, or auto." };
    private readonly Option<string[]> set = new("--set") { HelpName = "KEY=VALUE", Description = "limits.* or streams.NAME.consistency; repeatable." };
    private readonly Option<string?> state = StateOption.Create();

    /// <summary>Adds the options to a verb.</summary>
    public void AddTo(Command verb)
    {
        foreach (var option in (Option[])[from, consistency, memory, workers, set, state])
        {
            verb.Add(option);
        }
    }

    /// <summary>What was typed.</summary>
    public JobOverrides Read(ParseResult parsed) => new()
    {
        From = parsed.GetValue(from),
        Consistency = parsed.GetValue(consistency),
        Memory = parsed.GetValue(memory),
        Workers = parsed.GetValue(workers),
        Sets = [.. parsed.GetValue(set) ?? []],
        State = parsed.GetValue(state),
    };
}
