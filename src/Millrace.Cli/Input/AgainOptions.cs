using System.CommandLine;
using Millrace.Jobs;

namespace Millrace.Cli.Input;

/// <summary>What may be given anew to whatever goes on with a run that is there.</summary>
/// <param name="memory">What <c>--memory</c> bounds.</param>
/// <param name="workers">What <c>--workers</c> counts.</param>
internal sealed class AgainOptions(string memory, string workers)
{
    private readonly Option<string?> from = new("--from") { HelpName = "SOURCE", Description = "The same source once more, with its password." };
    private readonly Option<string?> memory = new("--memory") { HelpName = "SIZE", Description = memory };
    private readonly Option<string?> workers = new("--workers") { HelpName = "N", Description = workers };
    private readonly Option<string?> state = StateOption.Create();

    /// <summary>Adds the options to a verb, and between them those that it has for itself.</summary>
    public void AddTo(Command verb, params ReadOnlySpan<Option> own)
    {
        verb.Add(from);
        foreach (var option in own)
        {
            verb.Add(option);
        }

        verb.Add(memory);
        verb.Add(workers);
        verb.Add(state);
    }

    /// <summary>What was typed.</summary>
    public JobOverrides Read(ParseResult parsed) => new()
    {
        From = parsed.GetValue(from),
        Memory = parsed.GetValue(memory),
        Workers = parsed.GetValue(workers),
        State = parsed.GetValue(state),
    };
}
