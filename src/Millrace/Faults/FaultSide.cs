namespace Millrace.Faults;

/// <summary>Which side of a run a <see cref="Fault"/> comes from.</summary>
public enum FaultSide
{
    /// <summary>Millrace itself: the run directory, an engine, a worker.</summary>
    Run = 0,

    /// <summary>The job file or the command line.</summary>
    Job = 1,

    /// <summary>The system that is read.</summary>
    Source = 2,

    /// <summary>The SQL between source and target.</summary>
    Transform = 3,

    /// <summary>The system that is written.</summary>
    Target = 4,
}
