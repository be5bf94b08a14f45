using System.Collections.Immutable;
using System.CommandLine;
using Millrace.Jobs;

namespace Millrace.Cli.Input;

/// <summary>What may be given when a run is verified.</summary>
internal sealed class VerifyOptions
{
    private readonly Option<string?> key = new("--key") { HelpName = "COLUMNS", Description = "The columns that a row is known by, such as id or day,shop. Default: the source's primary key." };
    private readonly AgainOptions again = new("The ceiling of memory, such as 512MB. Default: the job's.", "How many units are read at once, or auto. Default: the job's.");

    /// <summary>Adds the options to a verb.</summary>
    public void AddTo(Command verb) => again.AddTo(verb, key);

    /// <summary>What of it changes the job.</summary>
    public JobOverrides Read(ParseResult parsed) => again.Read(parsed);

    /// <summary>The key; empty when it was not given.</summary>
    public ImmutableArray<string> Key(ParseResult parsed) =>
        [.. (parsed.GetValue(key) ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];
}
