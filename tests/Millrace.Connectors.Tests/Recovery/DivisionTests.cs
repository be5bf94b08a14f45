using Millrace.Faults;
using Millrace.Runs;
using Millrace.Telemetry;

namespace Millrace.Connectors.Tests.Recovery;

/// <summary>Units that can't be read as a whole, on the whole data path: divided, and what is lost named, while the rest arrives.</summary>
public sealed class DivisionTests : IDisposable
{
    private const long Rows = 4_000;

    private readonly NumbersBench _bench = new();

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task A_unit_that_is_too_large_is_read_in_parts()
    {
        var summary = await _bench.RunAsync(new NumbersSource(Rows, perUnit: 1_000, static (from, to) => to - from > 300 && from >= 2_000 ? TooLarge() : null));

        Assert.Equal(RunStatus.Succeeded, summary.Status);
        Assert.Equal(Rows, summary.RowsWritten);
        Assert.Equal(4, summary.Units);
        Assert.Equal(6, summary.Splits);
        Assert.Equal(NumbersBench.Expected(Rows), _bench.Published());
        Assert.Empty(_bench.Events.OfType<RangeLost>());
        Assert.Equal(6, _bench.Events.OfType<UnitDivided>().Count());
    }

    [Fact]
    public async Task One_row_that_can_not_be_read_is_named_and_the_rest_is_kept()
    {
        var isHealed = false;
        var source = new NumbersSource(Rows, perUnit: 1_000, (from, to) => !isHealed && from <= 1_234 && 1_234 < to ? TooLarge() : null);
        var summary = await _bench.RunAsync(source);

        Assert.Equal(RunStatus.Failed, summary.Status);
        var fault = Assert.Single(summary.Faults);
        Assert.Equal(FaultKind.Limit, fault.Kind);
        Assert.Equal("numbers, numbers 1234-1235", fault.Where);
        Assert.Contains("millrace resume", fault.Advice);
        Assert.False(_bench.IsPublished);

        // What is missing is tried again, and nothing else.
        var attempts = source.Attempts;
        var again = await _bench.ResumeAsync(source);
        Assert.Equal(RunStatus.Failed, again.Status);
        Assert.Equal(1, source.Attempts - attempts);

        isHealed = true;
        attempts = source.Attempts;
        var healed = await _bench.ResumeAsync(source);
        Assert.Equal(RunStatus.Succeeded, healed.Status);
        Assert.Equal(1, source.Attempts - attempts);
        Assert.Equal(Rows, healed.RowsWritten);
        Assert.Equal(NumbersBench.Expected(Rows), _bench.Published());
    }

    [Fact]
    public async Task The_first_unit_in_parts_leaves_no_file_without_columns()
    {
        var summary = await _bench.RunAsync(new NumbersSource(1_000, perUnit: 1_000, static (from, to) => to - from > 600 ? TooLarge() : null));

        Assert.Equal(RunStatus.Succeeded, summary.Status);
        Assert.Equal("1000 499500", _bench.Published());
    }

    [Fact]
    public async Task Where_nothing_can_be_read_not_every_row_is_tried()
    {
        var source = new NumbersSource(Rows, perUnit: Rows, static (_, _) => TooLarge());
        var summary = await _bench.RunAsync(source);

        Assert.Equal(RunStatus.Failed, summary.Status);
        Assert.Single(_bench.Events.OfType<RangeLost>());
        // Twice as a whole, and then once at each halving from 4,000 numbers to one.
        Assert.InRange(source.Attempts, 1, 2 + 12);
    }

    [Fact]
    public async Task Many_lost_ranges_end_the_stream()
    {
        var source = new NumbersSource(Rows, perUnit: 1_000, static (from, to) => to - from > 1 || from % 2 == 1 ? TooLarge() : null);
        var summary = await _bench.RunAsync(source);

        Assert.Equal(RunStatus.Failed, summary.Status);
        // The other units lose theirs at the same time.
        Assert.InRange(_bench.Events.OfType<RangeLost>().Count(), Limits.LostRangesMax, Limits.LostRangesMax + 3);
    }

    [Fact]
    public async Task A_fault_that_less_work_does_not_avoid_divides_nothing()
    {
        var source = new NumbersSource(Rows, perUnit: 1_000, static (from, _) => from == 1_000 ? new Fault(FaultKind.Data, "a bad value") : null);
        var summary = await _bench.RunAsync(source);

        Assert.Equal(RunStatus.Failed, summary.Status);
        Assert.Equal("a bad value", Assert.Single(summary.Faults).Message);
        Assert.Empty(_bench.Events.OfType<UnitDivided>());
    }

    // One file is written as a whole: parts of its unit would be files that nothing makes one of.
    [Fact]
    public async Task The_unit_of_a_single_file_is_never_divided()
    {
        using var bench = new NumbersBench { Target = "out.parquet" };
        var source = new NumbersSource(Rows, perUnit: Rows, static (from, to) => to - from > 1 ? TooLarge() : null);
        var summary = await bench.RunAsync(source);

        Assert.Equal(RunStatus.Failed, summary.Status);
        Assert.Equal("too large", Assert.Single(summary.Faults).Message);
        Assert.NotEqual(0, source.Attempts);
        Assert.Empty(bench.Events.OfType<UnitDivided>());
        Assert.False(File.Exists(bench["out.parquet"]));
    }

    private static Fault TooLarge() => new(FaultKind.Limit, "too large") { Divisible = true };
}
