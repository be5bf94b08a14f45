using System.CommandLine;
using System.CommandLine.Help;
using Millrace.Cli.Display;
using Millrace.Cli.Input;
using Millrace.Cli.Verbs;
using Millrace.Faults;
using Millrace.Jobs.Secrets;

namespace Millrace.Cli;

/// <summary>All verbs, and what happens when the command line fits none.</summary>
internal static class CommandLine
{
    /// <summary>The root command: the one definition of everything that can be typed.</summary>
    public static RootCommand Define(Shell shell)
    {
        var root = new RootCommand("Moves tables between databases and files: in parallel, in constant memory, exactly once.");
        root.Add(RunVerb.Define(shell));
        root.Directives.Clear();
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
        return root;
    }

    /// <summary>Parses and does what was asked for. The answer is the process's exit code.</summary>
    public static async Task<int> RunAsync(string[] args, Shell shell, CancellationToken cancel)
    {
        var root = Define(shell);

        // An argument that starts with @ is an argument: nothing is read from a file behind the user's back.
        var parsed = root.Parse(args, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        if (parsed.Errors.Count > 0 && parsed.Action is not HelpWithExamples)
        {
            var mistakes = Mistakes(parsed);
            new FaultPrinter(shell).Print(mistakes);
            return mistakes[0].ExitCode;
        }

        try
        {
            var invocation = new InvocationConfiguration { Output = shell.Out, Error = shell.Error, EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null };
            return await parsed.InvokeAsync(invocation, cancel).ConfigureAwait(false);
        }
        catch (Exception error)
        {
            var fault = cancel.IsCancellationRequested && error is OperationCanceledException ? new Fault(FaultKind.Cancelled, "cancelled", error) : Faulted.From(error);
            new FaultPrinter(shell).Print([fault]);
            return fault.ExitCode;
        }
        finally
        {
            await shell.Out.FlushAsync(CancellationToken.None).ConfigureAwait(false);
        }
    }

    private static List<Fault> Mistakes(ParseResult parsed)
    {
        var command = parsed.CommandResult.Command;
        var unmatched = parsed.UnmatchedTokens.ToHashSet(StringComparer.Ordinal);
        var mistakes = parsed.UnmatchedTokens.Select(token => Unknown(token, command)).ToList();
        mistakes.AddRange(parsed.Errors
            .Where(error => !unmatched.Any(token => error.Message.Contains(token, StringComparison.Ordinal)))
            .Where(error => command is not RootCommand || mistakes.Count == 0)
            .Select(error => Usage(error.Message, $"See 'millrace {(command is RootCommand ? "" : command.Name + " ")}--help'.")));
        return mistakes;
    }

    private static Fault Unknown(string token, Command command)
    {
        var isOption = token.StartsWith('-');
        var known = isOption
            ? command.Options.Where(option => !option.Hidden).Select(option => option.Name).ToArray()
            : [.. command.Subcommands.Where(verb => !verb.Hidden).Select(verb => verb.Name)];
        var shown = Words.Quote(UrlPassword.Strip(token));
        var nearest = Words.Nearest(token, known);
        var message = isOption ? $"found the unknown option {shown}"
            : known.Length > 0 ? $"found {shown}, expected {Words.OneOf(known)}"
            : $"found {shown}, expected nothing more";
        return Usage(message, nearest is null ? $"See 'millrace {(command is RootCommand ? "" : command.Name + " ")}--help'." : $"Did you mean '{nearest}'?");
    }

    private static Fault Usage(string message, string advice) => new(FaultKind.Usage, message) { Side = FaultSide.Job, Advice = advice };
}
