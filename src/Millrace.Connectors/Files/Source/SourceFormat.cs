namespace Millrace.Connectors.Files.Source;

/// <summary>The file formats that can be read.</summary>
internal enum SourceFormat
{
    /// <summary>Character-separated values.</summary>
    Csv = 0,

    /// <summary>One JSON object a line.</summary>
    Ndjson = 1,

    /// <summary>One JSON array of objects, or objects one after another.</summary>
    Json = 2,

    /// <summary>Apache Parquet.</summary>
    Parquet = 3,
}

/// <summary>How a file is packed.</summary>
internal enum Packing
{
    /// <summary>Not packed.</summary>
    None = 0,

    /// <summary>gzip, also several members one after another.</summary>
    Gzip = 1,

    /// <summary>Zstandard frames.</summary>
    Zstd = 2,
}
