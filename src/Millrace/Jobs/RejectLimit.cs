using System.Globalization;

namespace Millrace.Jobs;

/// <summary>How many rows of one stream may go to quarantine before the stream fails: a number, or a share of the rows that were read.</summary>
public sealed record RejectLimit
{
    /// <summary>What is expected, for messages.</summary>
    public const string Expected = "a number of rows, or a share of them such as 1%";

    private const int PercentDigitsMax = 6;

    /// <summary>A number of rows, 0 and up; null: <see cref="Percent"/> says it.</summary>
    public long? Rows { get; init; }

    /// <summary>A share of the stream's rows, 0 to 100; null: <see cref="Rows"/> says it.</summary>
    public decimal? Percent { get; init; }

    /// <summary>The bound when the job does not say.</summary>
    public static RejectLimit Default { get; } = new() { Rows = Limits.RejectRowsDefault };

    /// <summary>Reads <c>100</c> or <c>0.5%</c>.</summary>
    public static bool TryParse(string text, out RejectLimit limit)
    {
        limit = Default;
        if (!text.EndsWith('%'))
        {
            if (!long.TryParse(text.Replace("_", "", StringComparison.Ordinal), NumberStyles.None, CultureInfo.InvariantCulture, out var rows)) return false;
            limit = new RejectLimit { Rows = rows };
            return true;
        }

        if (!decimal.TryParse(text.AsSpan(0, text.Length - 1).TrimEnd(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent)) return false;
        if (percent > 100 || percent.Scale > PercentDigitsMax) return false;
        limit = new RejectLimit { Percent = percent };
        return true;
    }

    /// <summary>Whether so many rejects are within the bound, once all rows are read. Exact.</summary>
    /// <param name="rejected">Rows that were rejected.</param>
    /// <param name="read">Rows that were read, the rejected ones among them.</param>
    public bool Allows(long rejected, long read) => Percent is { } share ? (decimal)rejected * 100 <= share * read : rejected <= (Rows ?? Limits.RejectRowsDefault);

    /// <summary>
    /// Rejects from which a stream can stop before all of it is read; null: only its end tells. Of a share it is twice what the estimate
    /// allows, and never less than <see cref="Limits.RejectRowsDefault"/>: estimates err.
    /// </summary>
    /// <param name="estimatedRows">About how many rows the stream has; null when nobody knows.</param>
    public long? StopsAt(long? estimatedRows)
    {
        if (Percent is not { } share) return Rows;
        if (estimatedRows is not { } rows) return null;
        return Math.Max(Limits.RejectRowsDefault, (long)Math.Min(long.MaxValue, share * rows / 50));
    }

    /// <summary>As it is written in a job file.</summary>
    public override string ToString() => Percent is { } share ? share.ToString(CultureInfo.InvariantCulture) + "%" : (Rows ?? 0).ToString(CultureInfo.InvariantCulture);
}
