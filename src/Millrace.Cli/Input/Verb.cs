using System.Collections.Immutable;
using System.CommandLine;

namespace Millrace.Cli.Input;

/// <summary>A command with examples: what is parsed, what is helped with and what is documented come from this one definition.</summary>
internal sealed class Verb : Command
{
    /// <summary>A command.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="description">What it does, in a sentence.</param>
    /// <param name="examples">Command lines, without the program's name, and what each does.</param>
    public Verb(string name, string description, params (string Line, string Does)[] examples)
        : base(name, description) => Examples = [.. examples];

    /// <summary>Command lines, without the program's name, and what each does.</summary>
    public ImmutableArray<(string Line, string Does)> Examples { get; }
}
