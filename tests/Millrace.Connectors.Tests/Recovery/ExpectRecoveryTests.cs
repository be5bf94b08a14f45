using System.Collections.Immutable;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Runs;
using Millrace.Telemetry;

namespace Millrace.Connectors.Tests.Recovery;

/// <summary>A row that breaks a rule is counted once, whatever became of its unit.</summary>
public sealed class ExpectRecoveryTests : IDisposable
{
    private const long Rows = 4_000;

    private readonly NumbersBench _bench = new()
    {
        Expect =
        [
            new() { Mark = new Mark("streams.numbers.expect[0].sql"), Kind = ExpectKind.Sql, Condition = "n % 100 <> 7", Action = ExpectAction.Warn },
            new() { Mark = new Mark("streams.numbers.expect[1].sql"), Kind = ExpectKind.Sql, Condition = "n % 100 <> 8", Action = ExpectAction.Quarantine },
            new() { Mark = new Mark("streams.numbers.expect[2].not_null"), Kind = ExpectKind.NotNull, Columns = ["n"] },
        ],
    };

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task Parts_of_a_divided_unit_add_up()
    {
        var summary = await RunAsync(static (from, to) => to - from > 300 && from >= 2_000 ? new Fault(FaultKind.Limit, "too large") { Divisible = true } : null);
        Assert.Empty(summary.Faults);
        Assert.Equal(6, summary.Splits);
        AssertCounted(summary);
    }

    [Fact]
    public async Task An_attempt_that_failed_does_not_count()
    {
        var tried = 0;
        var summary = await RunAsync((from, _) => from == 2_000 && Interlocked.Increment(ref tried) == 1 ? new Fault(FaultKind.Unreachable, "gone") { Retryable = true } : null);
        Assert.Empty(summary.Faults);
        Assert.Equal(1, summary.Retries);
        AssertCounted(summary);
    }

    [Fact]
    public async Task A_resumed_run_takes_over_what_was_counted()
    {
        var failed = await RunAsync(static (from, _) => from == 3_000 ? new Fault(FaultKind.Data, "a bad range") : null);
        Assert.Equal(RunStatus.Failed, failed.Status);
        var resumed = await _bench.ResumeAsync(Source(static (_, _) => null), Sets);
        Assert.Empty(resumed.Faults);
        AssertCounted(resumed);
    }

    private static string[] Sets { get; } = ["streams.numbers.partition.key=n", "engine=inproc"];

    private static NumbersSource Source(Func<long, long, Fault?> meets) => new(Rows, perUnit: 1_000, meets);

    private Task<RunSummary> RunAsync(Func<long, long, Fault?> meets) => _bench.RunAsync(Source(meets), Sets);

    private void AssertCounted(RunSummary summary)
    {
        Assert.Equal([40, 40, 0], summary.Rules["numbers"].Select(static rule => rule.Rows));
        Assert.Equal((Rows, Rows - 40, 40), (summary.RowsRead, summary.RowsWritten, summary.RowsRejected));
        var committed = Assert.Single(_bench.Events.OfType<StreamCommitted>());
        Assert.Equal(["expect[0].sql", "expect[1].sql", "expect[2].not_null"], committed.Rules.Select(static rule => rule.Rule));
        Assert.Contains(_bench.Events.OfType<Warned>(), static warned => warned.Text.StartsWith("numbers: 40 of 3,960 rows break sql n % 100 <> 7 (expect[0].sql), such as {\"n\":", StringComparison.Ordinal));
        var record = RunDirectory.Open(_bench["state"], summary.Run).Stream("numbers").ReadCommit()!;
        Assert.Equal(ImmutableArray.Create(40L, 40L, 0L), record.Rules.Select(static rule => rule.Rows));
    }
}
