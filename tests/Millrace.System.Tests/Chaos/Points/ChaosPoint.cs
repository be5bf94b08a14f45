namespace Millrace.SystemTests.Chaos.Points;

/// <summary>A named point of a run where it can be stopped for something to be done to it. The program knows nothing of it.</summary>
/// <param name="Name">What is about to happen.</param>
/// <param name="Phase">Where that is on the way of the rows.</param>
/// <param name="Comes">How often it comes in an undisturbed run, at least.</param>
internal abstract record ChaosPoint(string Name, ChaosPhase Phase, ChaosOften Comes)
{
    /// <summary>Watches for its nth time, in processes that are started from now on.</summary>
    public abstract IChaosWatch Watch(ChaosWorld world, int count);

    /// <summary>What stands between the program and the server whose bytes are kept back there; null: no bytes are.</summary>
    public virtual ChaosProxy? ProxyOf(ChaosWorld world) => null;

    /// <summary>In words.</summary>
    public virtual string Say(int count) => $"before {Name} ({count})";
}

/// <summary>How often something comes in a run.</summary>
internal enum ChaosOften
{
    /// <summary>Once.</summary>
    Once,

    /// <summary>Twice.</summary>
    Twice,

    /// <summary>For each stream.</summary>
    EachStream,

    /// <summary>Twice for each stream.</summary>
    TwiceEachStream,

    /// <summary>For each unit.</summary>
    EachUnit,
}

/// <summary>A part of the way of the rows.</summary>
internal enum ChaosPhase
{
    /// <summary>Before there is a run that could be resumed.</summary>
    Begin,

    /// <summary>Until units can run.</summary>
    Plan,

    /// <summary>While units run.</summary>
    Load,

    /// <summary>From the last result to the one step that publishes.</summary>
    Commit,

    /// <summary>When that step may have been done, to the end.</summary>
    Published,

    /// <summary>Anywhere.</summary>
    Any,
}
