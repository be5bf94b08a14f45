using System.Collections.Immutable;
using Millrace.DuckDb;

namespace Millrace.Connectors.Files.Source;

/// <summary>What looking into some of a stream's files has found.</summary>
internal sealed record Inspected
{
    /// <summary>The columns, in the order in which the files have them first.</summary>
    public required ImmutableArray<InspectedColumn> Columns { get; init; }

    /// <summary>The dialect; null when the files are no CSV.</summary>
    public CsvDialect? Csv { get; init; }

    /// <summary>What the user should know about what was found.</summary>
    public ImmutableArray<string> Remarks { get; init; } = [];
}

/// <summary>A column that was found.</summary>
/// <param name="Name">Its name.</param>
/// <param name="FileType">The type in the file's own words.</param>
/// <param name="Type">The type that fits every value of the sample, or that the file declares.</param>
/// <param name="Remark">Why that type, where it is not obvious.</param>
internal sealed record InspectedColumn(string Name, string FileType, DuckDbType Type, string? Remark = null);
