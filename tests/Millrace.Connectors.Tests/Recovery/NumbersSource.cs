using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Connectors.Tests.Recovery;

/// <summary>
/// A source of numbers from 0 on, cut into units of equal size, whose reading fails as a test says: what a range [from, to) meets.
/// Divides a unit in halves down to one number. Numbers that meet a condition are rejected, where the stream has a quarantine. Before a
/// range is read, <paramref name="waits"/> may keep its reader waiting.
/// </summary>
internal sealed class NumbersSource(
    long rows, long perUnit, Func<long, long, Fault?> meets, string rejected = "false", bool isEstimated = true, Func<long, long, CancellationToken, Task>? waits = null,
    Func<Fault?>? cutMeets = null) : ISourceConnector
{
    private int _attempts;

    /// <summary>Units that were opened, in all attempts.</summary>
    public int Attempts => _attempts;

    public string Name => "numbers";

    public bool Claims(string address) => address == "numbers";

    public ISource Open(SourceContext context) => new Half(this);

    public IUnitReader OpenReader(SourceContext context) => new Half(this);

    private static (long From, long To) RangeOf(string slice)
    {
        var dash = slice.IndexOf('-', StringComparison.Ordinal);
        return (long.Parse(slice.AsSpan(0, dash), CultureInfo.InvariantCulture), long.Parse(slice.AsSpan(dash + 1), CultureInfo.InvariantCulture));
    }

    private static PlannedUnit Range(long from, long to)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{from}-{to}");
        return new PlannedUnit(text, $"numbers {text}", to - from);
    }

    private sealed class Half(NumbersSource numbers) : ISource, IUnitReader
    {
        public string Place => "numbers";

        public ValueTask<string> CheckAsync(CancellationToken cancel) => ValueTask.FromResult("numbers");

        public IAsyncEnumerable<Discovered> DiscoverAsync(string pattern, CancellationToken cancel) => throw new NotSupportedException();

        public ValueTask<ImmutableArray<StreamJob>> ExpandAsync(ImmutableArray<StreamJob> streams, CancellationToken cancel) => ValueTask.FromResult(streams);

        public ValueTask HoldAsync(ImmutableArray<StreamJob> streams, CancellationToken cancel) => ValueTask.CompletedTask;

        public ValueTask<StreamPlan> PlanAsync(StreamJob stream, PlanRequest request, CancellationToken cancel) => ValueTask.FromResult(new StreamPlan
        {
            Stream = stream,
            Columns = [new Column { Name = "n", SourceName = "n", SourceType = "bigint", Type = "BIGINT" }],
            EstimatedRows = numbers.IsEstimated ? numbers.Rows : null,
            EstimatedBytes = numbers.IsEstimated ? numbers.Rows * 16 : null,
            Strategy = PartitionBy.Id,
            Why = "a test",
            EstimatedUnits = (numbers.Rows + numbers.PerUnit - 1) / numbers.PerUnit,
            ReaderJson = "{}",
            Units = Units,
        });

        public ValueTask<ImmutableArray<PlannedUnit>> SplitAsync(StreamHeader header, Unit unit, CancellationToken cancel)
        {
            if (numbers.CutMeets() is { } fault) throw fault;
            var (from, to) = RangeOf(unit.Slice);
            var middle = from + ((to - from) / 2);
            return ValueTask.FromResult<ImmutableArray<PlannedUnit>>(to - from < 2 ? [] : [Range(from, middle), Range(middle, to)]);
        }

        public IReadOnlyList<string> ReadablePaths(StreamHeader header) => [];

        public void Attach(DuckDbConnection connection)
        {
            // DuckDB's own range() gives the rows.
        }

        public async ValueTask<IUnitInput> OpenAsync(StreamHeader header, Unit unit, CancellationToken cancel)
        {
            Interlocked.Increment(ref numbers._attempts);
            var (from, to) = RangeOf(unit.Slice);
            await numbers.WaitAsync(from, to, cancel);
            if (numbers.Meets(from, to) is { } fault) throw fault;
            return new Input(from, to, header.RejectColumn, numbers.Rejected);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        private async IAsyncEnumerable<PlannedUnit> Units([EnumeratorCancellation] CancellationToken cancel)
        {
            for (long from = 0; from < numbers.Rows; from += numbers.PerUnit)
            {
                await Task.Yield();
                cancel.ThrowIfCancellationRequested();
                yield return Range(from, Math.Min(from + numbers.PerUnit, numbers.Rows));
            }
        }
    }

    private long Rows => rows;

    private long PerUnit => perUnit;

    private string Rejected => rejected;

    private bool IsEstimated => isEstimated;

    private Task WaitAsync(long from, long to, CancellationToken cancel) => waits?.Invoke(from, to, cancel) ?? Task.CompletedTask;

    private Fault? CutMeets() => cutMeets?.Invoke();

    private Fault? Meets(long from, long to) => meets(from, to);

    private sealed class Input(long from, long to, string? rejectColumn, string rejected) : IUnitInput
    {
        private const string Note = """'{"rejects":[{"column":"n","reason":"not wanted","value":"' || n || '"}]}'""";

        public string Select
        {
            get
            {
                var select = string.Create(CultureInfo.InvariantCulture, $"SELECT range AS n FROM range({from}, {to})");
                return rejectColumn is null ? select : $"SELECT n, CASE WHEN {rejected} THEN {Note} END AS {rejectColumn} FROM ({select})";
            }
        }

        public string? RejectColumn => rejectColumn;

        public long RowsRead => -1;

        public long BytesRead => 0;

        public void Cancel()
        {
            // It is too short for that.
        }

        public ValueTask CompleteAsync(long rowsPassed, CancellationToken cancel) => ValueTask.CompletedTask;

        public Fault? Explain(DuckDbException error) => null;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
