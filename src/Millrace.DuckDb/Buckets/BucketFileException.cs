namespace Millrace.DuckDb;

/// <summary>A bucket file can't be read: it is damaged, cut, or no bucket file at all.</summary>
/// <param name="path">The file.</param>
/// <param name="offset">Where in it, in bytes.</param>
/// <param name="found">What is wrong.</param>
/// <param name="inner">What was thrown by whoever found it, or null.</param>
public sealed class BucketFileException(string path, long offset, string found, Exception? inner = null)
    : IOException($"{path}, byte {offset}: {found}", inner)
{
    /// <summary>The file.</summary>
    public string Path { get; } = path;

    /// <summary>Where in it, in bytes.</summary>
    public long Offset { get; } = offset;
}
