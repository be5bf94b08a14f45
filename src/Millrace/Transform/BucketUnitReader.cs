using System.Collections.Immutable;
using System.Text.Json;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Transform;

/// <summary>Gives a key stage's units their buckets: SQL over the rows that the stages before have written. Thread safe.</summary>
/// <param name="store">The run's buckets.</param>
internal sealed class BucketUnitReader(BucketStore store) : IUnitReader
{
    /// <inheritdoc/>
    public IReadOnlyList<string> ReadablePaths(StreamHeader header) => [];

    /// <inheritdoc/>
    public void Attach(DuckDbConnection connection)
    {
        // The store attaches itself: sides need it as well.
    }

    /// <inheritdoc/>
    public ValueTask<IUnitInput> OpenAsync(StreamHeader header, Unit unit, CancellationToken cancel) =>
        ValueTask.FromResult<IUnitInput>(new BucketUnitInput(store, header.Stage!, SliceOf(unit), header.Stage!.PortionOf(unit)));

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>What a unit reads.</summary>
    internal static BucketSlice SliceOf(Unit unit) => SliceOf(unit.Slice);

    /// <summary>What a unit's slice says.</summary>
    internal static BucketSlice SliceOf(string slice) => JsonSerializer.Deserialize(slice, TransformJson.Default.BucketSlice)
        ?? throw new Fault(FaultKind.Internal, "a unit has no slice");
}

/// <summary>One open unit of a key stage.</summary>
internal sealed class BucketUnitInput : IUnitInput
{
    private readonly BucketSlice _slice;
    private readonly ImmutableArray<OpenRelation> _relations;

    /// <summary>Opens the slice's buckets of every relation.</summary>
    /// <param name="store">The run's buckets.</param>
    /// <param name="stage">The unit's stage.</param>
    /// <param name="slice">Which buckets.</param>
    /// <param name="portion">How many rows each statement reads; null: all.</param>
    public BucketUnitInput(BucketStore store, StageHeader stage, BucketSlice slice, long? portion = null)
    {
        Statements = portion is { } rows ? (int)Math.Max(1, (slice.Rows[0] + rows - 1) / rows) : 1;
        _slice = slice;
        var range = slice.From is { } from ? new DuckDb.RowRange(from, slice.Rows[0]) : (DuckDb.RowRange?)null;

        // DuckDB writes into one folder after the other. Buckets of one key each come one after the other where their rows are put together; other rows
        // are ordered by folder first.
        var gathered = stage.Buckets is [{ ByValue: true } only] ? only : null;
        var folders = gathered is not null && (gathered.Merge is null ? slice.HasManyKeys : slice.IsShared) ? gathered.Keys : [];
        _relations = [.. stage.Buckets.Select((relation, i) => store.Open(relation, slice.First, slice.End, slice.Rows[i], range, portion, inOrder: folders.IsEmpty))];
        var tables = _relations.Select(relation => relation.AsCommonTable(slice.Of == 1 ? null : store.InPart(relation.Relation.Keys, slice.Part, slice.Of)));
        Select = $"WITH {string.Join(", ", tables)} {(slice.ByElement ? stage.Elements!.Sql : stage.BucketSql)}";
        var order = folders.AddRange(stage.BucketOrder);
        if (gathered?.Merge is { } merge && !folders.IsEmpty) order = order.Add(SqlText.Name(merge.Column));
        if (order.IsEmpty && gathered?.Merge is null) return;
        Select = SourcePlace.Select(stage.InputColumns, $"({Select}) AS {StageHeader.Input}");
        if (!order.IsEmpty) Select += $" ORDER BY {string.Join(", ", order.Select(term => Ordered(term, stage.InputColumns)))}";
    }

    // Of a column's own value the sort makes it anew: OrderTerm says what becomes of floats.
    private static string Ordered(string term, ImmutableArray<Column> columns) => columns.FirstOrDefault(column => SqlText.Name(column.Name) == term) is { } column
        ? new OrderTerm(column.Name, Descending: false, NullsFirst: false).ToSql(DuckDbType.Parse(column.Type)) : term;

    /// <inheritdoc/>
    public string Select { get; }

    /// <inheritdoc/>
    public int Statements { get; }

    /// <inheritdoc/>
    public long RowsRead => _relations.Sum(static relation => relation.Rows.RowsRead);

    /// <inheritdoc/>
    public long BytesRead => _relations.Sum(static relation => relation.Rows.BytesRead);

    /// <inheritdoc/>
    public void Cancel()
    {
        foreach (var relation in _relations) relation.Rows.Stop();
    }

    /// <inheritdoc/>
    public bool IsRead(long rowsPassed) => _relations.Length > 1 || _relations[0].Rows.RowsRead == _slice.Rows[0];

    /// <summary>
    /// Every row of a stage with one relation must have been read. A join may end early: an empty side makes the rest of the other one needless.
    /// </summary>
    public ValueTask CompleteAsync(long rowsPassed, CancellationToken cancel)
    {
        if (!IsRead(rowsPassed))
        {
            throw new Fault(FaultKind.Data, $"{_relations[0].Rows.RowsRead} rows were read from buckets that have {_slice.Rows[0]}")
            {
                Side = FaultSide.Transform, Advice = "Nothing of this unit was kept. Please report it: the counts must agree.",
            };
        }

        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public Fault? Explain(DuckDbException error) => BucketFaults.Explain(error);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        foreach (var relation in _relations) relation.Dispose();
        return ValueTask.CompletedTask;
    }
}
