using Millrace.Worker;

namespace Millrace.Tests.Worker;

public sealed class LaneHoldTests : IDisposable
{
    private readonly SemaphoreSlim _ahead = new(1, 1);
    private int _freed;

    public void Dispose() => _ahead.Dispose();

    [Fact]
    public void A_lane_is_free_once_however_its_unit_goes_on()
    {
        using var lane = Hold();
        lane.Drained();
        Assert.Equal(1, _freed);
        lane.Copied();
        lane.Drained();
        Assert.Equal(1, _freed);
        Assert.Equal(1, _ahead.CurrentCount);
    }

    [Fact]
    public void A_second_drained_unit_waits_for_its_copy()
    {
        using var first = Hold();
        using var second = Hold();
        first.Drained();
        second.Drained();
        Assert.Equal(1, _freed);
        second.Copied();
        Assert.Equal(2, _freed);
        first.Copied();
        Assert.Equal(2, _freed);
        Assert.Equal(1, _ahead.CurrentCount);
    }

    [Fact]
    public void A_unit_that_fails_frees_no_lane_and_leaves_its_place_ahead()
    {
        Hold().Dispose();
        Assert.Equal(0, _freed);
        using (var drained = Hold()) drained.Drained();
        Assert.Equal(1, _freed);
        Assert.Equal(1, _ahead.CurrentCount);
    }

    private LaneHold Hold() => new(_ahead, () => _freed++);
}
