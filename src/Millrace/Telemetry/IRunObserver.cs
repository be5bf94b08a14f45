namespace Millrace.Telemetry;

/// <summary>Hears what happens in a run. Called from many threads, one call at a time; must return quickly and never throw.</summary>
public interface IRunObserver
{
    /// <summary>Something happened.</summary>
    void On(RunEvent happened);
}
