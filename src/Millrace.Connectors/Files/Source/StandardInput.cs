using Millrace.Faults;
using Millrace.Jobs;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// Standard input, copied to a temporary file first: it can be looked into, cut and read again like any other file. The file is removed
/// with the source, so a later <c>resume</c> can't read it any more and says so.
/// </summary>
internal sealed class StandardInput : IDisposable
{
    private StandardInput(string folder, string name)
    {
        Folder = folder;
        Name = name;
    }

    /// <summary>The temporary folder.</summary>
    public string Folder { get; }

    /// <summary>The file in it.</summary>
    public string Name { get; }

    /// <summary>Copies standard input to its end.</summary>
    /// <exception cref="Fault">The disk is full, or the format can't be told.</exception>
    public static Task<StandardInput> SpoolAsync(StreamJob stream, CancellationToken cancel) =>
        SpoolAsync(Console.OpenStandardInput(), stream, cancel);

    /// <summary>The same for any stream.</summary>
    internal static async Task<StandardInput> SpoolAsync(Stream input, StreamJob stream, CancellationToken cancel)
    {
        var folder = Directory.CreateTempSubdirectory("millrace-stdin-").FullName;
        try
        {
            var name = "stdin";
            await using (input.ConfigureAwait(false))
            {
                var file = new FileStream(Path.Combine(folder, name), FileMode.CreateNew, FileAccess.Write);
                await using (file.ConfigureAwait(false)) await input.CopyToAsync(file, cancel).ConfigureAwait(false);
            }

            var ending = EndingOf(Path.Combine(folder, name), stream);
            File.Move(Path.Combine(folder, name), Path.Combine(folder, name + ending));
            return new StandardInput(folder, name + ending);
        }
        catch
        {
            Directory.Delete(folder, recursive: true);
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            Directory.Delete(Folder, recursive: true);
        }
        catch (IOException)
        {
            // A temporary folder that stays is no reason to fail a run that has ended.
        }
    }

    // Format and packing by what the bytes begin with, where the job does not say: a Parquet file, gzip and zstd have their marks, JSON
    // begins with a brace or bracket.
    private static string EndingOf(string path, StreamJob stream)
    {
        var head = new byte[4];
        int got;
        using (var file = File.OpenRead(path)) got = file.ReadAtLeast(head, 4, throwOnEndOfStream: false);
        var packing = FormatOf.SaidPacking(stream.Read)
            ?? (got >= 2 && head[0] == 0x1F && head[1] == 0x8B ? Packing.Gzip
                : got == 4 && BitConverter.ToUInt32(head) == 0xFD2FB528 ? Packing.Zstd
                : Packing.None);
        var packed = packing switch { Packing.Gzip => ".gz", Packing.Zstd => ".zst", _ => "" };
        if (FormatOf.Said(stream.Read) is { } said) return "." + said.ToString().ToLowerInvariant() + packed;
        if (got == 4 && head.AsSpan().SequenceEqual("PAR1"u8)) return ".parquet";
        if (packing == Packing.Zstd) return ".csv" + packed;
        using var text = TextStreams.Open(path, packing, "utf-8", null);
        Span<byte> one = stackalloc byte[1];
        while (text.Read(one) == 1)
        {
            if (one[0] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t' or 0xEF or 0xBB or 0xBF) continue;
            return one[0] switch { (byte)'{' => ".ndjson", (byte)'[' => ".json", _ => ".csv" } + packed;
        }

        return ".csv" + packed;
    }
}
