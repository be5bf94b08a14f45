using Millrace.Telemetry;

namespace Millrace.Cli.Display;

/// <summary>Listens to nothing: for verbs that look at runs and make none.</summary>
internal sealed class Unheard : IRunObserver
{
    /// <inheritdoc/>
    public void On(RunEvent happened)
    {
        // Nothing runs.
    }
}
