using Millrace.Telemetry;

namespace Millrace.Cli.Display;

/// <summary>How fast a run is now (over the last seconds) and how long it still takes (over all that this coordinator did).</summary>
internal sealed class SpeedMeter
{
    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    private readonly Queue<ProgressSample> recent = new();
    private (TimeSpan Elapsed, double Fraction)? first;

    /// <summary>Rows a second.</summary>
    public double RowsPerSecond { get; private set; }

    /// <summary>Source bytes a second.</summary>
    public double BytesPerSecond { get; private set; }

    /// <summary>The time left; null while nothing can be said.</summary>
    public TimeSpan? Left { get; private set; }

    /// <summary>Takes the next sample.</summary>
    public void Add(ProgressSample sample)
    {
        recent.Enqueue(sample);
        while (recent.Count > 2 && sample.Elapsed - recent.Peek().Elapsed > Window)
        {
            recent.Dequeue();
        }

        var oldest = recent.Peek();
        var seconds = (sample.Elapsed - oldest.Elapsed).TotalSeconds;
        if (seconds <= 0)
        {
            oldest = sample with { RowsRead = 0, BytesRead = 0 };
            seconds = sample.Elapsed.TotalSeconds;
        }

        RowsPerSecond = seconds > 0 ? Math.Max(0, (sample.RowsRead - oldest.RowsRead) / seconds) : 0;
        BytesPerSecond = seconds > 0 ? Math.Max(0, (sample.BytesRead - oldest.BytesRead) / seconds) : 0;
        Left = Remaining(sample);
    }

    /// <summary>From the first fraction on: a resumed run starts with much of it done.</summary>
    private TimeSpan? Remaining(ProgressSample sample)
    {
        if (sample.Fraction is not { } fraction)
        {
            return null;
        }

        first ??= (sample.Elapsed, fraction);
        var gained = fraction - first.Value.Fraction;
        var taken = sample.Elapsed - first.Value.Elapsed;
        var left = gained > 0 ? taken * ((1 - fraction) / gained) : (TimeSpan?)null;
        return left is { TotalDays: < 100 } ? left : null;
    }
}
