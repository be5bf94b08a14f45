using Millrace.Jobs;
using Millrace.Planning;

namespace Millrace.Connectors.Files.Target;

/// <summary>
/// What each format holds without changing a value, as tried with DuckDB 1.5.5's writers and PyArrow as the reader. The README has the
/// experiments.
/// </summary>
internal static class FileFormatTraits
{
    /// <summary>The traits of a format.</summary>
    public static TargetTraits Of(FileFormat format) => format switch
    {
        FileFormat.Parquet => new TargetTraits
        {
            Nested = true,
            Bytes = true,
            InfiniteDates = false, // written as the largest day or microsecond: other readers see the year 5881580, or fail
            NonFiniteFloats = true,
            EndOfDay = false, // written as 86,400,000,000 microseconds: PyArrow reads 00:00
            HugeIntegers = false, // written as DOUBLE
            Intervals = false, // microseconds are cut to milliseconds, negative ones are an error
            TimeOffsets = false, // written as the time in UTC
            Batches = true, // a row group is in memory until it is whole
        },
        FileFormat.Csv => new TargetTraits
        {
            Nested = false, // DuckDB's notation quotes no text inside lists and structs
            Bytes = false, // there is no notation that all readers share
            InfiniteDates = true,
            NonFiniteFloats = true,
            EndOfDay = true,
            HugeIntegers = true,
            Intervals = true,
            TimeOffsets = true,
        },
        _ => new TargetTraits
        {
            Nested = true,
            Bytes = false,
            InfiniteDates = true,
            NonFiniteFloats = false, // written as NaN and Infinity, which is not JSON
            EndOfDay = true,
            HugeIntegers = true,
            Intervals = true,
            TimeOffsets = true,
            StructureReadsBack = false, // readers take numbers inside for DOUBLE; line ends inside JSON are written as blanks
        },
    };
}
