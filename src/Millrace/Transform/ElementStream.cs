using System.Text.Json;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Transform;

/// <summary>
/// How <c>nest</c> writes a unit with a key whose array no memory holds: its rows in the order of key and array, each with an array of its own element
/// alone. The target makes a row of those that follow each other.
/// </summary>
/// <param name="Sql">A complete SELECT over <see cref="StageHeader.Buckets"/>: the stage's columns, the array last, and behind it <paramref name="First"/>.</param>
/// <param name="First">The name of a BOOLEAN: true for the first element of each key.</param>
/// <param name="MemoryBytes">DuckDB's ceiling in a process that runs such a unit, in bytes: it sorts.</param>
public sealed record ElementStream(string Sql, string First, long MemoryBytes)
{
    /// <summary>How a unit is written element by element; null when it is written as others are.</summary>
    internal static ElementStream? Of(StreamHeader header, Unit unit) =>
        header.Stage?.Elements is { } elements && BucketUnitReader.SliceOf(unit).ByElement ? elements : null;

    /// <summary>The stream as a unit is written element by element.</summary>
    internal StreamHeader In(StreamHeader header) => header with { Stage = header.Stage! with { MemoryBytes = MemoryBytes } };

    /// <summary>The same unit, to be written element by element; null when its rows go elsewhere than to a target that can, or it is one already.</summary>
    internal static PlannedUnit? Again(StreamHeader header, Unit unit) =>
        header.Stage is not { Elements: not null, Output: null } ? null : Again(new PlannedUnit(unit.Slice, unit.Label, unit.EstimatedRows, unit.EstimatedBytes));

    /// <summary>The same for a unit of a stage that can.</summary>
    internal static PlannedUnit? Again(PlannedUnit unit)
    {
        if (BucketUnitReader.SliceOf(unit.Slice) is not { ByElement: false } slice) return null;
        return unit with { Slice = JsonSerializer.Serialize(slice with { ByElement = true }, TransformJson.Default.BucketSlice), Label = $"{unit.Label}, element by element" };
    }
}
