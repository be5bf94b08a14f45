using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Connectors.Postgres.Partitioning;

/// <summary>How one part is cut.</summary>
/// <param name="Strategy">The strategy.</param>
/// <param name="Why">Why that one, as the end of a sentence that begins with the strategy.</param>
/// <param name="Count">How many units to expect.</param>
/// <param name="Units">The units, one at a time; may be read more than once.</param>
internal sealed record PartUnits(PartitionBy Strategy, string Why, long Count, IEnumerable<PlannedUnit> Units)
{
    /// <summary>The part as one unit.</summary>
    public static PartUnits One(PgPart part, string why) => new(
        PartitionBy.None, why, 1, [new PlannedUnit(new PgSlice([part.Whole]).ToJson(), part.Name ?? "all rows", part.Rows, part.Bytes)]);
}
