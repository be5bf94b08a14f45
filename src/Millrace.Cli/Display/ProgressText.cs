using System.Globalization;
using Millrace.Telemetry;

namespace Millrace.Cli.Display;

/// <summary>A sample in one line.</summary>
internal static class ProgressText
{
    /// <summary>Rows, speed, per cent, time left, memory, workers, retries: what is not known is left out.</summary>
    public static string Of(ProgressSample sample, SpeedMeter meter)
    {
        var parts = new List<string>(8);
        if (sample.Fraction is { } fraction)
        {
            parts.Add($"{Math.Floor(Math.Clamp(fraction, 0, 1) * 100).ToString("0", CultureInfo.InvariantCulture)} %");
        }

        parts.Add($"{Figures.Short(sample.RowsRead)} rows");
        parts.Add(Figures.Rate(meter.BytesPerSecond));
        parts.Add($"{Figures.Short(meter.RowsPerSecond)} rows/s");
        if (meter.Left is { } left)
        {
            parts.Add($"{Figures.Clock(left)} left");
        }

        parts.Add($"{Figures.Bytes(sample.MemoryBytes)} memory");
        parts.Add(Figures.Count(sample.Running, "worker"));
        parts.Add(sample.Retries == 1 ? "1 retry" : $"{Figures.Whole(sample.Retries)} retries");
        return string.Join("  ", parts);
    }
}
