using System.Globalization;

namespace Millrace.Connectors.Postgres.Partitioning;

/// <summary>A stretch of the calendar.</summary>
internal enum CalendarPeriod
{
    /// <summary>A day.</summary>
    Day,

    /// <summary>A week from Monday.</summary>
    Week,

    /// <summary>A month.</summary>
    Month,

    /// <summary>A quarter.</summary>
    Quarter,

    /// <summary>A year.</summary>
    Year,
}

/// <summary>
/// Bounds at whole days, weeks, months, quarters or years: the longest of them that keeps units at the size that is aimed at.
/// Stretches with few rows are joined with what follows, so that an outlier in the year 9999 does not make a million empty units.
/// </summary>
internal static class DateRanges
{
    private static readonly string[] s_formats = ["yyyy-MM-dd", "yyyy-MM-dd HH:mm:ss.FFFFFF", "yyyy-MM-dd HH:mm:ss.FFFFFFzz", "yyyy-MM-dd HH:mm:ss.FFFFFFzzz"];

    /// <summary>The anchors that .NET's calendar has: no infinities, no BC, no year after 9999. Those lie in the first and last range.</summary>
    internal static DateTime[] Parse(IReadOnlyList<string> anchors)
    {
        var dates = new List<DateTime>(anchors.Count);
        foreach (var text in anchors)
        {
            if (DateTime.TryParseExact(text, s_formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var date))
                dates.Add(date);
        }

        return [.. dates];
    }

    /// <summary>The longest period with at most <paramref name="unitRows"/> rows on an average day of these anchors.</summary>
    internal static CalendarPeriod Choose(DateTime[] anchors, long rows, long unitRows)
    {
        if (anchors.Length < 2) return CalendarPeriod.Day;
        // The middle half of the rows: outliers at the ends would thin the density out.
        var days = Math.Max(1, (anchors[(anchors.Length - 1) * 3 / 4] - anchors[(anchors.Length - 1) / 4]).TotalDays);
        var rowsPerDay = rows / 2.0 / days;
        return (unitRows / Math.Max(rowsPerDay, 1e-9)) switch
        {
            >= 365 => CalendarPeriod.Year,
            >= 91 => CalendarPeriod.Quarter,
            >= 30 => CalendarPeriod.Month,
            >= 7 => CalendarPeriod.Week,
            _ => CalendarPeriod.Day,
        };
    }

    /// <summary>The bounds, rising, as PostgreSQL reads them.</summary>
    internal static IEnumerable<string[]> Bounds(DateTime[] anchors, CalendarPeriod period, long rows, long unitRows)
    {
        if (anchors.Length < 2) yield break;
        var rowsPerGap = (double)rows / (anchors.Length - 1);
        var taken = 0.0;
        var gap = 0;
        for (var bound = Next(Truncate(anchors[0], period), period); bound <= anchors[^1]; bound = Next(bound, period))
        {
            while (gap < anchors.Length - 2 && anchors[gap + 1] <= bound) gap++;
            var width = (anchors[gap + 1] - anchors[gap]).Ticks;
            var before = rowsPerGap * (gap + (width <= 0 ? 1 : Math.Min(1.0, (double)(bound - anchors[gap]).Ticks / width)));
            if (before - taken >= unitRows / 2.0)
            {
                taken = before;
                yield return [bound.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)];
            }

            if (bound >= DateTime.MaxValue.AddYears(-2)) yield break;
        }
    }

    private static DateTime Truncate(DateTime date, CalendarPeriod period) => period switch
    {
        CalendarPeriod.Year => new DateTime(date.Year, 1, 1, 0, 0, 0, DateTimeKind.Utc),
        CalendarPeriod.Quarter => new DateTime(date.Year, (((date.Month - 1) / 3) * 3) + 1, 1, 0, 0, 0, DateTimeKind.Utc),
        CalendarPeriod.Month => new DateTime(date.Year, date.Month, 1, 0, 0, 0, DateTimeKind.Utc),
        CalendarPeriod.Week when date.Ticks >= 7 * TimeSpan.TicksPerDay => date.Date.AddDays(-(((int)date.DayOfWeek + 6) % 7)),
        _ => date.Date,
    };

    private static DateTime Next(DateTime date, CalendarPeriod period) => period switch
    {
        CalendarPeriod.Year => date.AddYears(1),
        CalendarPeriod.Quarter => date.AddMonths(3),
        CalendarPeriod.Month => date.AddMonths(1),
        CalendarPeriod.Week => date.AddDays(7),
        _ => date.AddDays(1),
    };
}
