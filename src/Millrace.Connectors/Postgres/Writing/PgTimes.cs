using Millrace.Connectors.Postgres.Reading;
using Millrace.DuckDb;

namespace Millrace.Connectors.Postgres.Writing;

/// <summary>
/// DuckDB's dates and times in PostgreSQL's counting, which begins in 2000, and the ends of PostgreSQL's ranges (datatype/timestamp.h).
/// Nothing is rounded: what PostgreSQL can't hold is refused.
/// </summary>
internal static class PgTimes
{
    /// <summary>4714-11-24 BC in microseconds since 1970: the first timestamp that PostgreSQL has.</summary>
    internal const long TimestampMin = -211_813_488_000_000_000 + MicrosTo2000;

    /// <summary>The end of the year 294276 in microseconds since 1970, which leaves 64 bits; so DuckDB's own end is the bound.</summary>
    internal const long TimestampEnd = long.MaxValue;

    /// <summary>4714-11-24 BC in days since 2000.</summary>
    internal const int DateMin = -2_451_545;

    /// <summary>The end of the year 5874897 in days since 2000.</summary>
    internal const int DateEnd = 2_147_483_494 - 2_451_545;

    private const long MicrosTo2000 = 946_684_800_000_000;
    private const int DaysTo2000 = 10_957;
    private const string Advice = "Correct the value in the source, leave it out with 'where', or give the column another type.";

    /// <summary>Days since 2000; infinities are the ends of 32 bits.</summary>
    internal static int Date(int days)
    {
        if (days == int.MaxValue) return int.MaxValue;
        if (days == -int.MaxValue) return int.MinValue;
        var moved = (long)days - DaysTo2000;
        return moved is >= DateMin and < DateEnd ? (int)moved : throw Outside("date", "4714-11-24 BC to 5874897-12-31");
    }

    /// <summary>For what is not in the range of timestamps: the infinities.</summary>
    internal static long EndOfTimestamps(long micros) => micros switch
    {
        long.MaxValue => long.MaxValue,
        -long.MaxValue => long.MinValue,
        _ => throw Outside("timestamp", "4714-11-24 BC to 294276-12-31"),
    };

    /// <summary>A timestamp, in microseconds since 1970, of a column that holds multiples of some microseconds only.</summary>
    internal static long Coarse(long micros, int unit) =>
        micros is >= TimestampMin and < TimestampEnd ? Whole(micros, unit) - MicrosTo2000 : EndOfTimestamps(micros);

    /// <summary>Seconds or milliseconds in microseconds; infinities stay.</summary>
    internal static long Micros(long units, int microsPerUnit)
    {
        if (units is long.MaxValue or -long.MaxValue) return units;
        return units < long.MaxValue / microsPerUnit && units > -(long.MaxValue / microsPerUnit)
            ? units * microsPerUnit
            : throw Outside("timestamp", "4714-11-24 BC to 294276-12-31");
    }

    /// <summary>Nanoseconds in microseconds; infinities stay.</summary>
    internal static long MicrosOfNanos(long nanos) => nanos is long.MaxValue or -long.MaxValue ? nanos : Whole(nanos, 1000) / 1000;

    /// <summary>A time that is a multiple of a unit.</summary>
    internal static long Whole(long time, int unit) => unit == 1 || time % unit == 0
        ? time
        : throw new ValueRefused("found a time that is finer than the column's type, and is not rounded", Advice);

    /// <summary>An interval; PostgreSQL (17 and later) takes the ends of all three numbers for infinities.</summary>
    internal static DuckDbInterval Finite(DuckDbInterval interval) =>
        interval is { Months: int.MaxValue, Days: int.MaxValue, Micros: long.MaxValue } or { Months: int.MinValue, Days: int.MinValue, Micros: long.MinValue }
            ? throw Outside("interval", "up to 178,956,970 years and 7 months")
            : interval;

    private static ValueRefused Outside(string what, string range) => new($"found a {what} outside of PostgreSQL's range, {range}", Advice);
}
