using Millrace.Planning;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// How every file of a stream is read, settled at planning so that each unit reads alike: dialect, columns, types, checks. This is the
/// stream's reader JSON.
/// </summary>
internal sealed record FileLayout
{
    /// <summary>The format.</summary>
    public required SourceFormat Format { get; init; }

    /// <summary>The packing that the job says; null: by each file's ending.</summary>
    public Packing? Packing { get; init; }

    /// <summary>The text encoding's name in lower case; <c>utf-8</c> is read without conversion.</summary>
    public string Encoding { get; init; } = "utf-8";

    /// <summary>The dialect of CSV files; null for others.</summary>
    public CsvDialect? Csv { get; init; }

    /// <summary>The folder that file names are relative to.</summary>
    public required string Root { get; init; }

    /// <summary>All columns that a file of this stream can have, in order.</summary>
    public required ImmutableArray<FileColumn> Columns { get; init; }

    /// <summary>What the target gets, in order.</summary>
    public required ImmutableArray<OutputColumn> Output { get; init; }

    /// <summary>The condition that rows must meet, over the source's column names; null: every row.</summary>
    public string? Where { get; init; }

    /// <summary>True when a file that lacks a column is refused; otherwise the column is NULL there.</summary>
    public bool MissingFails { get; init; }

    /// <summary>SQL of a file's place below <see cref="Root"/>, from SQL of its path.</summary>
    public string BelowRoot(string path) => string.Create(CultureInfo.InvariantCulture, $"substr({path}, {Root.TrimEnd('/').Length + 2})");

    /// <summary>The layout as a stream's header carries it.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, FileJson.Default.FileLayout);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    public static FileLayout Parse(string json) => JsonSerializer.Deserialize(json, FileJson.Default.FileLayout)
        ?? throw new JsonException("a layout is an object");
}

/// <summary>Where a column's values come from.</summary>
internal enum ColumnOrigin
{
    /// <summary>The file's content.</summary>
    Content = 0,

    /// <summary>The file's path relative to the source's folder.</summary>
    FileName = 1,

    /// <summary>A <c>key=value</c> folder in the file's path.</summary>
    Folder = 2,
}

/// <summary>A column as files have it.</summary>
/// <param name="Name">The name in the files.</param>
/// <param name="Type">The type that it is read as, in DuckDB's spelling.</param>
/// <param name="Decode">
/// SQL that makes the value from what the file holds, with <see cref="Hole"/> where the raw column goes; it raises an error for a value
/// that the type can't hold as it was written.
/// </param>
/// <param name="Origin">Where the values come from.</param>
/// <param name="Stored">The type that <see cref="Decode"/> starts from; null: text.</param>
/// <param name="Nothing">
/// Where rows with bad values are rejected, for a column that can have some: SQL over the raw column that is true when it has no value at all.
/// What is NULL otherwise is bad then.
/// </param>
/// <param name="IsUsual">Whether numbers and times are spelled as SQL spells them, so that the quick readers may read them.</param>
internal sealed record FileColumn(
    string Name, string Type, string Decode, ColumnOrigin Origin = ColumnOrigin.Content, string? Stored = null, bool IsUsual = false, string? Nothing = null)
{
    /// <summary>Stands for the raw column in <see cref="Decode"/>.</summary>
    public const string Hole = TypeFitting.Hole;

    /// <summary>The expression over a raw column.</summary>
    public string Over(string raw) => Decode.Replace(Hole, raw, StringComparison.Ordinal);
}

/// <summary>A column of the target.</summary>
/// <param name="Source">The column's name in the files.</param>
/// <param name="Name">Its name in the target.</param>
/// <param name="Fit">SQL over the source's column (quoted, in place of <see cref="FileColumn.Hole"/>) that gives what the target can hold.</param>
/// <param name="Refuses">Where rows with bad values are rejected: whether <paramref name="Fit"/> is NULL for some value.</param>
internal sealed record OutputColumn(string Source, string Name, string Fit, bool Refuses = false);

/// <summary>The JSON forms of slices and layouts.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(FileSlice))]
[JsonSerializable(typeof(FileLayout))]
internal sealed partial class FileJson : JsonSerializerContext;
