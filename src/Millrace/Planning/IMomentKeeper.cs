using System.Collections.Immutable;

namespace Millrace.Planning;

/// <summary>What a keeper needs to join a moment.</summary>
/// <param name="Moment">The moment, as it stands in the plan.</param>
/// <param name="Locks">The connector's own statements that keep what is read from changing in ways that a moment does not guard against.</param>
public sealed record HeldMoment(string Moment, ImmutableArray<string> Locks);

/// <summary>
/// Holds a run's moment in a process of its own, beside the coordinator and after it. One call at a time; errors are
/// <see cref="Faults.Fault"/>s. Disposing it lets the moment go.
/// </summary>
public interface IMomentKeeper : IAsyncDisposable
{
    /// <summary>Joins a moment that another process holds. Gives the moment's text anew: it stays valid while either of them holds it.</summary>
    ValueTask<string> JoinAsync(HeldMoment moment, CancellationToken cancel);

    /// <summary>False when it is lost.</summary>
    bool IsHeld { get; }
}
