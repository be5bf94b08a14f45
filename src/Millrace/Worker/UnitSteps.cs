using System.Collections.Immutable;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Faults;
using Millrace.Runs;
using Millrace.Transform;

namespace Millrace.Worker;

/// <summary>
/// The stage's SQL around one attempt at a unit: rows are counted as they come, sides are opened, and the SELECT that the writer reads is the
/// stage's own.
/// </summary>
internal sealed class UnitSteps : IDisposable
{
    private readonly StageHeader _stage;
    private readonly ImmutableArray<OpenRelation> _sides;
    private readonly HashTaps _taps;
    private readonly HashTap _count;
    private long? _allRows;

    private UnitSteps(StageHeader stage, HashTaps taps, BucketStore buckets)
    {
        _stage = stage;
        _sides = [.. stage.Sides.Select(side => buckets.Open(side, 0, side.Buckets))];
        _taps = taps;
        _count = taps.Open();
    }

    /// <summary>Opens them where a stage has SQL; null otherwise.</summary>
    public static UnitSteps? Open(StreamHeader header, HashTaps taps, BucketStore buckets) =>
        header.Stage is { Sql: not null } stage ? new UnitSteps(stage, taps, buckets) : null;

    /// <summary>Rows that have come in.</summary>
    public long Rows => _allRows ?? _count.Hash.Rows;

    /// <summary>What was looked up; null before the end, and where nothing is.</summary>
    public LookupCounts? Lookups { get; set; }

    /// <summary>The SELECT that the writer reads, over the reader's.</summary>
    public string Over(string select)
    {
        // One column is enough to count by, and leaves it to DuckDB which others are read.
        // A limit, however high, keeps the steps' conditions above the tap: below it, rows would be left out before they are counted.
        var counted = $"{_count.Over(select, [_stage.InputColumns[0].Name])} LIMIT {long.MaxValue - 1}";
        var tables = _sides.Select(static side => side.AsCommonTable(condition: null)).Prepend($"{StageHeader.Input} AS NOT MATERIALIZED ({counted})");
        return $"WITH {string.Join(", ", tables)} SELECT * FROM ({_stage.Sql})";
    }

    /// <summary>A SELECT of what a stage's last steps, behind its rules, make of rows.</summary>
    public static string After(string select, StreamHeader header) =>
        header.Stage?.After is { } after ? $"WITH {StageHeader.Input} AS NOT MATERIALIZED ({select}) SELECT * FROM ({after})" : select;

    /// <summary>The fault behind a query that failed on a side; null when it failed elsewhere.</summary>
    public Fault? Explain(DuckDbException error) => _sides.IsEmpty ? null : BucketFaults.Explain(error);

    /// <summary>
    /// Whether DuckDB may have asked for fewer rows than there are: when nothing came of them, or sides were joined, one of which may be empty.
    /// </summary>
    /// <param name="rowsGiven">Rows that the steps have given.</param>
    public bool MayEndEarly(long rowsGiven) => rowsGiven == 0 || !_sides.IsEmpty;

    /// <summary>Reads all rows of a unit of which some were not needed: every row is counted. Gives how many rows there are, and the bytes read.</summary>
    /// <param name="early">The unit as it was read.</param>
    /// <param name="open">Opens it anew.</param>
    /// <param name="rejected">How many of them go to quarantine before any step.</param>
    /// <param name="connection">A connection of the unit's own.</param>
    /// <param name="cancel">Stops it.</param>
    public async Task<(long Rows, long Bytes)> ReadAllAsync(
        IUnitInput early, Func<ValueTask<IUnitInput>> open, long rejected, DuckDbConnection connection, CancellationToken cancel)
    {
        // It may hold the only connection.
        await early.DisposeAsync().ConfigureAwait(false);
        await using var input = await open().ConfigureAwait(false);
        using var tap = _taps.Open();
        using var stop = cancel.Register(static state => ((IUnitInput)state!).Cancel(), input);
        await connection.ExecuteAsync($"SELECT count(*) FROM ({tap.Over(input.Select, [_stage.InputColumns[0].Name])})", cancel).ConfigureAwait(false);
        var rows = tap.Hash.Rows;
        await input.CompleteAsync(rows, cancel).ConfigureAwait(false);
        _allRows = rows - rejected;
        return (rows, input.BytesRead);
    }

    /// <summary>Ends the reading of sides.</summary>
    public void Cancel()
    {
        foreach (var side in _sides) side.Rows.Stop();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _count.Dispose();
        foreach (var side in _sides) side.Dispose();
    }
}
