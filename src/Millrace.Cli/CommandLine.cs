using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
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
        foreach (var define in (Func<Shell, Command>[])
            [RunVerb.Define, PlanVerb.Define, CheckVerb.Define, DiscoverVerb.Define, RunsVerb.Define, ShowVerb.Define, VerifyVerb.Define, ResumeVerb.Define, CancelVerb.Define, WorkVerb.Define, KeepVerb.Define])
        {
            root.Add(define(shell));
        }

        root.Directives.Clear();
        var help = root.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((HelpAction)help.Action!);
        return root;
    }

    /// <summary>Parses and does what was asked for. The answer is the process's exit code.</summary>
    public static async Task<int> RunAsync(string[] args, Shell shell, CancellationToken cancel)
    {
        var root = Define(shell);
        if (args.Length == 0)
        {
            await root.Parse(["--help"]).InvokeAsync(new InvocationConfiguration { Output = shell.Error, Error = shell.Error }, cancel).ConfigureAwait(false);
            return 2;
        }

        // An argument that starts with @ is an argument: nothing is read from a file behind the user's back.
        var parsed = root.Parse(args, new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        var mistakes = parsed.Action is HelpWithExamples ? [] : Mistakes(parsed);
        if (mistakes.Count > 0)
        {
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

        // A misspelt option lands in the first argument that is free, and what belongs to it behind it: it is the one mistake.
        var misspelt = parsed.CommandResult.Children.OfType<ArgumentResult>()
            .SelectMany(argument => argument.Tokens.Select(token => token.Value))
            .Concat(parsed.UnmatchedTokens)
            .Where(value => value.Length > 1 && value[0] == '-')
            .ToList();
        if (misspelt.Count > 0)
        {
            return [.. misspelt.Select(token => Unknown(token, command))];
        }

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
