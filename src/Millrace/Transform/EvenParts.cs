using System.Collections.Immutable;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Transform;

/// <summary>
/// What a unit of buckets is cut into that is only slow: parts that each have fewer rows. Rows of one key stay together, so that where most have one
/// key, a part has nearly all of them and takes as long as the unit.
/// </summary>
internal static class EvenParts
{
    /// <summary>The parts; empty where one would have nearly all rows. Keys are not counted for it: the numbers of rows tell.</summary>
    /// <param name="place">Where the bucket files lie.</param>
    /// <param name="stage">The unit's stage.</param>
    /// <param name="unit">The unit.</param>
    public static ImmutableArray<PlannedUnit> Of(BucketPlace place, StageHeader stage, Unit unit)
    {
        var buckets = BucketPlanning.Of(place, stage.Buckets, unitBytes: long.MaxValue);
        var slice = BucketUnitReader.SliceOf(unit);
        var parts = buckets.Split(slice);
        if (slice.End - slice.First == 1) return IsFarBeyondOthers(buckets, slice) ? [] : parts;
        return parts.Any(part => RowsOf(SliceOf(part)) * 100 >= RowsOf(slice) * Limits.OneKeyRowsPercent) ? [] : parts;
    }

    /// <summary>Keys spread evenly: a bucket far beyond the others has no more keys, but keys of more rows.</summary>
    private static bool IsFarBeyondOthers(BucketPlanning buckets, BucketSlice slice)
    {
        var all = SliceOf(buckets.Units(byElement: false).First());
        return RowsOf(slice) * (all.End - all.First) > RowsOf(all) * Limits.UsualBucketTimesMax;
    }

    private static BucketSlice SliceOf(PlannedUnit unit) => BucketUnitReader.SliceOf(unit.Slice);

    private static long RowsOf(BucketSlice slice) => slice.Rows.Sum();
}
