using System.Collections.Concurrent;
using System.Collections.Immutable;
using Millrace.Engines;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Worker;

namespace Millrace.Tests.Engines;

/// <summary>Real processes that do what a worker must not: take more than their share, or say nothing more.</summary>
public sealed class LocalEngineTests
{
    private const long Share = 32L << 20;

    /// <summary>Ready, then 64 MB that are never given back.</summary>
    private const string Greedy = """echo '{"ready":true}'; exec awk 'BEGIN { s = "x"; while (length(s) < 67108864) s = s s; while ((getline line) > 0) n++ }'""";

    /// <summary>Ready, one row, then silence.</summary>
    private const string Silent = """echo '{"ready":true}'; echo '{"progress":[{"order":1,"rows":5,"bytes":50}]}'; exec cat > /dev/null""";

    /// <summary>Ready, then two orders: one has five rows for ever, the other one always more.</summary>
    private const string Stalled =
        """echo '{"ready":true}'; while n=$((n+1)); do echo '{"progress":[{"order":1,"rows":5,"bytes":50},{"order":2,"rows":'$n',"bytes":1}]}'; done""";

    [Fact]
    public async Task A_worker_above_its_share_is_killed_and_its_unit_is_given_up_to_be_divided()
    {
        if (!OperatingSystem.IsLinux()) return;
        var heard = new Heard();
        await using var engine = Engine(Greedy, heard);
        using var dispatcher = new Dispatcher(engine, heard, new Eager());
        var unit = await dispatcher.BeginAsync(Order, default);
        while (!unit.IsCompleted)
        {
            engine.MemoryBytes();
            await Task.Yield();
        }

        var fault = await Assert.ThrowsAsync<Fault>(() => unit);
        Assert.Equal((FaultKind.Died, true), (fault.Kind, fault.Divisible));
        Assert.Matches(@"^worker process \d+ was killed because it took \d+(\.\d)? MB, and its share of limits\.memory is 32 MB", fault.Message);

        // Tried together, then alone; each time in a new process.
        Assert.Equal(Limits.UnitAttemptsTogetherMax, heard.Events.OfType<WorkerLost>().Count());
        Assert.Equal(Limits.UnitAttemptsTogetherMax, heard.Events.OfType<UnitRetried>().Count());
    }

    [Fact]
    public async Task A_worker_that_says_nothing_more_is_killed()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var engine = Engine(Silent, new Heard());
        var unit = engine.RunAsync(Order with { Id = 1 }, static () => { }, default);
        while (!unit.IsCompleted)
        {
            engine.Sample();
            await Task.Yield();
        }

        var fault = await Assert.ThrowsAsync<Fault>(() => unit);
        Assert.Contains($"was killed because it has said nothing for {Limits.WorkerSilenceSecondsMax} s", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_with_a_unit_whose_rows_stand_still_is_killed()
    {
        if (!OperatingSystem.IsLinux()) return;
        await using var engine = Engine(Stalled, new Heard(), lanes: 2);
        var stalled = engine.RunAsync(Order with { Id = 1 }, static () => { }, default);
        var going = engine.RunAsync(Order with { Id = 2 }, static () => { }, default);
        long rows = 0;
        for (var unchanged = 0; !stalled.IsCompleted; unchanged++)
        {
            // Not faster than it speaks, or it would seem silent.
            var now = engine.Sample().Rows;
            if (now == rows) await Task.Delay(TimeSpan.FromMilliseconds(unchanged < 5 ? 1 : 100), TestContext.Current.CancellationToken);
            else unchanged = -1;
            rows = now;
        }

        var fault = await Assert.ThrowsAsync<Fault>(() => stalled);
        Assert.Equal((FaultKind.Died, true), (fault.Kind, fault.Divisible));
        Assert.Contains($"was killed because a unit of it has had no new row for {Limits.UnitStallSecondsMax} s", fault.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<Fault>(() => going);
    }

    private static UnitOrder Order => new()
    {
        Id = 0, Stream = "events", Generation = 1, Unit = new Unit { Number = 0, Slice = "{}", Label = "all" }, Fingerprint = "aa", Attempt = 1,
    };

    private static LocalEngine Engine(string script, IRunObserver observer, int lanes = 1) => new(
        new WorkerCommand("sh", ["-c", script], ImmutableDictionary<string, string>.Empty),
        new WorkerSettings
        {
            RunDirectory = "/none", Epoch = 1, Source = "none", Target = "none", Format = FileFormat.Parquet, BaseDirectory = "/", Lanes = lanes, Connections = 1, DuckDbBytes = 1,
        },
        lanes,
        Share,
        observer);

    private sealed class Eager : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, TimeSpan.Zero, period);
    }

    private sealed class Heard : IRunObserver
    {
        public ConcurrentQueue<RunEvent> Events { get; } = new();

        public void On(RunEvent happened) => Events.Enqueue(happened);
    }
}
