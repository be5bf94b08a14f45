using System.Buffers.Binary;
using Millrace.Faults;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// Walks over a file's Zstandard frames (RFC 8878) from block header to block header without unpacking them, to see that the file is
/// whole: DuckDB takes one that was cut off for a whole one.
/// </summary>
internal static class ZstdFrames
{
    private const uint Magic = 0xFD2FB528;

    /// <summary>Checks a file.</summary>
    /// <exception cref="Fault">It ends inside a frame, or holds something else.</exception>
    public static void Check(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete, 4096, FileOptions.RandomAccess);
            Span<byte> four = stackalloc byte[4];
            while (file.Position < file.Length)
            {
                Fill(file, four);
                var magic = BinaryPrimitives.ReadUInt32LittleEndian(four);
                if ((magic & 0xFFFFFFF0) == 0x184D2A50)
                {
                    Fill(file, four);
                    Skip(file, BinaryPrimitives.ReadUInt32LittleEndian(four));
                }
                else if (magic == Magic)
                {
                    Frame(file);
                }
                else
                {
                    throw new InvalidDataException("the data is no zstd, or garbage follows it");
                }
            }
        }
        catch (Exception error)
        {
            throw SourceFaults.From(path, error);
        }
    }

    private static void Frame(FileStream file)
    {
        var descriptor = Byte(file);
        var single = (descriptor & 0x20) != 0;
        var dictionary = (descriptor & 3) switch { 0 => 0, 1 => 1, 2 => 2, _ => 4 };
        var size = (descriptor >> 6) switch { 0 => single ? 1 : 0, 1 => 2, 2 => 4, _ => 8 };
        Skip(file, (single ? 0 : 1) + dictionary + size);
        Span<byte> header = stackalloc byte[3];
        bool last;
        do
        {
            Fill(file, header);
            var value = header[0] | (header[1] << 8) | (header[2] << 16);
            last = (value & 1) != 0;
            // Type 1 is one byte that is repeated.
            Skip(file, ((value >> 1) & 3) == 1 ? 1 : value >> 3);
        }
        while (!last);

        if ((descriptor & 4) != 0) Skip(file, 4);
    }

    private static int Byte(FileStream file) => file.ReadByte() is >= 0 and var value ? value : throw Cut();

    private static void Fill(FileStream file, Span<byte> buffer)
    {
        if (file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false) < buffer.Length) throw Cut();
    }

    private static void Skip(FileStream file, long bytes)
    {
        if (file.Position + bytes > file.Length) throw Cut();
        file.Position += bytes;
    }

    private static InvalidDataException Cut() => new("the zstd data ends too early");
}
