using Millrace.Telemetry;

namespace Millrace.Cli.Display;

/// <summary>Shows where a run stands, between lines that stay.</summary>
internal interface IProgressLine
{
    /// <summary>Takes a sample; shows it when it is time.</summary>
    void Show(ProgressSample sample);

    /// <summary>Prints a line that stays.</summary>
    void Print(string line);

    /// <summary>Takes the progress away: the run is over.</summary>
    void End();
}
