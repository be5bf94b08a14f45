using Millrace.Engines;

namespace Millrace.Tests.Engines;

public sealed class MemoryPressureTests
{
    private const long Ceiling = 1000L << 20;

    private int _lanes = 3;
    private int _divisor = 1;

    [Fact]
    public void Below_four_fifths_nothing_is_said()
    {
        var pressure = Pressure();
        Assert.Null(pressure.Feel(799L << 20));
        Assert.Equal((3, 1), (_lanes, _divisor));
    }

    [Fact]
    public void A_warning_is_given_once()
    {
        var pressure = Pressure(canShrink: false);
        Assert.Equal("the run takes 810 MB of the 1000 MB of limits.memory", pressure.Feel(810L << 20));
        Assert.Null(pressure.Feel(820L << 20));
        Assert.Equal((3, 1), (_lanes, _divisor));
    }

    [Fact]
    public void Batches_get_smaller_first_and_one_step_has_time_to_help()
    {
        var pressure = Pressure();
        var said = new List<string?>();
        for (var i = 0; i < 4 * Limits.MemoryReadingsPerStep; i++) said.Add(pressure.Feel(810L << 20));
        Assert.Equal((3, Limits.BatchDivisorMax), (_lanes, _divisor));
        Assert.Equal("the run takes 810 MB of the 1000 MB of limits.memory: units that begin from now on collect 1/2 of the usual bytes before they write", said[0]);
        Assert.Contains("collect 1/4 of", said[Limits.MemoryReadingsPerStep], StringComparison.Ordinal);
        Assert.Equal(2, said.Count(static text => text is not null));
    }

    [Fact]
    public void A_step_that_helped_is_the_last()
    {
        var pressure = Pressure();
        Assert.NotNull(pressure.Feel(810L << 20));
        for (var i = 0; i < 10; i++) Assert.Null(pressure.Feel(700L << 20));
        Assert.Equal((3, 2), (_lanes, _divisor));
        Assert.Contains("1/4", pressure.Feel(810L << 20), StringComparison.Ordinal);
    }

    [Fact]
    public void Near_the_ceiling_fewer_units_run_at_once_down_to_one()
    {
        var pressure = Pressure(canShrink: false);
        Assert.Contains("2 units run at once", pressure.Feel(910L << 20));
        Assert.Contains("one unit runs at once", pressure.Feel(910L << 20));
        Assert.Null(pressure.Feel(990L << 20));
        Assert.Equal(1, _lanes);
    }

    [Fact]
    public void Whatever_is_read_fewer_units_never_come_before_smaller_batches()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        for (var round = 0; round < 200; round++)
        {
            (_lanes, _divisor) = (random.Next(1, 9), 1);
            var lanes = _lanes;
            var pressure = Pressure();
            for (var i = 0; i < 30; i++)
            {
                var before = (_lanes, _divisor);
                var percent = random.Next(60, 110);
                var said = pressure.Feel(Ceiling / 100 * percent);
                Assert.True(_lanes == lanes || _divisor > 1, $"seed {seed}");
                Assert.True(_lanes >= 1 && _lanes >= before._lanes - 1 && _divisor <= Math.Min(Limits.BatchDivisorMax, 2 * before._divisor), $"seed {seed}");
                Assert.True(before == (_lanes, _divisor) || (said is not null && percent >= Limits.MemoryWarnPercent), $"seed {seed}");
            }
        }
    }

    private MemoryPressure Pressure(bool canShrink = true) => new(Ceiling, _lanes, canShrink ? () => _divisor *= 2 : null, () => --_lanes);
}
