using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Faults;
using Millrace.Runs;

namespace Millrace.Load;

/// <summary>
/// What a run has published of one stream, read again later. Opened by <see cref="ITargetConnector.OpenPublished"/>; called from as many lanes at
/// once as there are.
/// </summary>
public interface IPublishedReader : IAsyncDisposable
{
    /// <summary>The stream's columns whose values come back as they were written, in their order; none: only rows can be counted.</summary>
    ImmutableArray<string> Columns { get; }

    /// <summary>Where it lies, for people.</summary>
    string Place { get; }

    /// <summary>Where what a unit has brought lies, for people: its files within the table.</summary>
    string NameOf(UnitResult result);

    /// <summary>Folders and files that DuckDB itself must be able to read.</summary>
    IReadOnlyList<string> ReadablePaths { get; }

    /// <summary>Called once for each DuckDB database, before it is locked: registers table functions.</summary>
    void Attach(DuckDbConnection connection);

    /// <summary>Makes sure that what is there is still this run's.</summary>
    /// <exception cref="Fault">It is gone, or a later run has replaced it.</exception>
    ValueTask CheckAsync(CancellationToken cancel);

    /// <summary>Opens what a unit has brought; null when it has brought nothing.</summary>
    /// <exception cref="Fault">Of the kind <see cref="FaultKind.Data"/>: it is not all there any more, or is damaged.</exception>
    ValueTask<IWrittenRows?> OpenAsync(UnitResult result, CancellationToken cancel);

    /// <summary>What lies among the published rows and was brought by no unit, as it is found; empty where others may add to the table.</summary>
    /// <param name="results">The results of all units; may be read more than once.</param>
    /// <param name="cancel">Stops the search.</param>
    IAsyncEnumerable<string> StrangersAsync(Func<CancellationToken, IAsyncEnumerable<UnitResult>> results, CancellationToken cancel);
}
