using System.Diagnostics;
using Millrace.DuckDb;
using Millrace.Extract;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Worker;

namespace Millrace.Tests.Worker;

public sealed class PaceTests
{
    private readonly HandClock _clock = new();

    [Fact]
    public void What_is_read_is_waited_for_at_the_slower_of_both_rates()
    {
        var pace = new Pace(1000, 1_000_000, _clock);
        Assert.Equal(TimeSpan.FromSeconds(2), pace.Take(2000, 500_000));
        Assert.Equal(TimeSpan.FromSeconds(4.5), pace.Take(100, 4_000_000));
        _clock.Now += TimeSpan.FromSeconds(4.5);
        Assert.Equal(TimeSpan.FromSeconds(1), pace.Take(1000, 0));
    }

    [Fact]
    public void Time_in_which_nothing_was_read_is_not_made_up_for()
    {
        var pace = new Pace(1000, null, _clock);
        _clock.Now += TimeSpan.FromHours(1);
        Assert.Equal(TimeSpan.FromSeconds(3), pace.Take(3000, long.MaxValue / 2));
    }

    [Fact]
    public void A_wait_ends_before_the_worker_would_look_dead_and_the_rest_is_not_forgotten()
    {
        var pace = new Pace(null, 1000, _clock);
        Assert.Equal(TimeSpan.FromSeconds(Limits.PaceWaitSecondsMax), pace.Take(1, 1_000_000));
        _clock.Now += TimeSpan.FromSeconds(Limits.PaceWaitSecondsMax);
        Assert.Equal(TimeSpan.FromSeconds(1000 - Limits.PaceWaitSecondsMax + 1), pace.Take(1, 1000));
    }

    [Fact]
    public async Task Over_any_number_of_lanes_rows_pass_no_faster_than_they_may()
    {
        var pace = new Pace(40_000, null, TimeProvider.System);
        var began = Stopwatch.GetTimestamp();
        var read = await Task.WhenAll(ReadAsync(pace, default), ReadAsync(pace, default));
        Assert.Equal([10_000L, 10_000], read);
        // Each lane's last chunk is waited for by the next one.
        Assert.True(Stopwatch.GetElapsedTime(began) >= TimeSpan.FromSeconds(16_000 / 40_000.0), $"{Stopwatch.GetElapsedTime(began)}");
    }

    [Fact]
    public async Task Whoever_waits_stops_when_told_to()
    {
        using var stop = new CancellationTokenSource();
        var reading = ReadAsync(new Pace(1, null, _clock), stop.Token);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<Exception>(() => reading.WaitAsync(TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public void Without_a_rate_there_is_no_pace() => Assert.Null(Pace.Of(Settings(), _clock));

    private static WorkerSettings Settings() => new()
    {
        RunDirectory = "run", Epoch = 1, Source = "a", Target = "b", Format = FileFormat.Parquet, BaseDirectory = "/", Lanes = 1, Connections = 1, DuckDbBytes = 1,
    };

    private static async Task<long> ReadAsync(Pace pace, CancellationToken cancel)
    {
        using var database = DuckDbDatabase.Open();
        using var connection = database.Connect();
        var taps = new HashTaps("tap");
        taps.Attach(connection);
        await using var input = new Input();
        using var paced = new PacedInput(pace, taps, input, cancel);
        using var answer = await connection.QueryAsync($"SELECT count(*) FROM ({paced.Over(input.Select, "id")})", cancel);
        cancel.ThrowIfCancellationRequested();
        return answer.Read() ? answer.GetInt64(0) : -1;
    }

    private sealed class HandClock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }

    private sealed class Input : IUnitInput
    {
        public string Select => "SELECT i AS id FROM range(10000) AS r(i)";

        public long RowsRead => -1;

        public long BytesRead => 0;

        public void Cancel()
        {
            // DuckDB is interrupted itself.
        }

        public ValueTask CompleteAsync(long rowsPassed, CancellationToken cancel) => default;

        public Fault? Explain(DuckDbException error) => null;

        public ValueTask DisposeAsync() => default;
    }
}
