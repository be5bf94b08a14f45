using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Millrace.Connectors.Files.Source;

/// <summary>What one unit reads: whole files, or one piece of one file. The same content gives the same text.</summary>
/// <param name="Files">The files in reading order; exactly one when <see cref="Range"/> is set.</param>
/// <param name="Range">The piece of the only file; null: whole files.</param>
internal sealed record FileSlice(ImmutableArray<SliceFile> Files, SliceRange? Range = null)
{
    /// <summary>The bytes to read of the only text file; null: all, or not a piece by bytes.</summary>
    [JsonIgnore]
    public SliceRange? Bytes => Range is { ByRow: false } ? Range : null;

    /// <summary>The slice as a unit carries it.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, FileJson.Default.FileSlice);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    public static FileSlice Parse(string json) => JsonSerializer.Deserialize(json, FileJson.Default.FileSlice)
        ?? throw new JsonException("a slice is an object");
}

/// <summary>One file as it was when the unit was planned.</summary>
/// <param name="Path">The absolute path.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Ticks">When it was last written, UTC, in units of 100 ns.</param>
/// <param name="Rows">Its rows where they are known; -1 otherwise.</param>
internal sealed record SliceFile(string Path, long Bytes, long Ticks, long Rows = -1);

/// <summary>
/// A piece of a file. For CSV and NDJSON <see cref="Start"/> and <see cref="End"/> are bytes at record starts; for Parquet, and for text
/// that can't be read from the middle, they are row numbers. Half-open.
/// </summary>
/// <param name="Start">The first byte, or the first row.</param>
/// <param name="End">The byte, or the row, after the last; of rows of a text <see cref="long.MaxValue"/>: up to its end.</param>
/// <param name="FirstRow">Data rows before this piece.</param>
/// <param name="Rows">Data rows in this piece; -1 when unknown.</param>
/// <param name="ByRow">Whether a text's rows are counted: those before the piece are read and left out.</param>
internal sealed record SliceRange(
    long Start, long End, long FirstRow, long Rows, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool ByRow = false);
