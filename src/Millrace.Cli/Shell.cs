using System.Text;
using Millrace.Jobs.Secrets;

namespace Millrace.Cli;

/// <summary>What a verb has around it: its streams, its folder, its environment. Tests give their own.</summary>
internal sealed record Shell
{
    private const int WidthDefault = 80;

    /// <summary>Results: what <c>--json</c> writes, and the answers of verbs that ask.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Everything else: progress, warnings, errors.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>True when <see cref="Error"/> is a terminal that can redraw a line.</summary>
    public required bool IsTerminal { get; init; }

    /// <summary>True when colours are wanted: a terminal, and <c>NO_COLOR</c> is not set.</summary>
    public required bool HasColour { get; init; }

    /// <summary>The current directory.</summary>
    public required string Directory { get; init; }

    /// <summary>Gives an environment variable or null.</summary>
    public required Func<string, string?> Variable { get; init; }

    /// <summary>The terminal's width in columns, now.</summary>
    public Func<int> Width { get; init; } = () => WidthDefault;

    /// <summary>The clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Knows the secrets of this process: every text goes through it.</summary>
    public Redactor Redactor { get; } = new();

    /// <summary>Resolves secrets against this environment.</summary>
    public SecretResolver Secrets => new(Redactor, Directory, Variable);

    /// <summary>The process's own surroundings.</summary>
    public static Shell OfThisProcess()
    {
        var isTerminal = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") is not "dumb";
        return new Shell
        {
            // Console.Out flushes each small write; whole lines are flushed by those who write them.
            Out = new StreamWriter(Console.OpenStandardOutput(), new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = false },
            Error = Console.Error,
            IsTerminal = isTerminal,
            HasColour = isTerminal && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")),
            Directory = Environment.CurrentDirectory,
            Variable = Environment.GetEnvironmentVariable,
            Width = TerminalWidth,
        };
    }

    /// <summary>
    /// A text that is safe to print: secrets taken out, control characters (which data and names may hold) escaped, so that no terminal
    /// obeys them. Line ends and tabs stay.
    /// </summary>
    public string Safe(string text)
    {
        var scrubbed = Redactor.Scrub(text);
        if (!scrubbed.Any(IsUnsafe))
        {
            return scrubbed;
        }

        var safe = new StringBuilder(scrubbed.Length + 16);
        foreach (var c in scrubbed)
        {
            _ = IsUnsafe(c) ? safe.Append("\\u").Append(((int)c).ToString("x4")) : safe.Append(c);
        }

        return safe.ToString();
    }

    private static bool IsUnsafe(char c) => char.IsControl(c) && c is not ('\n' or '\t');

    private static int TerminalWidth()
    {
        try
        {
            return Console.WindowWidth is > 0 and var width ? width : WidthDefault;
        }
        catch (IOException)
        {
            return WidthDefault;
        }
    }
}
