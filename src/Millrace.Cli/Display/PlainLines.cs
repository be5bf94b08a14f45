using Millrace.Telemetry;

namespace Millrace.Cli.Display;

/// <summary>One plain line every five seconds, for logs and pipes.</summary>
internal sealed class PlainLines : IProgressLine
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly Shell shell;
    private readonly SpeedMeter meter = new();
    private TimeSpan next = Interval;

    /// <summary>Lines on the shell's error stream.</summary>
    public PlainLines(Shell shell) => this.shell = shell;

    /// <inheritdoc/>
    public void Show(ProgressSample sample)
    {
        meter.Add(sample);
        if (sample.Elapsed < next)
        {
            return;
        }

        // After a pause (a stopped process) the missed lines are left out.
        next = Interval * (Math.Floor(sample.Elapsed / Interval) + 1);
        Print($"{Figures.Clock(sample.Elapsed)}  {ProgressText.Of(sample, meter)}");
    }

    /// <inheritdoc/>
    public void Print(string line)
    {
        shell.Error.Write($"{line}\n");
        shell.Error.Flush();
    }

    /// <inheritdoc/>
    public void End()
    {
        // Every line stands for itself.
    }
}
