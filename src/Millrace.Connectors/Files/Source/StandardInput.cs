using System.Diagnostics;
using Millrace.Faults;
using Millrace.Jobs;
using Millrace.Planning;
using Millrace.Runs;

namespace Millrace.Connectors.Files.Source;

/// <summary>
/// Standard input, copied to a file below the job's state folder first: it can be looked into, cut and read again like any other file. The
/// copy is removed with the source, however the run ends. A process that is killed leaves it; the next start with the same state folder
/// removes it, since the dead process no longer holds its lock. So a later <c>resume</c> can't read the input any more: it must be given again.
/// </summary>
internal sealed class StandardInput : IDisposable
{
    private readonly FileLock _lock;

    private StandardInput(string folder, FileLock held, string name, long bytes)
    {
        Folder = folder;
        _lock = held;
        Name = name;
        Bytes = bytes;
    }

    /// <summary>The folder that the copy is in.</summary>
    public string Folder { get; }

    /// <summary>The file in it.</summary>
    public string Name { get; }

    /// <summary>How long it is.</summary>
    public long Bytes { get; }

    /// <summary>Copies this process's standard input to its end: see the other overload.</summary>
    public static Task<StandardInput> SpoolAsync(SourceContext context, StreamJob stream, CancellationToken cancel) =>
        SpoolAsync(Console.OpenStandardInput(), context.ScratchFolder ?? Path.GetTempPath(), context.DiskBytes, stream, cancel);

    /// <summary>Copies an input to its end.</summary>
    /// <param name="input">The input. Given up, not waited for, when <paramref name="cancel"/> comes while it is silent.</param>
    /// <param name="scratch">The folder to copy into a folder of.</param>
    /// <param name="bytesMax">The longest input that is taken: <c>limits.disk</c>; null: what the disk has.</param>
    /// <param name="stream">What the job says of it.</param>
    /// <param name="cancel">Stops it; nothing is left then.</param>
    /// <exception cref="Fault">It is longer than the limit, or the disk is full.</exception>
    public static async Task<StandardInput> SpoolAsync(Stream input, string scratch, long? bytesMax, StreamJob stream, CancellationToken cancel)
    {
        string? folder = null;
        FileLock? held = null;
        try
        {
            (folder, held) = Begin(scratch);
            var path = Path.Combine(folder, "stdin");
            var bytes = await CopyAsync(input, path, bytesMax, cancel).ConfigureAwait(false);
            var name = "stdin" + EndingOf(path, stream);
            File.Move(path, Path.Combine(folder, name));
            return new StandardInput(folder, held, name, bytes);
        }
        catch (Exception error)
        {
            if (folder is not null && held is not null) Remove(folder, held);
            if (error is IOException or UnauthorizedAccessException) throw FileFaults.From(error, folder ?? scratch, FaultSide.Run);
            throw;
        }
    }

    /// <summary>Removes what killed processes have left.</summary>
    public static void Sweep(string scratch)
    {
        try
        {
            foreach (var folder in Directory.EnumerateDirectories(scratch, "stdin-*"))
            {
                if (FileLock.TryAcquire(Path.Combine(folder, "lock"), "a sweep") is { } held) Remove(folder, held);
            }
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // Somebody else sweeps too, or the state folder is not ours to tidy: no reason to fail a run.
            Debug.WriteLine(error);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Remove(Folder, _lock);

    private static (string Folder, FileLock Held) Begin(string scratch)
    {
        Directory.CreateDirectory(scratch);
        while (true)
        {
            var folder = Path.Combine(scratch, "stdin-" + Guid.NewGuid().ToString("N"));
            if (OperatingSystem.IsWindows()) Directory.CreateDirectory(folder);
            else Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            try
            {
                if (FileLock.TryAcquire(Path.Combine(folder, "lock"), $"process {Environment.ProcessId}") is { } held) return (folder, held);
            }
            catch (DirectoryNotFoundException)
            {
                // A sweep came between the folder and its lock and took it for left over: another folder.
            }
        }
    }

    private static async Task<long> CopyAsync(Stream input, string path, long? bytesMax, CancellationToken cancel)
    {
        var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 0);
        await using var _ = file.ConfigureAwait(false);
        var buffer = new byte[Limits.SpoolBufferBytes];
        long bytes = 0;
        while (true)
        {
            // A read from a silent terminal or pipe does not hear of the cancellation, so it is left behind.
            var got = await input.ReadAsync(buffer, cancel).AsTask().WaitAsync(cancel).ConfigureAwait(false);
            if (got == 0) return bytes;
            bytes += got;
            if (bytes > bytesMax)
            {
                throw new Fault(FaultKind.Limit, $"standard input is longer than {bytesMax} bytes, which limits.disk is: it is copied to disk before it is read")
                {
                    Side = FaultSide.Source,
                    Where = "limits.disk",
                    Advice = "Raise it, or name a file instead of standard input.",
                };
            }

            await file.WriteAsync(buffer.AsMemory(0, got), cancel).ConfigureAwait(false);
        }
    }

    private static void Remove(string folder, FileLock held)
    {
        using (held)
        {
            try
            {
                Directory.Delete(folder, recursive: true);
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException)
            {
                // A copy that stays is no reason to fail a run that has ended; the next start tries again.
                Debug.WriteLine(error);
            }
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
        using var text = TextStreams.Open(path, packing, "utf-8", null, null);
        return TextStreams.FirstCharacter(text) switch { '{' => ".ndjson", '[' => ".json", _ => ".csv" } + packed;
    }
}
