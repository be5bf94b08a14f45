using Millrace.DuckDb;
using Millrace.Planning;

namespace Millrace.Transform;

/// <summary>About how large rows are between stages.</summary>
internal static class RowBytes
{
    /// <summary>About how many bytes a stream's rows are; null where nobody knows how many there are.</summary>
    public static long? Estimate(StreamPlan plan)
    {
        if (plan.EstimatedRows is { } rows) return rows * plan.Columns.Sum(static column => Of(DuckDbType.Parse(column.Type)));
        return plan.EstimatedBytes * Limits.PackedTimesMax;
    }

    private static long Of(DuckDbType type) => type.IsNested ? Limits.NestedBytesGuess : type.Kind is DuckDbKind.Varchar or DuckDbKind.Blob ? Limits.TextBytesGuess : type.ValueBytes;
}
