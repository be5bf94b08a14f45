namespace Millrace.Connectors.Files.Splitting;

/// <summary>How one text file is read in pieces. The ranges follow one another without a gap from <see cref="DataStart"/> to the end.</summary>
public sealed record SplitPlan
{
    /// <summary>
    /// The ranges in file order; empty when the file holds no data after its header. When <see cref="OneUnitReason"/> is set: the one
    /// range of everything after the header, or of the whole file when not even the header's end can be told.
    /// </summary>
    public required IReadOnlyList<ByteRange> Ranges { get; init; }

    /// <summary>Why the file can't be read in pieces, for the plan that people read; null when it can.</summary>
    public string? OneUnitReason { get; init; }

    /// <summary>Data rows in the file; -1 when they could not be counted, which is so only with a <see cref="OneUnitReason"/>.</summary>
    public required long Rows { get; init; }

    /// <summary>Where the bytes before the first row end: byte order mark, skipped lines, header. In bytes.</summary>
    public required long DataStart { get; init; }

    /// <summary>Size and time of the file that was looked at. Reading it later checks against this.</summary>
    public required FileStamp Stamp { get; init; }
}
