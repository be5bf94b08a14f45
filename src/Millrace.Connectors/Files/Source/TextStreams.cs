using System.Text;

namespace Millrace.Connectors.Files.Source;

/// <summary>Opens a text file as UTF-8 bytes: unpacked, converted, without its comment lines.</summary>
internal static class TextStreams
{
    private const int FileBufferBytes = 128 * 1024;

    static TextStreams() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    /// <summary>Whether DuckDB can read the file itself; otherwise its bytes pass through <see cref="Open"/>.</summary>
    public static bool IsPlain(Packing packing, string encoding, string comment, SourceFormat format) =>
        comment.Length == 0 && (packing == Packing.Zstd || (packing == Packing.None && encoding == "utf-8" && format != SourceFormat.Json));

    /// <summary>
    /// Opens a file. Zstandard is DuckDB's to unpack. A byte that is not of the encoding fails the read with a
    /// <see cref="DecoderFallbackException"/>, damaged gzip with an <see cref="InvalidDataException"/>.
    /// </summary>
    /// <param name="path">The file.</param>
    /// <param name="packing">How it is packed.</param>
    /// <param name="encoding">Its encoding, as <see cref="Known"/> spells it.</param>
    /// <param name="dialect">The CSV dialect, for its comments; null: none.</param>
    /// <param name="format">The format: of JSON each value is given as a line. Null: not known yet.</param>
    /// <param name="range">The bytes to read of a file that is not packed; null: all.</param>
    public static Stream Open(string path, Packing packing, string encoding, CsvDialect? dialect, SourceFormat? format, SliceRange? range = null)
    {
        Stream stream = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.Open,
            Access = FileAccess.Read,
            Share = FileShare.ReadWrite | FileShare.Delete,
            BufferSize = packing == Packing.None ? 0 : FileBufferBytes,
            Options = FileOptions.SequentialScan,
        });
        try
        {
            if (range is not null) stream = new BytesOf(stream, range.Start, range.End);
            if (packing == Packing.Gzip) stream = new GzipMembers(stream);
            if (encoding != "utf-8") stream = Converted(stream, encoding);
            if (dialect is { Comment.Length: > 0 }) stream = new CommentLines(stream, dialect);
            if (format == SourceFormat.Json) stream = new JsonValueLines(stream);
            return stream;
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    /// <summary>The first byte that is no white space, nor of a byte order mark, as a character; NUL when there is none.</summary>
    public static char FirstCharacter(Stream text)
    {
        Span<byte> one = stackalloc byte[1];
        while (text.Read(one) == 1)
        {
            if (one[0] is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or 0xEF or 0xBB or 0xBF)) return (char)one[0];
        }

        return '\0';
    }

    /// <summary>An encoding's name as this connector keeps it; null when nobody knows it.</summary>
    public static string? Known(string? name)
    {
        if (name is null) return "utf-8";
        var plain = name.Trim().ToLowerInvariant().Replace('_', '-');
        if (plain is "utf8" or "utf-8" or "utf-8-sig" or "ascii" or "us-ascii") return "utf-8";
        if (plain is "latin-1" or "latin1") return "iso-8859-1";
        if (plain.StartsWith("cp125", StringComparison.Ordinal)) plain = "windows-" + plain[2..];
        try
        {
            return Encoding.GetEncoding(plain).WebName;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>An encoding by the name that <see cref="Known"/> gave.</summary>
    public static Encoding EncodingOf(string name) => Encoding.GetEncoding(name, EncoderFallback.ExceptionFallback, DecoderFallback.ExceptionFallback);

    private static Stream Converted(Stream inner, string name)
    {
        var from = EncodingOf(name);
        var stream = inner;
        if (name is "utf-16" or "utf-16le" or "utf-16be")
        {
            // The mark at the start, when there is one, says more than the name.
            var head = new byte[2];
            var got = inner.ReadAtLeast(head, 2, throwOnEndOfStream: false);
            var bigEndian = got == 2 && head[0] == 0xFE && head[1] == 0xFF;
            var marked = bigEndian || (got == 2 && head[0] == 0xFF && head[1] == 0xFE);
            if (marked) from = new UnicodeEncoding(bigEndian, byteOrderMark: false, throwOnInvalidBytes: true);
            stream = new Prefixed(head.AsMemory(0, marked ? 0 : got), inner);
        }

        return Encoding.CreateTranscodingStream(stream, from, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));
    }

    /// <summary>A piece of a file.</summary>
    private sealed class BytesOf : ReadOnlyStream
    {
        private long _left;

        public BytesOf(Stream file, long start, long end)
            : base(file)
        {
            file.Position = start;
            _left = end - start;
        }

        public override int Read(Span<byte> buffer)
        {
            if (_left == 0) return 0;
            var got = Inner.Read(buffer[..(int)Math.Min(buffer.Length, _left)]);
            if (got == 0) throw new InvalidDataException($"the file ends {_left} bytes too early");
            _left -= got;
            return got;
        }
    }

    /// <summary>Some bytes, then a stream.</summary>
    private sealed class Prefixed(ReadOnlyMemory<byte> head, Stream inner) : ReadOnlyStream(inner)
    {
        private ReadOnlyMemory<byte> _head = head;

        public override int Read(Span<byte> buffer)
        {
            if (_head.IsEmpty) return Inner.Read(buffer);
            var count = Math.Min(buffer.Length, _head.Length);
            _head.Span[..count].CopyTo(buffer);
            _head = _head[count..];
            return count;
        }
    }
}
