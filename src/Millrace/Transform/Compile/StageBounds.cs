namespace Millrace.Transform;

/// <summary>
/// From which size on rows are cut for key steps. A job can't choose them; whoever runs it in a process of their own can, so that a test crosses
/// every boundary with few rows. What a run began with must be there again when it is resumed.
/// </summary>
public sealed record StageBounds
{
    /// <summary>The most rows of a stream whose key steps are done at once, without buckets. Default: <see cref="Limits.WholeRowsMax"/>.</summary>
    public long WholeRowsMax { get; init; } = Limits.WholeRowsMax;

    /// <summary>The most bytes of a join's right side that every unit keeps in memory. Default: <see cref="Limits.SideBytesMax"/>.</summary>
    public long SideBytesMax { get; init; } = Limits.SideBytesMax;

    /// <summary>The most bytes of rows that a unit of a key step has, whatever the memory. Default: <see cref="Limits.UnitBytesTarget"/>.</summary>
    public long KeyUnitBytesMax { get; init; } = Limits.UnitBytesTarget;

    /// <summary>Whether every unit of <c>nest</c> that can be is written element by element, not only one that no memory holds. Default: no.</summary>
    public bool NestByElement { get; init; }
}
