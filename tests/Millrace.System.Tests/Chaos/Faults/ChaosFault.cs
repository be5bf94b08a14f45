using Millrace.SystemTests.Chaos.Points;

namespace Millrace.SystemTests.Chaos.Faults;

/// <summary>Something that is done to a run at a moment.</summary>
internal abstract record ChaosFault
{
    /// <summary>What it is called in results.</summary>
    public abstract string Name { get; }

    /// <summary>Whether it can be done at a moment; what it needs of the world is in <see cref="ChaosPlan"/>.</summary>
    public virtual bool Fits(ChaosMoment moment) => true;

    /// <summary>What it needs before the program is started.</summary>
    public virtual Task PrepareAsync(ChaosWorld world) => Task.CompletedTask;

    /// <summary>Does it. Whoever has come to the moment waits until this has returned, or has released the watch itself.</summary>
    public abstract Task StrikeAsync(ChaosScene scene);
}

/// <summary>What a fault is done to.</summary>
/// <param name="World">Folders, source, server.</param>
/// <param name="Moment">When.</param>
/// <param name="Process">The coordinator.</param>
/// <param name="Ended">Ends with the coordinator.</param>
/// <param name="Watch">Holds whoever has come to the moment.</param>
internal sealed record ChaosScene(ChaosWorld World, ChaosMoment Moment, MillraceProcess Process, Task<MillraceExit> Ended, IChaosWatch Watch)
{
    /// <summary>The coordinator, its workers, or the keepers.</summary>
    public IReadOnlyList<int> Processes(ChaosVictim victim) => victim switch
    {
        ChaosVictim.Coordinator => [Process.Id],
        ChaosVictim.Workers => Process.Workers(),
        ChaosVictim.Keepers => World.Keepers(),
        _ => [Process.Id, .. Process.Workers(), .. World.Keepers()],
    };
}

/// <summary>Which processes of a run.</summary>
internal enum ChaosVictim
{
    /// <summary>Who plans and commits.</summary>
    Coordinator,

    /// <summary>Who runs units.</summary>
    Workers,

    /// <summary>Who holds the moment.</summary>
    Keepers,

    /// <summary>All of them at once.</summary>
    Everybody,
}
