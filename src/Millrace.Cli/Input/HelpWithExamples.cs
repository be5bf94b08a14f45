using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace Millrace.Cli.Input;

/// <summary>The help that the definition gives, with the verb's examples behind it.</summary>
internal sealed class HelpWithExamples : SynchronousCommandLineAction
{
    private const string ExitCodes = """
        Exit codes:
          0 done  1 run failed  2 usage or job file  3 source or target not reachable or refused
          4 data refused  5 a limit was hit  130 cancelled

        """;

    private readonly HelpAction help;

    /// <summary>Help around the default one.</summary>
    public HelpWithExamples(HelpAction help)
    {
        this.help = help;

        // One width everywhere: what is documented is what a narrow terminal shows.
        help.MaxWidth = 110;
    }

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        var output = parseResult.InvocationConfiguration.Output;
        using var text = new StringWriter();
        parseResult.InvocationConfiguration.Output = text;
        help.Invoke(parseResult);
        parseResult.InvocationConfiguration.Output = output;

        // The program is started by a script of another name: that one is what people type.
        output.Write(text.ToString().Replace(RootCommand.ExecutableName, "millrace", StringComparison.Ordinal));
        var command = parseResult.CommandResult.Command;
        var examples = command is Verb verb ? verb.Examples : [.. command.Subcommands.OfType<Verb>().Where(one => !one.Hidden).Select(one => one.Examples[0])];
        output.Write("Examples:\n");
        foreach (var (line, does) in examples)
        {
            output.Write($"  millrace {line}\n      {does}\n");
        }

        output.Write("\n");
        output.Write(ExitCodes);
        output.Flush();
        return 0;
    }
}
