using System.Collections.Concurrent;
using Millrace.Engines;
using Millrace.Faults;
using Millrace.Runs;
using Millrace.Telemetry;
using Millrace.Worker;

namespace Millrace.Tests.Engines;

public sealed class DispatcherTests
{
    [Fact]
    public void Nothing_gets_narrower_after_the_last_unit()
    {
        var places = new Places(4);
        Assert.Equal(3, places.Narrow());
        places.Dispose();

        Assert.Equal(3, places.Narrow());
    }

    [Fact]
    public async Task A_fault_that_can_pass_is_tried_again_and_said()
    {
        await using var engine = new ScriptedEngine(lanes: 1, order => order.Attempt < 3 ? Passing() : null);
        var heard = new Heard();
        using var dispatcher = new Dispatcher(engine, heard, new Eager());
        var result = await await dispatcher.BeginAsync(Order(0), default);
        Assert.Equal(3, result.Attempt);
        Assert.Equal(2, dispatcher.Retries);
        Assert.Equal([1, 2], heard.Events.OfType<UnitRetried>().Select(retried => retried.Attempt));
    }

    [Fact]
    public async Task Attempts_are_bounded()
    {
        await using var engine = new ScriptedEngine(lanes: 1, _ => Passing());
        using var dispatcher = new Dispatcher(engine, new Heard(), new Eager());
        await Assert.ThrowsAsync<Fault>(async () => await await dispatcher.BeginAsync(Order(0), default));
        Assert.Equal(Limits.UnitAttemptsMax, engine.Attempts);
    }

    [Fact]
    public async Task A_fault_that_can_not_pass_is_not_tried_again()
    {
        await using var engine = new ScriptedEngine(lanes: 1, _ => new Fault(FaultKind.Data, "a bad value"));
        using var dispatcher = new Dispatcher(engine, new Heard(), new Eager());
        await Assert.ThrowsAsync<Fault>(async () => await await dispatcher.BeginAsync(Order(0), default));
        Assert.Equal(1, engine.Attempts);
    }

    [Fact]
    public async Task No_more_units_run_than_there_are_lanes_and_a_free_lane_is_used_before_the_unit_ends()
    {
        var gate = new TaskCompletionSource();
        await using var engine = new ScriptedEngine(lanes: 2, _ => null) { Finish = gate.Task };
        using var dispatcher = new Dispatcher(engine, new Heard(), new Eager());
        var allowed = engine.Lanes * (1 + Limits.FinishingPerLaneMax);
        var running = new List<Task<UnitResult>>();
        for (var number = 0; number < allowed; number++) running.Add(await dispatcher.BeginAsync(Order(number), default));

        // Every place is taken by a unit that is copied and not yet durable: the next one waits for the first of them to end.
        var next = dispatcher.BeginAsync(Order(allowed), default).AsTask();
        Assert.False(next.IsCompleted);
        gate.SetResult();
        running.Add(await next);
        await Task.WhenAll(running);
        Assert.True(engine.MostAtOnce <= 2);
    }

    [Fact]
    public async Task Units_whose_worker_dies_again_and_again_are_tried_alone_and_then_given_up()
    {
        // Both die together twice; alone, the guilty one dies once more and the other one gets through.
        await using var engine = new ScriptedEngine(lanes: 2, order => order.Unit.Number == 1 || (order.Unit.Number == 0 && order.Attempt <= Limits.UnitAttemptsTogetherMax) ? Death() : null);
        var heard = new Heard();
        using var dispatcher = new Dispatcher(engine, heard, new Eager());
        var innocent = await dispatcher.BeginAsync(Order(0), default);
        var guilty = await dispatcher.BeginAsync(Order(1), default);

        Assert.Equal(Limits.UnitAttemptsTogetherMax + 1, (await innocent).Attempt);
        Assert.True((await Assert.ThrowsAsync<Fault>(() => guilty)).Divisible);
        Assert.Equal(2 * (Limits.UnitAttemptsTogetherMax + 1), engine.Attempts);
        Assert.Equal(1, engine.MostBesideSuspects);

        // Everybody's place is free again.
        for (var number = 2; number < 12; number++) await await dispatcher.BeginAsync(Order(number), default);
    }

