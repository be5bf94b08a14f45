namespace Millrace.Connectors.Files.Source;

/// <summary>
/// A text file that the planner's DuckDB can look at: the file itself, or where it is packed or in another encoding a temporary one with
/// its first megabytes as UTF-8, cut behind a line.
/// </summary>
/// <remarks>
/// The temporary file has no name: it is read through its open descriptor, and the system frees it with the process, however that ends.
/// Where the system has no such way (outside Linux) it has a name until it is disposed.
/// </remarks>
internal sealed class TextSample : IDisposable
{
    private readonly FileStream? _temporary;

    private TextSample(string path, FileStream? temporary, bool whole, Packing packing)
    {
        Packing = packing;
        Path = path;
        _temporary = temporary;
        IsWhole = whole;
    }

    /// <summary>How the sample is packed: not, or as zstd, which DuckDB unpacks.</summary>
    public Packing Packing { get; }

    /// <summary>The path to read.</summary>
    public string Path { get; }

    /// <summary>False when the sample ends before the file does.</summary>
    public bool IsWhole { get; }

    /// <summary>Takes a sample.</summary>
    /// <param name="file">The file.</param>
    /// <param name="packing">How it is packed.</param>
    /// <param name="encoding">Its encoding.</param>
    /// <param name="dialect">The dialect as far as it is known; only its comments and quotes matter.</param>
    /// <param name="format">Its format: of JSON the sample has one value on each line.</param>
    public static TextSample Of(SourceFile file, Packing packing, string encoding, CsvDialect? dialect, SourceFormat format)
    {
        if (TextStreams.IsPlain(packing, encoding, dialect?.Comment ?? "", format)) return new TextSample(file.Path, null, whole: true, packing);
        FileStream? temporary = null;
        try
        {
            using var text = TextStreams.Open(file.Path, packing, encoding, dialect, format);
            temporary = Temporary();
            var whole = Copy(text, temporary);
            temporary.Flush();
            return new TextSample(PathOf(temporary), temporary, whole, Packing.None);
        }
        catch (Exception error)
        {
            temporary?.Dispose();
            throw SourceFaults.From(file.Path, error);
        }
    }

    /// <summary>Removes the temporary file. Whatever reads <see cref="Path"/> must have ended.</summary>
    public void Dispose() => _temporary?.Dispose();

    private static FileStream Temporary()
    {
        var path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"millrace-sample-{Guid.NewGuid():N}");
        // Of one open for writing, only such sharing lets others read it.
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite | FileShare.Delete,
            Options = OperatingSystem.IsLinux() ? FileOptions.None : FileOptions.DeleteOnClose,
        };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var file = new FileStream(path, options);
        if (OperatingSystem.IsLinux()) File.Delete(path);
        return file;
    }

    // The length of a link to an open file is the link's own, so an empty text is the system's empty file, which is known to be empty.
    private static string PathOf(FileStream temporary) =>
        !OperatingSystem.IsLinux() ? temporary.Name
        : temporary.Length == 0 ? "/dev/null"
        : $"/proc/self/fd/{temporary.SafeFileHandle.DangerousGetHandle()}";

    private static bool Copy(Stream text, FileStream copy)
    {
        var buffer = new byte[128 * 1024];
        long lastLineEnd = 0;
        while (copy.Position < Limits.SampleBytesMax)
        {
            var got = text.Read(buffer);
            if (got == 0) return true;
            var at = buffer.AsSpan(0, got).LastIndexOf((byte)'\n');
            if (at >= 0) lastLineEnd = copy.Position + at + 1;
            copy.Write(buffer, 0, got);
        }

        if (lastLineEnd > 0) copy.SetLength(lastLineEnd);
        return false;
    }
}
