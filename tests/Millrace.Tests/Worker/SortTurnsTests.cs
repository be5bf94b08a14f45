using Millrace.Jobs;
using Millrace.Runs;
using Millrace.Transform;
using Millrace.Worker;

namespace Millrace.Tests.Worker;

/// <summary>Where there is little memory so many units sort at once as have what a sort needs; elsewhere nobody waits.</summary>
public sealed class SortTurnsTests
{
    private const long Mega = 1 << 20;

    [Theory]
    [InlineData(64, 1)]
    [InlineData(111, 1)]
    [InlineData(112, 2)]
    [InlineData(255, 4)]
    public async Task So_many_sort_at_once_as_have_the_memory(int megabytes, int most)
    {
        using var turns = new SortTurns(Settings(megabytes, 256), static _ => true);
        var taken = new List<IDisposable>();
        for (var i = 0; i < most; i++) taken.Add(Assert.IsType<IDisposable>(await turns.TakeAsync(Header(), default), exactMatch: false));
        var next = turns.TakeAsync(Header(), default).AsTask();
        Assert.False(next.IsCompleted);
        taken[0].Dispose();
        using var turn = await next;
        Assert.Equal(Math.Max(2, most), turns.ThreadsOf(Header()));
    }

    [Fact]
    public async Task Nobody_waits_where_there_is_memory_enough_or_nothing_is_sorted_or_units_are_as_small_as_a_lane()
    {
        using var enough = new SortTurns(Settings(256, 256), static _ => true);
        using var none = new SortTurns(Settings(64, 256), static _ => false);
        using var little = new SortTurns(Settings(64, 256), static _ => true);
        var small = Header() with
        {
            Stage = new StageHeader { Number = 0, InputColumns = [], Buckets = [new BucketRelation("rows", [], [], [], 1)], RunStart = DateTimeOffset.UnixEpoch },
        };
        Assert.Null(await enough.TakeAsync(Header(), default));
        Assert.Null(await none.TakeAsync(Header(), default));
        Assert.Null(await little.TakeAsync(small, default));
        Assert.Equal((4, 4, 4), (enough.ThreadsOf(Header()), none.ThreadsOf(Header()), little.ThreadsOf(small)));
    }

    private static StreamHeader Header() => new() { Run = "r", Stream = "events", To = "events", Generation = 1, Moment = "m", Columns = [], ReaderJson = "{}", WriterJson = "{}" };

    private static WorkerSettings Settings(int megabytes, int alone) => new()
    {
        RunDirectory = "/none", Epoch = 1, Source = "none", Target = "none", Format = FileFormat.Parquet, BaseDirectory = "/", Lanes = 4, Connections = 1,
        DuckDbBytes = megabytes * Mega, DuckDbBytesAlone = alone * Mega,
    };
}