    [Fact]
    public async Task A_unit_that_needs_too_much_memory_is_tried_alone_once()
    {
        await using var engine = new ScriptedEngine(lanes: 1, _ => new Fault(FaultKind.Limit, "out of memory") { Divisible = true });
        using var dispatcher = new Dispatcher(engine, new Heard(), new Eager());
        await Assert.ThrowsAsync<Fault>(async () => await await dispatcher.BeginAsync(Order(0), default));
        Assert.Equal(2, engine.Attempts);
        await Assert.ThrowsAsync<Fault>(() => dispatcher.RunAloneAsync(Order(1), default));
        Assert.Equal(3, engine.Attempts);
    }

    [Fact]
    public async Task A_suspect_that_waits_for_the_others_can_be_stopped_and_leaves_their_places()
    {
        using var stop = new CancellationTokenSource();
        var gate = new TaskCompletionSource();
        await using var engine = new ScriptedEngine(lanes: 2, _ => null) { Finish = gate.Task };
        using var dispatcher = new Dispatcher(engine, new Heard(), new Eager());
        var other = await dispatcher.BeginAsync(Order(0), default);
        var suspect = dispatcher.RunAloneAsync(Order(1), stop.Token);
        Assert.False(suspect.IsCompleted);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => suspect);
        var next = await dispatcher.BeginAsync(Order(2), default);
        gate.SetResult();
        await Task.WhenAll(other, next);
    }

    [Fact]
    public async Task Nothing_is_tried_again_after_the_run_was_stopped()
    {
        using var stop = new CancellationTokenSource();
        await using var engine = new ScriptedEngine(lanes: 1, _ =>
        {
            stop.Cancel();
            return Passing();
        });
        using var dispatcher = new Dispatcher(engine, new Heard(), new Eager());
        await Assert.ThrowsAsync<Fault>(async () => await await dispatcher.BeginAsync(Order(0), stop.Token));
        Assert.Equal(1, engine.Attempts);
    }

    [Fact]
    public async Task Attempts_that_begin_after_a_step_collect_half_as_much_and_a_quarter_is_the_least()
    {
        var divisors = new List<int>();
        await using var engine = new ScriptedEngine(lanes: 1, order =>
        {
            divisors.Add(order.BatchDivisor);
            return order is { Unit.Number: 1, Attempt: 1 } ? Passing() : null;
        });
        using var dispatcher = new Dispatcher(engine, new Heard(), new Eager());
        await await dispatcher.BeginAsync(Order(0), default);
        Assert.Equal(2, dispatcher.Shrink());
        await await dispatcher.BeginAsync(Order(1), default);
        Assert.Equal((4, 4), (dispatcher.Shrink(), dispatcher.Shrink()));
        await dispatcher.RunAloneAsync(Order(2), default);
        Assert.Equal([1, 2, 2, 4], divisors);
    }

    private static Fault Death() => new(FaultKind.Died, "killed by signal 9") { Retryable = true, Divisible = true };

    private static Fault Passing() => new(FaultKind.Unreachable, "the connection broke") { Retryable = true };

    private static UnitOrder Order(long number) => new()
    {
        Id = 0,
        Stream = "events",
        Generation = 1,
        Unit = new Unit { Number = number, Slice = "{}", Label = "all" },
        Fingerprint = "aa",
        Attempt = 1,
    };

    /// <summary>Waits for nothing.</summary>
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

    private sealed class ScriptedEngine(int lanes, Func<UnitOrder, Fault?> script) : IEngine
    {
        private int _now;
        private int _most;
        private int _attempts;

        public Task Finish { get; init; } = Task.CompletedTask;

        public int MostAtOnce => _most;

        public int Attempts => _attempts;

        public int MostBesideSuspects { get; private set; }

        public int Lanes => lanes;

        public async Task<UnitResult> RunAsync(UnitOrder order, Action laneFree, CancellationToken cancel)
        {
            Interlocked.Increment(ref _attempts);
            var now = Interlocked.Increment(ref _now);
            _most = Math.Max(_most, now);
            if (order.Attempt > Limits.UnitAttemptsTogetherMax) MostBesideSuspects = Math.Max(MostBesideSuspects, now);
            await Task.Yield();
            Interlocked.Decrement(ref _now);
            if (script(order) is { } fault) throw fault;
            laneFree();
            await Finish;
            return new UnitResult
            {
                Number = order.Unit.Number, Fingerprint = order.Fingerprint, Attempt = order.Attempt, Epoch = 1,
                RowsRead = 1, RowsWritten = 1, BytesRead = 1, Files = [], Seconds = 0,
            };
        }

        public WorkerSample Sample() => new(0, 0, 0);

        public long MemoryBytes() => 0;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
