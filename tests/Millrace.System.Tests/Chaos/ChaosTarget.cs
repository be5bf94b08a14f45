namespace Millrace.SystemTests.Chaos;

/// <summary>Where a world's rows go.</summary>
internal abstract class ChaosTarget : IAsyncDisposable
{
    /// <summary>The job's target, and what else it says of it: lines of the job file.</summary>
    public abstract string JobLines { get; }

    /// <summary>The variables that those lines use.</summary>
    public virtual IEnumerable<KeyValuePair<string, string?>> Environment => [];

    /// <summary>Whether a server's end may have taken away what was staged.</summary>
    public virtual bool MayHaveLostStaging => false;

    /// <summary>What stands between the program and the target; null: nothing does.</summary>
    public virtual ChaosProxy? Proxy => null;

    /// <summary>What the job says of a stream: the content of a mapping of YAML.</summary>
    public abstract string StreamOf(int table);

    /// <summary>Makes what is there before.</summary>
    /// <param name="source">The source's tables.</param>
    /// <returns>What an undisturbed run makes of it.</returns>
    public abstract Task<IReadOnlyList<ChaosDigest>> PrepareAsync(IReadOnlyList<ChaosDigest> source);

    /// <summary>What the tables are, by a reader that is not ours.</summary>
    public abstract Task<IReadOnlyList<ChaosDigest>> ReadAsync();

    /// <summary>What should not be there, one text each.</summary>
    public abstract Task<IReadOnlyList<string>> LitterAsync();

    /// <summary>All that is published, so that what is published anew differs.</summary>
    public abstract Task<IReadOnlyList<string>> PublishedAsync();

    /// <summary>Takes locks away from who holds them, as a network file system does with a machine that it takes for dead.</summary>
    public virtual void LoseLocks()
    {
        // Locks of a server are its own.
    }

    public abstract ValueTask DisposeAsync();
}
