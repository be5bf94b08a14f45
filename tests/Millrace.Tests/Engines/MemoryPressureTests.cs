using Millrace.Engines;

namespace Millrace.Tests.Engines;

public sealed class MemoryPressureTests
{
    private const long Ceiling = 1000L << 20;

    private int _lanes = 3;

    [Fact]
    public void Below_four_fifths_nothing_is_said()
    {
        var pressure = Pressure();
        Assert.Null(pressure.Feel(799L << 20));
        Assert.Equal(3, _lanes);
    }

    [Fact]
    public void A_warning_is_given_once()
    {
        var pressure = Pressure();
        Assert.Equal("the run takes 810 MB of the 1000 MB of limits.memory", pressure.Feel(810L << 20));
        Assert.Null(pressure.Feel(820L << 20));
        Assert.Equal(3, _lanes);
    }

    [Fact]
    public void Near_the_ceiling_fewer_units_run_at_once_down_to_one()
    {
        var pressure = Pressure();
        Assert.Contains("2 units run at once", pressure.Feel(910L << 20));
        Assert.Contains("one unit runs at once", pressure.Feel(910L << 20));
        Assert.Null(pressure.Feel(990L << 20));
        Assert.Equal(1, _lanes);
    }

    private MemoryPressure Pressure() => new(Ceiling, _lanes, () => --_lanes);
}
