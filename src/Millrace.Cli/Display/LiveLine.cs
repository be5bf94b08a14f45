using Millrace.Telemetry;

namespace Millrace.Cli.Display;

/// <summary>One line of a terminal that is redrawn in place, at most ten times a second.</summary>
internal sealed class LiveLine : IProgressLine
{
    private const string ClearLine = "\r\u001b[K";

    private static readonly TimeSpan RedrawMin = TimeSpan.FromMilliseconds(100);

    private readonly Shell shell;
    private readonly SpeedMeter meter = new();
    private long? drawn;
    private string shown = "";

    /// <summary>A line at the foot of the shell's error stream.</summary>
    public LiveLine(Shell shell) => this.shell = shell;

    /// <inheritdoc/>
    public void Show(ProgressSample sample)
    {
        meter.Add(sample);
        if (drawn is { } last && shell.Clock.GetElapsedTime(last) < RedrawMin)
        {
            return;
        }

        drawn = shell.Clock.GetTimestamp();
        var text = ProgressText.Of(sample, meter);
        var columns = Math.Max(1, shell.Width() - 1);
        shown = text.Length <= columns ? text : text[..columns];
        shell.Error.Write(ClearLine + shown);
        shell.Error.Flush();
    }

    /// <inheritdoc/>
    public void Print(string line)
    {
        shell.Error.Write(shown.Length == 0 ? $"{line}\n" : $"{ClearLine}{line}\n{shown}");
        shell.Error.Flush();
    }

    /// <inheritdoc/>
    public void End()
    {
        if (shown.Length > 0)
        {
            shell.Error.Write(ClearLine);
            shell.Error.Flush();
        }

        shown = "";
    }
}
