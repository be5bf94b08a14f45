using System.CommandLine;
using Millrace.Jobs;

namespace Millrace.Cli.Input;

/// <summary>What may be given anew when a run is resumed.</summary>
internal sealed class ResumeOptions
{
    private readonly Option<string?> consistency = new("--consistency") { HelpName = "MOMENT", Description = "unit: finished units of a lost snapshot count." };
    private readonly Option<string[]> set = new("--set") { HelpName = "KEY=VALUE", Description = "limits.* or streams.NAME.consistency; repeatable." };
    private readonly AgainOptions again = new("The ceiling for all processes of the run together, such as 512MB.", "How many units run at once, or auto.");

    /// <summary>Adds the options to a verb.</summary>
    public void AddTo(Command verb) => again.AddTo(verb, consistency, set);

    /// <summary>What was typed.</summary>
    public JobOverrides Read(ParseResult parsed) => again.Read(parsed) with
    {
        Consistency = parsed.GetValue(consistency),
        Sets = [.. parsed.GetValue(set) ?? []],
    };
}
