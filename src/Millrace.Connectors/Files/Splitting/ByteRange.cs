using System.Runtime.InteropServices;

namespace Millrace.Connectors.Files.Splitting;

/// <summary>A half-open piece of a text file that starts and ends at a record start (or at the end of the file).</summary>
/// <param name="Start">The first byte, from 0, counted in the file as it lies on disk.</param>
/// <param name="End">The byte after the last one.</param>
/// <param name="FirstRow">How many data rows lie before this range: the header, blank lines and comment lines are no rows.</param>
/// <param name="Rows">How many data rows the range holds.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct ByteRange(long Start, long End, long FirstRow, long Rows)
{
    /// <summary>The range's length in bytes.</summary>
    public long Bytes => End - Start;
}
