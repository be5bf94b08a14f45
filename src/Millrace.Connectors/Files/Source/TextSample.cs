namespace Millrace.Connectors.Files.Source;

/// <summary>
/// A text file that the planner's DuckDB can look at: the file itself, or where it is packed or in another encoding a temporary one with
/// its first megabytes as UTF-8, cut behind a line.
/// </summary>
internal sealed class TextSample : IDisposable
{
    private readonly string? _temporary;

    private TextSample(string path, string? temporary, bool whole, Packing packing)
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
        var temporary = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"millrace-sample-{Guid.NewGuid():N}");
        try
        {
            using var text = TextStreams.Open(file.Path, packing, encoding, dialect, format);
            using var copy = new FileStream(temporary, FileMode.CreateNew, FileAccess.ReadWrite);
            var whole = Copy(text, copy);
            return new TextSample(temporary, temporary, whole, Packing.None);
        }
        catch (Exception error)
        {
            File.Delete(temporary);
            throw SourceFaults.From(file.Path, error);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_temporary is not null) File.Delete(_temporary);
    }

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
