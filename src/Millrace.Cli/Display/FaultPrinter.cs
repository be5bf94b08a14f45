using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Cli.Display;

/// <summary>Faults and warnings as people read them: where, what, and what to do, indented below.</summary>
internal sealed class FaultPrinter
{
    private readonly Shell shell;

    /// <summary>A printer for the shell's error stream.</summary>
    public FaultPrinter(Shell shell) => this.shell = shell;

    /// <summary>A fault on a few lines, without a line end behind the last.</summary>
    public string Text(Fault fault) => Marked("error:", "\u001b[1;31m", fault.Describe());

    /// <summary>A warning on a few lines.</summary>
    public string Warning(string text) => Marked("warning:", "\u001b[1;33m", text);

    /// <summary>Prints faults.</summary>
    public void Print(IEnumerable<Fault> faults)
    {
        foreach (var fault in faults)
        {
            shell.Error.Write($"{Text(fault)}\n");
        }

        shell.Error.Flush();
    }

    /// <summary>Prints a job's warnings.</summary>
    public void Print(IEnumerable<JobWarning> warnings)
    {
        foreach (var warning in warnings)
        {
            shell.Error.Write($"{Warning(warning.Describe())}\n");
        }

        shell.Error.Flush();
    }

    private string Marked(string word, string colour, string text) =>
        shell.HasColour ? $"{colour}{word}\u001b[0m {shell.Safe(text)}" : $"{word} {shell.Safe(text)}";
}
