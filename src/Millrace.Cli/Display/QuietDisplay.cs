using Millrace.Telemetry;

namespace Millrace.Cli.Display;

/// <summary>Prints errors and nothing else.</summary>
internal sealed class QuietDisplay : IRunObserver
{
    private readonly FaultPrinter faults;

    /// <summary>A display for the shell's error stream.</summary>
    public QuietDisplay(Shell shell) => faults = new FaultPrinter(shell);

    /// <inheritdoc/>
    public void On(RunEvent happened)
    {
        if (happened is RunFinished finished)
        {
            faults.Print(finished.Summary.Faults);
        }
    }
}
