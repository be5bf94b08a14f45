namespace Millrace;

/// <content>How rows are laid out in folders and files.</content>
public static partial class Limits
{
    /// <summary>The most units that each leave a file in every partition folder; with more, rows are put together by partition before.</summary>
    public const int ScatteredUnitsMax = 4;

    /// <summary>The same where files have a bound of rows: each unit leaves at most one file in a folder that is not full.</summary>
    public const int ScatteredUnitsBounded = 2;

    /// <summary>The most partition folders that leave a unit's files about as large as it is.</summary>
    public const int FoldersFewMax = 8;

    /// <summary>The smallest block of a partition's rows on the way to its files, in bytes, where there are very many partitions.</summary>
    public const int PartitionBlockBytesMin = 1024;

    /// <summary>Bytes that a lane has at least for rows to be ordered by a step's key when they are put together by folder.</summary>
    public const long OrderedLaneBytesMin = 128 * Mega;

    /// <summary>
    /// The fewest rows of a file that has a statement of its own where all rows of a unit go into one folder: the writer's own way to a file for so many rows
    /// takes a seventh of its time for finding out to which file each row belongs.
    /// </summary>
    public const int PortionRowsMin = 16_384;

    /// <summary>
    /// <see cref="PartitionedWriteRowsMax"/> where folders may have few rows: DuckDB takes some 100 KB for each folder among the rows that it collects.
    /// </summary>
    public const int PartitionedWriteRowsMin = 2_048;

    /// <summary>Rows of a folder from which they are many.</summary>
    public const int PartitionRowsMany = PartitionedWriteRowsMax / 64;
}
