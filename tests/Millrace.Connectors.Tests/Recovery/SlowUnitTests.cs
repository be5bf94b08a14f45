using Millrace.Faults;
using Millrace.Runs;
using Millrace.Telemetry;

namespace Millrace.Connectors.Tests.Recovery;

/// <summary>A unit that takes far longer than others while lanes are idle: it is read in parts as well, and what is complete first counts.</summary>
public sealed class SlowUnitTests : IDisposable
{
    private const long Rows = 4_000;
    private const long PerUnit = 500;
    private const long Slow = 1_000;

    private readonly NumbersBench _bench = new() { Clock = new Hurried(), Workers = "4" };

    public void Dispose() => _bench.Dispose();

    [Fact]
    public async Task The_parts_are_complete_first()
    {
        var isStopped = false;
        var source = Source(async (isWhole, _, cancel) =>
        {
            if (!isWhole) return;
            await using var stopped = cancel.Register(() => isStopped = true);
            await Task.Delay(Timeout.Infinite, cancel);
        });
        var summary = await _bench.RunAsync(source);

        AssertArrived(summary);
        Assert.True(isStopped);
        // On a busy machine others may seem slow to this clock, too.
        var slow = Assert.Single(_bench.Events.OfType<UnitSlow>(), static slow => slow.Label == "numbers 1000-1500");
        Assert.Equal(["numbers 1000-1250", "numbers 1250-1500"], slow.Parts);
        Assert.InRange(source.Attempts, 10, int.MaxValue);
        Assert.Equal(_bench.Events.OfType<UnitSlow>().Count(), summary.Splits);
    }

    [Fact]
    public async Task The_unit_itself_is_complete_first()
    {
        var begun = new TaskCompletionSource();
        var summary = await _bench.RunAsync(Source(async (isWhole, _, cancel) =>
        {
            if (isWhole)
            {
                await begun.Task.WaitAsync(cancel);
                return;
            }

            begun.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancel);
        }));

        AssertArrived(summary);
        Assert.Contains(_bench.Events.OfType<UnitSlow>(), static slow => slow.Label == "numbers 1000-1500");
    }

    [Fact]
    public async Task A_part_that_fails_harms_nobody()
    {
        var failed = new TaskCompletionSource();
        var summary = await _bench.RunAsync(Source(async (isWhole, from, cancel) =>
        {
            if (isWhole) await failed.Task.WaitAsync(cancel);
            else if (from == Slow) throw Failing(failed);
            else await Task.Delay(Timeout.Infinite, cancel);
        }));

        AssertArrived(summary);
        Assert.Empty(_bench.Events.OfType<StreamFailed>());
    }

    [Fact]
    public async Task A_unit_that_can_not_be_cut_just_now_goes_on_as_a_whole()
    {
        var asked = new TaskCompletionSource();
        var source = new NumbersSource(
            Rows,
            PerUnit,
            static (_, _) => null,
            waits: (from, _, cancel) => from == Slow ? asked.Task.WaitAsync(cancel) : Task.CompletedTask,
            cutMeets: () => Failing(asked));

        AssertArrived(await _bench.RunAsync(source));
        Assert.Empty(_bench.Events.OfType<UnitSlow>());
    }

    [Fact]
    public async Task A_part_that_is_slow_too_is_parted_again()
    {
        var summary = await _bench.RunAsync(Source(async (isWhole, from, cancel) =>
        {
            if (isWhole || from == Slow) await Task.Delay(Timeout.Infinite, cancel);
        }, isSlow: static (from, to) => from == Slow && to - from > 200));

        AssertArrived(summary);
        Assert.Equal(
            ["numbers 1000-1500", "numbers 1000-1250"],
            _bench.Events.OfType<UnitSlow>().Select(static slow => slow.Label).Where(static label => label.StartsWith("numbers 1000-", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Rejected_rows_are_there_once_whoever_is_first(bool isPartsFirst)
    {
        var begun = new TaskCompletionSource();
        var source = new NumbersSource(Rows, PerUnit, static (_, _) => null, rejected: "n % 100 = 7", waits: async (from, to, cancel) =>
        {
            if (from < Slow || to > Slow + PerUnit) return;
            var isWhole = to - from == PerUnit;
            if (isWhole && !isPartsFirst) await begun.Task.WaitAsync(cancel);
            begun.TrySetResult();
            // The first part is read in either case, and has its rejects.
            if (isWhole == isPartsFirst && from + PerUnit >= to && (isWhole || from > Slow)) await Task.Delay(Timeout.Infinite, cancel);
        });
        var summary = await _bench.RunAsync(source, "streams.numbers.on_reject=quarantine");

        Assert.Equal((Rows, Rows - 40, 40), (summary.RowsRead, summary.RowsWritten, summary.RowsRejected));
        Assert.Contains(_bench.Events.OfType<UnitSlow>(), static slow => slow.Label == "numbers 1000-1500");
        var lines = Directory.GetFiles(_bench["state"], "*.ndjson", SearchOption.AllDirectories).Where(static path => path.Contains("/rejects/", StringComparison.Ordinal)).SelectMany(File.ReadLines);
        Assert.Equal(40, lines.Count());
    }

    [Fact]
    public async Task A_run_that_is_cancelled_meanwhile_ends()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var summary = await _bench.RunAsync(
            Source(async (isWhole, _, cancel) =>
            {
                if (!isWhole) await stop.CancelAsync();
                await Task.Delay(Timeout.Infinite, cancel);
            }),
            stop.Token);

        Assert.Equal(RunStatus.Cancelled, summary.Status);
        Assert.False(_bench.IsPublished);
    }

    private static Fault Failing(TaskCompletionSource failed)
    {
        failed.TrySetResult();
        return new Fault(FaultKind.Data, "a part fails");
    }

    private static NumbersSource Source(Func<bool, long, CancellationToken, Task> slowly, Func<long, long, bool>? isSlow = null) => new(
        Rows,
        PerUnit,
        static (_, _) => null,
        waits: (from, to, cancel) => (isSlow?.Invoke(from, to) ?? (from >= Slow && to <= Slow + PerUnit)) ? slowly(to - from == PerUnit, from, cancel) : Task.CompletedTask);

    private void AssertArrived(RunSummary summary)
    {
        Assert.Equal(RunStatus.Succeeded, summary.Status);
        Assert.Equal(Rows / PerUnit, summary.Units);
        Assert.Equal(Rows, summary.RowsWritten);
        Assert.Equal(NumbersBench.Expected(Rows), _bench.Published());
    }

    /// <summary>A hundred times as fast as other clocks.</summary>
    private sealed class Hurried : TimeProvider
    {
        private const int Times = 100;

        public override long GetTimestamp() => base.GetTimestamp() * Times;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, Shorter(dueTime), Shorter(period));

        private static TimeSpan Shorter(TimeSpan time) =>
            time == Timeout.InfiniteTimeSpan || time == TimeSpan.Zero ? time : TimeSpan.FromMilliseconds(Math.Max(1, time.TotalMilliseconds / Times));
    }
}
